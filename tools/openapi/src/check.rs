//! Checks a request against an OpenAPI document.

use crate::document::{Body, Document, Location, Operation, date, decoded, variables};
use crate::schema;
use serde_json::Value;
use std::collections::BTreeMap;

/// An HTTP request.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    /// By name, in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Empty if there is none.
    pub(crate) body: String,
}

/// The result of checking a request against a document.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Verdict<'a> {
    /// The request asks for a later revision than the document's.
    LaterRevision,
    /// The document does not have the operation.
    UnknownOperation,
    /// The document has this operation, and the request these violations.
    Checked(&'a str, Vec<Violation>),
}

/// A violation of a document by a request.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Violation {
    /// A JSON pointer into the body, or a name such as `query page[size]`.
    pub(crate) location: String,
    pub(crate) reason: String,
}

impl Violation {
    fn new(location: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { location: location.into(), reason: reason.into() }
    }
}

/// The parts of a URL. Path and query are encoded.
struct Url<'a> {
    origin: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Url<'a> {
    fn of(url: &'a str) -> Self {
        let (rest, query) = url.split_once('?').unwrap_or((url, ""));
        let host = rest.find("://").map_or(0, |scheme| scheme.saturating_add(3));
        let path = rest.match_indices('/').map(|(at, _)| at).find(|at| *at >= host).unwrap_or(rest.len());
        let (origin, path) = rest.split_at_checked(path).unwrap_or((rest, ""));
        Self { origin, path, query }
    }

    /// The parameters of the query, decoded.
    fn parameters(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
    }
}

/// Checks a request against a document.
pub(crate) fn request<'a>(document: &'a Document, request: &Request) -> Verdict<'a> {
    let url = Url::of(&request.url);
    let asked = request.headers.get("revision").map(String::as_str);
    // Before the revision, so that a mistyped path is not taken for one of a later revision.
    let Some(operation) = document.operation(&request.method, url.path) else {
        return Verdict::UnknownOperation;
    };
    // A host may raise the revision of a request, but not lower it.
    if asked.and_then(date).is_some_and(|asked| asked > document.revision.as_str()) {
        return Verdict::LaterRevision;
    }
    let mut violations = Vec::new();
    if !document.servers.is_empty() && !document.servers.iter().any(|server| server == url.origin) {
        let servers = document.servers.join(" or ");
        violations.push(Violation::new("url", format!("{} is not {servers}", url.origin)));
    }
    if let Some(asked) = asked.filter(|asked| date(asked).is_none()) {
        violations.push(Violation::new(
            "header revision",
            format!("{asked:?} is not a revision such as \"2025-01-15\""),
        ));
    }
    violations.extend(parameters(operation, &url, request));
    violations.extend(body(operation.body.as_ref(), request));
    Verdict::Checked(&operation.name, violations)
}

fn parameters(operation: &Operation, url: &Url<'_>, request: &Request) -> Vec<Violation> {
    let variables = variables(&operation.path, url.path).unwrap_or_default();
    let query = url.parameters();
    let mut violations = Vec::new();
    for parameter in &operation.parameters {
        let name = parameter.name.as_str();
        let given: Vec<&str> = match parameter.location {
            Location::Path => {
                variables.iter().filter(|(own, _)| *own == name).map(|(_, value)| value.as_str()).collect()
            }
            Location::Query => {
                query.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
            }
            Location::Header => {
                request.headers.get(&name.to_ascii_lowercase()).map(String::as_str).into_iter().collect()
            }
            // The component sends no cookies.
            Location::Cookie => continue,
        };
        let location = format!("{} {name}", parameter.location);
        if given.is_empty() {
            violations.extend(parameter.required.then(|| Violation::new(location, "it is required")));
        } else {
            violations.extend(
                parameter
                    .violations(&given)
                    .into_iter()
                    .map(|reason| Violation::new(location.clone(), reason)),
            );
        }
    }
    let known =
        |name: &str| operation.parameters.iter().any(|p| p.location == Location::Query && p.name == name);
    let unknown = query.iter().filter(|(name, _)| !known(name));
    violations.extend(
        unknown.map(|(name, _)| Violation::new(format!("query {name}"), "the operation does not have it")),
    );
    violations
}

