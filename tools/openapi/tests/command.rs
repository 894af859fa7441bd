//! The command, on documents and fixtures of its own.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use serde_json::{Value, json};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A document in which `create_profile` takes profiles with these attributes.
fn document(revision: &str, attributes: Value) -> Value {
    let schema = json!({ "type": "object", "required": ["data"], "properties": { "data": {
        "type": "object", "required": ["type", "attributes"], "properties": {
            "type": { "type": "string", "enum": ["profile"] },
            "attributes": { "type": "object", "properties": attributes },
        },
    } } });
    let revision_header =
        json!({ "name": "revision", "in": "header", "required": true, "schema": { "type": "string" } });
    let any = json!({ "content": { "application/vnd.api+json": { "schema": {} } } });
    let responses = json!({ "2XX": any, "4XX": any });
    json!({
        "openapi": "3.0.2",
        "info": { "version": revision },
        "servers": [{ "url": "https://a.klaviyo.com" }],
        "paths": { "/api/profiles": {
            "parameters": [revision_header],
            "get": { "operationId": "get_profiles", "responses": responses },
            "post": { "operationId": "create_profile", "responses": responses, "requestBody": {
                "required": true, "content": { "application/vnd.api+json": { "schema": schema } },
            } },
        } },
    })
}

/// All attributes that the simulator knows.
fn attributes() -> Value {
    let mut attributes: serde_json::Map<String, Value> = [
        "email",
        "phone_number",
        "external_id",
        "first_name",
        "last_name",
        "organization",
        "locale",
        "title",
        "image",
    ]
    .map(|name| {
        let example = match name {
            "email" => "noor@example.com",
            "phone_number" => "+14155550100",
            _ => "text",
        };
        (name.to_owned(), json!({ "type": "string", "nullable": true, "example": example }))
    })
    .into_iter()
    .collect();
    attributes.insert("properties".to_owned(), json!({ "type": "object", "nullable": true }));
    attributes.into()
}

/// A fixture with requests of this revision: a body each.
fn fixture(revision: &str, bodies: &[Value]) -> Value {
    let exchange = |body: &Value| {
        let headers = json!({ "revision": revision, "content-type": "application/vnd.api+json" });
        let url = "https://a.klaviyo.com/api/profiles/";
        json!({ "request": { "method": "POST", "url": url, "headers": headers, "json": body } })
    };
    json!({ "exchanges": bodies.iter().map(exchange).collect::<Vec<_>>() })
}

fn profile(attributes: Value) -> Value {
    json!({ "data": { "type": "profile", "attributes": attributes } })
}

struct Case {
    folder: TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("fixtures")).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.folder.path().join(name), value.to_string()).unwrap();
    }

    fn run(&self, documents: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klaviyo-openapi"));
        command.current_dir(self.folder.path()).args(["--fixtures", "fixtures", "--openapi"]).args(documents);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }
}

