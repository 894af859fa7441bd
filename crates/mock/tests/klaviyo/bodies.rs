//! The form that bodies must have, and how large they may be.

use crate::client::{Client, profile, server};
use klaviyo_mock::Account;
use serde_json::json;

#[test]
fn a_body_needs_the_form_of_json_api() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let post = |body: &str| client.send("POST", "/api/profiles/", Some(body)).unwrap();
    for (body, pointer) in [
        ("", "/data"),
        ("{", "/data"),
        (r#"{"email":"a@example.com"}"#, "/data"),
        (r#"{"data":{"attributes":{"email":"a@example.com"}}}"#, "/data/type"),
        (r#"{"data":{"type":"list","attributes":{"email":"a@example.com"}}}"#, "/data/type"),
        (r#"{"data":{"type":"profile"}}"#, "/data"),
        (r#"{"data":{"type":"profile","attributes":[]}}"#, "/data/attributes"),
        (r#"{"data":{"type":"profile","attributes":{"first_name":"A"}}}"#, "/data/attributes"),
        (r#"{"data":{"type":"profile","attributes":{"email":null}}}"#, "/data/attributes"),
        (r#"{"data":{"type":"profile","attributes":{"email":""}}}"#, "/data/attributes"),
        (r#"{"data":{"type":"profile","attributes":{"email":"a"}}}"#, "/data/attributes/email"),
        (r#"{"data":{"type":"profile","attributes":{"email":1}}}"#, "/data/attributes/email"),
        (r#"{"data":{"type":"profile","attributes":{"phone_number":"1"}}}"#, "/data/attributes/phone_number"),
        (r#"{"data":{"type":"profile","attributes":{"email":"a@b.c","name":"A"}}}"#, "/data/attributes"),
        (
            r#"{"data":{"type":"profile","attributes":{"email":"a@b.c","properties":"A"}}}"#,
            "/data/attributes/properties",
        ),
    ] {
        let reply = post(body);
        assert_eq!(reply.error(), (400, "invalid", pointer), "{body}");
        assert_eq!(reply.header("x-klaviyo-req-id"), reply.text_at("/errors/0/id"));
    }
    let long = format!("{}@example.com", "a".repeat(89));
    assert_eq!(long.len(), 101);
    let reply = client.post("/api/profiles/", &profile(json!({ "email": long })));
    assert_eq!(reply.error(), (400, "invalid", "/data/attributes/email"));
    assert_eq!(server.account().profiles().len(), 0);
}

#[test]
fn a_body_says_that_it_is_json() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let key = format!("Klaviyo-API-Key {}", Account::DEMO_KEY);
    let body = profile(json!({ "email": "a@example.com" })).to_string();
    let send = |media_type: &str| {
        let headers = [("authorization", &*key), ("revision", "2025-01-15"), ("content-type", media_type)];
        client.send_with("POST", "/api/profiles/", &headers, Some(&body)).unwrap().status
    };
    assert_eq!(send("text/plain"), 415);
    assert_eq!(send("application/json; charset=utf-8"), 201);
}

#[test]
fn a_profile_has_100_kilobytes_and_a_request_5_megabytes() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let with = |length: usize| {
        let body = profile(json!({ "email": "a@example.com", "properties": { "p": "x".repeat(length) } }));
        client.post("/api/profiles/", &body).error().0
    };
    assert_eq!(with(100_001), 413);
    assert_eq!(with(99_000), 201);

    let spaces = |length| client.send("POST", "/api/profile-bulk-import-jobs/", Some(&" ".repeat(length)));
    assert_eq!(spaces(5_000_001).unwrap().error(), (413, "payload_too_large", ""));
    // Five megabytes are read, and found to be no JSON.
    assert_eq!(spaces(5_000_000).unwrap().error(), (400, "invalid", "/data"));
    assert_eq!(server.account().profiles().len(), 1);
}