fn body(body: Option<&Body>, request: &Request) -> Vec<Violation> {
    let Some(body) = body else {
        let stray = (!request.body.is_empty()).then(|| Violation::new("body", "the operation takes none"));
        return stray.into_iter().collect();
    };
    if request.body.is_empty() {
        return body.required.then(|| Violation::new("body", "it is required")).into_iter().collect();
    }
    let Some(content_type) = request.headers.get("content-type") else {
        return vec![Violation::new("header content-type", "a body needs it")];
    };
    let Some(media_type) = body.media_type(content_type) else {
        let known: Vec<&str> = body.media_types.iter().map(|media| media.name.as_str()).collect();
        return vec![Violation::new(
            "header content-type",
            format!("{content_type:?} is not {}", known.join(" or ")),
        )];
    };
    let validator = match &media_type.validator {
        Ok(validator) => validator,
        Err(reason) => {
            return vec![Violation::new(
                "body",
                format!("this check does not understand its schema: {reason}"),
            )];
        }
    };
    match read(&request.body) {
        Ok(value) => schema::violations(validator, &value)
            .into_iter()
            .map(|(at, reason)| Violation::new(format!("body {at}"), reason))
            .collect(),
        Err(error) => vec![Violation::new("body", format!("it is not JSON: {error}"))],
    }
}