#[test]
fn what_is_right_passes_and_is_counted() {
    let case = Case::new();
    case.write("old.json", &document("2025-01-15", attributes()));
    let body = profile(json!({ "email": "a@example.com" }));
    case.write("fixtures/a.json", &fixture("2025-01-15", &[body.clone(), body.clone()]));
    case.write("fixtures/b.json", &fixture("2025-07-15", &[body]));
    let (code, out, err) = case.run(&["old.json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "old.json, revision 2025-01-15",
            "  fixtures: 2 requests (1 distinct) checked",
            "  fixtures: 1 requests (1 distinct) not checked, since they ask for a later revision",
            "  operations: 1 of 2 are in a fixture; not get_profiles",
        ]
    );
    assert!(lines[4].starts_with("  simulator: of 1 operations with a body, it took "), "{out}");
    assert!(
        lines[5].starts_with("  simulator: it took 0 documented queries and refused 0 of other "),
        "{out}"
    );
    assert!(
        lines[6].starts_with("  simulator: not tried, since the document does not have them: get_acc"),
        "{out}"
    );
    assert_eq!(lines.len(), 7, "{out}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let case = Case::new();
    case.write("old.json", &document("2025-01-15", attributes()));
    case.write("new.json", &document("2026-07-15", attributes()));
    let bodies = [profile(json!({})), profile(json!({ "email": 7, "shoe": 1 }))];
    case.write("fixtures/a.json", &fixture("2025-01-15", &bodies));
    case.write(
        "fixtures/b.json",
        &json!({ "exchanges": [{ "request": {
        "method": "GET", "url": "https://a.klaviyo.com/api/shoes/", "headers": { "revision": "2025-01-15" },
    } }] }),
    );
    let (code, out, _) = case.run(&["old.json", "new.json"]);
    assert_eq!(code, Some(1), "{out}");
    let wrong: Vec<&str> = out.lines().filter(|line| line.contains('✗')).collect();
    // Two of each document, and one of none.
    assert_eq!(wrong.len(), 5, "{out}");
    for line in [
        "  ✗ a.json, exchange 2: create_profile, body /data/attributes: Additional properties are not allowed \
         ('shoe' was unexpected)",
        "  ✗ a.json, exchange 2: create_profile, body /data/attributes/email: 7 is not of type \"string\"",
    ] {
        assert_eq!(wrong.iter().filter(|wrong| **wrong == line).count(), 2, "{line}: {out}");
    }
    let unknown = "  ✗ b.json, exchange 1: has GET https://a.klaviyo.com/api/shoes/";
    assert!(out.ends_with(&format!("none of these documents\n{unknown}\n")), "{out}");
    assert!(
        out.contains("1 requests (1 distinct) not checked, since the document does not have their operation")
    );
}

#[test]
fn a_simulator_that_takes_too_much_or_too_little_is_found() {
    let case = Case::new();
    case.write("fixtures/a.json", &fixture("2025-01-15", &[profile(json!({}))]));
    let mut more = attributes();
    more["nickname"] = json!({ "type": "string" });
    case.write("more.json", &document("2025-01-15", more));
    let (code, out, _) = case.run(&["more.json"]);
    assert_eq!(code, Some(1));
    let refused =
        "create_profile, body /data/attributes/nickname: the simulator answers 400 to what is documented";
    assert!(out.contains(refused), "{out}");

    let mut other = attributes();
    other["title"] = json!({ "type": "string", "enum": ["Dr"] });
    case.write("other.json", &document("2025-01-15", other));
    let (code, out, _) = case.run(&["other.json"]);
    assert_eq!(code, Some(1));
    let accepted =
        "create_profile, body /data/attributes/title: the simulator answers 201 to what the schema refuses";
    assert!(out.contains(accepted), "{out}");
}

#[test]
fn an_answer_or_a_query_that_differs_is_found() {
    let case = Case::new();
    case.write("fixtures/a.json", &fixture("2025-01-15", &[profile(json!({}))]));
    let mut other = document("2025-01-15", attributes());
    let get = &mut other["paths"]["/api/profiles"]["get"];
    let data = json!({ "type": "object", "required": ["data", "dated"], "properties": {
        "data": { "type": "array", "items": { "type": "object" } }, "links": { "type": "object" },
    } });
    get["responses"]["2XX"]["content"]["application/vnd.api+json"]["schema"] = data;
    let sort = json!({ "type": "string", "enum": ["email", "shoe_size"] });
    get["parameters"] = json!([{ "name": "sort", "in": "query", "schema": sort }]);
    let post = &mut other["paths"]["/api/profiles"]["post"];
    post["responses"] = json!({ "202": { "description": "accepted" } });
    case.write("other.json", &other);
    let (code, out, _) = case.run(&["other.json"]);
    assert_eq!(code, Some(1));
    for problem in [
        "get_profiles: the answer 200 is not as documented: : \"dated\" is a required property",
        "get_profiles: the simulator answers 400 to the documented sort=shoe_size",
        "create_profile: the answer 201 is not as documented: the status 201 is not documented",
    ] {
        assert!(out.contains(problem), "{problem}: {out}");
    }

    // The simulator knows a query that this document has elsewhere only.
    let mut elsewhere = document("2025-01-15", attributes());
    let text = json!({ "type": "string" });
    let paging = json!([{ "name": "page[size]", "in": "query", "schema": text }]);
    elsewhere["paths"]["/api/shoes"] = json!({ "get": { "operationId": "get_shoes", "parameters": paging } });
    case.write("elsewhere.json", &elsewhere);
    let (code, out, _) = case.run(&["elsewhere.json"]);
    assert_eq!(code, Some(1));
    let problem = "get_profiles: the simulator answers 200 to page[size], which it does not have";
    assert!(out.contains(problem), "{out}");
}

#[test]
fn a_revision_that_is_not_simulated_is_said_to_be() {
    let case = Case::new();
    case.write("fixtures/a.json", &fixture("2020-01-15", &[profile(json!({}))]));
    case.write("old.json", &document("2020-01-15", attributes()));
    let (code, out, _) = case.run(&["old.json"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(
        out.ends_with("  simulator: it does not serve this revision, so no request was tried\n"),
        "{out}"
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let case = Case::new();
    case.write("fixtures/a.json", &fixture("2025-01-15", &[profile(json!({}))]));
    case.write("number.json", &json!(7));
    std::fs::write(case.folder.path().join("text.json"), "openapi: 3.0.2").unwrap();
    case.write("old.json", &document("2025-01-15", attributes()));
    for (file, why) in [
        ("gone.json", "openapi: cannot read gone.json: "),
        ("text.json", "openapi: text.json is not JSON: "),
        (
            "number.json",
            "openapi: number.json is no OpenAPI document that this check understands: it has no `openapi` version",
        ),
    ] {
        let (code, out, err) = case.run(&["old.json", file]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(err.starts_with(why), "{err}");
    }
    std::fs::remove_file(case.folder.path().join("fixtures/a.json")).unwrap();
    let (code, _, err) = case.run(&["old.json"]);
    assert_eq!((code, err.as_str()), (Some(1), "openapi: there is no request in the fixtures of fixtures\n"));
}
