//! `api`.

use crate::run::{LIST, Run, run, server};
use klaviyo_mock::Server;
use serde_json::{Value, json};

fn api(server: &Server, words: &[&str]) -> Run {
    run(server, &[["api"].as_slice(), words].concat())
}

#[test]
fn a_document_is_printed_as_klaviyo_wrote_it() {
    let server = server();
    let read = api(&server, &["get", "/api/lists"]);
    assert_eq!((read.code, read.err.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&read.out).unwrap();
    assert_eq!(document["data"].as_array().unwrap().len(), 3);
    let value = api(&server, &["GET", "/api/lists/", "--json"]).ok();
    assert_eq!((&value["status"], &value["next"]), (&json!(200), &Value::Null));
    assert_eq!(serde_json::from_str::<Value>(value["body"].as_str().unwrap()).unwrap(), document);
    let one = api(&server, &["get", &format!("/api/lists/{LIST}"), "--query", "fields[list]=name"]);
    let document: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(document["data"]["id"], LIST);
}

#[test]
fn all_pages_are_read_an_item_in_a_line() {
    let server = server();
    for n in 0..7 {
        run(&server, &["create", "--json", "--email", &format!("p{n}@example.com")]).ok();
    }
    let words = ["get", "/api/profiles", "--query", "page[size]=3", "--query", "sort=email"];
    let first = api(&server, &[words.as_slice(), &["--json"]].concat()).ok();
    assert!(first["next"].as_array().unwrap().iter().any(|parameter| parameter["name"] == "page[cursor]"));
    let all = api(&server, &[words.as_slice(), &["--all"]].concat());
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    let emails: Vec<String> = all
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["attributes"]["email"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected: Vec<String> = (0..7).map(|n| format!("p{n}@example.com")).collect();
    assert_eq!(emails, expected);
}

#[test]
fn a_write_is_sent_with_its_body() {
    let server = server();
    let body = |name: &str| json!({ "data": { "type": "list", "attributes": { "name": name } } }).to_string();
    let made: Value =
        serde_json::from_str(&api(&server, &["post", "/api/lists", "--body", &body("New")]).out).unwrap();
    assert_eq!(made["data"]["attributes"]["name"], "New");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), body("Newer")).unwrap();
    let file = format!("@{}", file.path().display());
    assert_eq!(api(&server, &["post", "/api/lists", "--body", &file]).code, 0);
    assert_eq!(run(&server, &["lists", "--json"]).ok().as_array().unwrap().len(), 5);
    run(&server, &["opt-in", "--json", "--list", LIST, "--email", "ada@example.com"]).ok();
    let ada = run(&server, &["lookup", "--json", "--email", "ada@example.com"]).ok();
    let member = json!({ "data": [{ "type": "profile", "id": ada["id"] }] }).to_string();
    let path = format!("/api/lists/{LIST}/relationships/profiles");
    let removed = api(&server, &["delete", &path, "--body", &member]);
    assert_eq!((removed.code, removed.out.as_str()), (0, ""), "{}", removed.err);
}

#[test]
fn what_cannot_work_is_said() {
    let server = server();
    let pointer = |words: &[&str]| {
        let error = api(&server, &[words, &["--json"]].concat()).err(2);
        error["details"][0]["pointer"].as_str().map(str::to_owned)
    };
    assert_eq!(pointer(&["get", "/api/../admin"]).as_deref(), Some("path"));
    assert_eq!(pointer(&["get", "lists"]).as_deref(), Some("path"));
    assert_eq!(pointer(&["post", "/api/lists", "--body", "{"]).as_deref(), Some("body"));
    assert_eq!(pointer(&["get", "/api/lists", "--query", "=x"]).as_deref(), Some("query/0/name"));
    assert_eq!(pointer(&["get", "/api/lists", "--query", "x"]), None);
    assert_eq!(pointer(&["put", "/api/lists"]), None);
    assert_eq!(pointer(&["post", "/api/lists", "--all"]), None);
    assert_eq!(api(&server, &["get", "/api/no-such-thing"]).code, 3);
}