/// Reads JSON. In a profile's custom properties, a number may be larger than a floating-point number: it is
/// replaced by the largest one.
fn read(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|error| {
        let mut readable = String::with_capacity(text.len());
        let (mut in_string, mut escaped) = (false, false);
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let is_number = !in_string && (c == '-' || c.is_ascii_digit());
            let end = if is_number {
                rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(rest.len())
            } else {
                c.len_utf8()
            };
            let (token, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            match token.parse::<f64>() {
                Ok(number) if is_number && number.is_infinite() => readable.push_str("1e308"),
                _ => readable.push_str(token),
            }
            in_string ^= c == '"' && !escaped;
            escaped = in_string && c == '\\' && !escaped;
            rest = after;
        }
        serde_json::from_str(&readable).map_err(|_| error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ORIGIN: &str = "https://shoes.example.com";

    fn document() -> Document {
        let revision =
            json!({ "name": "revision", "in": "header", "required": true, "schema": { "type": "string" } });
        let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "maxLength": 4 } });
        let size = json!({ "type": "integer", "minimum": 1, "maximum": 100 });
        let laces = json!({ "type": "array", "items": { "type": "string", "enum": ["red", "blue"] } });
        let shoe = json!({ "$ref": "#/components/schemas/Shoe" });
        let document = json!({
            "openapi": "3.0.2",
            "info": { "version": "2025-01-15" },
            "servers": [{ "url": ORIGIN }],
            "paths": {
                "/api/shoes": {
                    "parameters": [revision],
                    "get": { "operationId": "get_shoes", "parameters": [
                        { "name": "page[size]", "in": "query", "schema": size },
                        { "name": "fields[shoe]", "in": "query", "schema": laces, "explode": false },
                        { "name": "lace", "in": "query", "schema": laces },
                        { "name": "new", "in": "query", "schema": { "type": "boolean" } },
                    ] },
                    "post": { "operationId": "create_shoe", "requestBody": {
                        "required": true, "content": { "application/vnd.api+json": { "schema": shoe } },
                    } },
                },
                "/api/shoes/{id}/": {
                    "parameters": [revision, id],
                    "get": { "parameters": [
                        { "name": "why", "in": "query", "required": true, "schema": { "type": "string" } },
                    ] },
                    "put": { "requestBody": { "content": { "application/json": { "schema": { "not": {} } } } } },
                },
            },
            "components": { "schemas": {
                "Shoe": { "type": "object", "required": ["size"], "properties": {
                    "size": { "type": "integer", "example": 42 },
                    "lace": { "type": "string", "enum": ["red", "blue"], "nullable": true },
                    "worn": { "type": "string", "format": "date-time" },
                    "custom": { "type": "object" },
                } },
            } },
        });
        Document::parse("shoes.json", document).unwrap()
    }

    fn get(path: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            url: format!("{ORIGIN}{path}"),
            headers: [("revision".to_owned(), "2025-01-15".to_owned())].into(),
            body: String::new(),
        }
    }

    fn post(body: Value) -> Request {
        let mut request = get("/api/shoes/");
        request.method = "POST".to_owned();
        request.headers.insert("content-type".to_owned(), "application/vnd.api+json".to_owned());
        Request { body: body.to_string(), ..request }
    }

    /// The locations of the violations of a request.
    fn wrong(sent: &Request) -> Vec<String> {
        match request(&document(), sent) {
            Verdict::Checked(_, violations) => {
                violations.into_iter().map(|violation| violation.location).collect()
            }
            other => panic!("{sent:?} was not checked: {other:?}"),
        }
    }

    #[test]
    fn what_the_document_describes_is_right() {
        for path in [
            "/api/shoes",
            "/api/shoes/",
            "/api/shoes/?page%5Bsize%5D=100&fields[shoe]=red,blue&lace=red&lace=blue&new=true",
            "/api/shoes/a%2Fb?why=",
        ] {
            assert_eq!(wrong(&get(path)), [""; 0], "{path}");
        }
        for body in [
            json!({ "size": 42 }),
            json!({ "size": 42, "lace": null, "worn": "2025-01-15T08:00:00Z", "custom": { "a": [1] } }),
        ] {
            assert_eq!(wrong(&post(body.clone())), [""; 0], "{body}");
        }
    }

    #[test]
    fn a_query_has_what_the_operation_knows_and_needs() {
        for (query, location) in [
            ("/?page[size]=0", "query page[size]"),
            ("/?page%5Bsize%5D=101", "query page[size]"),
            ("/?page[size]=ten", "query page[size]"),
            ("/?page[size]=", "query page[size]"),
            ("/?page[size]=10&page[size]=10", "query page[size]"),
            ("/?fields[shoe]=red,green", "query fields[shoe]"),
            ("/?fields[shoe]=red&fields[shoe]=blue", "query fields[shoe]"),
            ("/?lace=red,blue", "query lace"),
            ("/?new=yes", "query new"),
            ("/?page[number]=2", "query page[number]"),
            ("/x", "query why"),
            ("/x?why=a&Why=b", "query Why"),
        ] {
            assert_eq!(wrong(&get(&format!("/api/shoes{query}"))), [location], "{query}");
        }
    }

    #[test]
    fn a_fault_names_the_item_and_the_limit() {
        let why = |path| match request(&document(), &get(path)) {
            Verdict::Checked(_, mut violations) => violations.remove(0).reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(why("/api/shoes?page[size]=101"), "101 is greater than the maximum of 100");
        assert_eq!(
            why("/api/shoes?fields[shoe]=red,green"),
            "item 1: \"green\" is not one of \"red\" or \"blue\""
        );
    }

    #[test]
    fn a_path_has_its_variables() {
        assert_eq!(wrong(&get("/api/shoes/x%2Fy%2Fz?why=a")), ["path id"]);
        let elsewhere = Request { url: "https://example.com/api/shoes".to_owned(), ..get("") };
        assert_eq!(wrong(&elsewhere), ["url"]);
    }

    #[test]
    fn headers_are_there_when_they_must_be() {
        let mut request = post(json!({ "size": 42 }));
        request.headers.remove("revision");
        assert_eq!(wrong(&request), ["header revision"]);
        request.headers.insert("revision".to_owned(), "newest".to_owned());
        assert_eq!(wrong(&request), ["header revision"]);

        let mut request = post(json!({ "size": 42 }));
        for (content_type, places) in [
            ("application/json", vec!["header content-type"]),
            ("application/vnd.api+json; charset=utf-8", vec![]),
            ("Application/Vnd.Api+JSON", vec![]),
        ] {
            request.headers.insert("content-type".to_owned(), content_type.to_owned());
            assert_eq!(wrong(&request), places, "{content_type}");
        }
        request.headers.remove("content-type");
        assert_eq!(wrong(&request), ["header content-type"]);
    }

    #[test]
    fn a_body_is_what_its_schema_says() {
        for (body, places) in [
            (json!({ "lace": "red" }), vec!["body "]),
            (json!({ "size": "42" }), vec!["body /size"]),
            (json!({ "size": null }), vec!["body /size"]),
            (json!({ "size": 42, "colour": "red" }), vec!["body "]),
            (json!({ "size": 42, "lace": "green" }), vec!["body /lace"]),
            (json!({ "size": 42, "worn": "yesterday" }), vec!["body /worn"]),
            (json!({ "size": 42, "custom": [] }), vec!["body /custom"]),
            (json!({ "lace": 1, "size": 4.5 }), vec!["body /lace", "body /size"]),
            (json!([]), vec!["body "]),
        ] {
            let mut found = wrong(&post(body.clone()));
            found.sort();
            found.dedup();
            assert_eq!(found, places, "{body}");
        }
        let not_json = Request { body: "{".to_owned(), ..post(json!({})) };
        assert_eq!(wrong(&not_json), ["body"]);
    }

    #[test]
    fn a_number_may_be_larger_than_any_here() {
        for (text, expected) in [
            (
                r#"{"a":[1e999,-2],"b":"1e999 \\\"1e999"}"#,
                Some(json!({ "a": [1e308, -2], "b": "1e999 \\\"1e999" })),
            ),
            ("-1e999", Some(json!(1e308))),
            ("1e999x", None),
            (r#"{"a":1e999"#, None),
            ("[1e]", None),
        ] {
            assert_eq!(read(text).ok(), expected, "{text}");
        }
        let sent = Request { body: r#"{"size":1,"custom":{"n":1e999}}"#.to_owned(), ..post(json!({})) };
        assert_eq!(wrong(&sent), [""; 0]);
    }

    #[test]
    fn a_body_is_where_one_belongs() {
        let none = Request { body: String::new(), ..post(json!({})) };
        assert_eq!(wrong(&none), ["body"]);
        let stray = Request { body: "{}".to_owned(), ..get("/api/shoes") };
        assert_eq!(wrong(&stray), ["body"]);
    }

    #[test]
    fn a_schema_that_is_not_understood_passes_nothing() {
        let mut request = Request { method: "PUT".to_owned(), body: "{}".to_owned(), ..get("/api/shoes/1") };
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        assert_eq!(wrong(&request), ["body"]);
    }

    #[test]
    fn other_operations_and_later_revisions_are_not_checked() {
        let document = document();
        for path in ["/api/shoe", "/shoes", "/api/shoes/1/2"] {
            assert_eq!(request(&document, &get(path)), Verdict::UnknownOperation, "{path}");
        }
        let delete = Request { method: "DELETE".to_owned(), ..get("/api/shoes") };
        assert_eq!(request(&document, &delete), Verdict::UnknownOperation);
        for (revision, later) in
            [("2025-01-16", true), ("2025-07-15.pre", true), ("2025-01-15.pre", false), ("2024-10-15", false)]
        {
            let mut sent = get("/api/shoes");
            sent.headers.insert("revision".to_owned(), revision.to_owned());
            assert_eq!(request(&document, &sent) == Verdict::LaterRevision, later, "{revision}");
        }
    }
}
