//! The form that bodies must have, and how large they may be.

use crate::client::{Client, profile, server};
use klaviyo_mock::Account;
use serde_json::{Value, json};

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

#[test]
fn a_body_has_what_its_operation_knows_in_its_revision() {
    let server = server(Account::demo());
    let id = Client::new(&server).create(json!({ "email": "b@example.com" }));
    let create = |more: Value| {
        let mut attributes = json!({ "email": "a@example.com" });
        attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("POST", "/api/profiles/".to_owned(), profile(attributes))
    };
    let of = |method: &'static str, path: &str, attributes: Value, more: Value| {
        let mut body = profile(attributes);
        body["data"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (method, path.replace("{id}", &id), body)
    };
    let upsert = |more: Value| of("POST", "/api/profile-import/", json!({ "email": "b@example.com" }), more);
    let update = |attributes: Value| of("PATCH", "/api/profiles/{id}/", attributes, json!({ "id": id }));
    let attributes = "/data/attributes";
    for ((method, path, body), old, new) in [
        (create(json!({ "_kx": "a" })), Some(attributes), Some(attributes)),
        (create(json!({ "anonymous_id": "a" })), Some(attributes), Some(attributes)),
        (
            create(json!({ "location": { "planet": "Mars" } })),
            Some("/data/attributes/location"),
            Some("/data/attributes/location"),
        ),
        (
            create(json!({ "location": { "latitude": true } })),
            Some("/data/attributes/location/latitude"),
            Some("/data/attributes/location/latitude"),
        ),
        (
            of("POST", "/api/profiles/", json!({ "email": "a@example.com" }), json!({ "id": id })),
            Some("/data"),
            Some("/data"),
        ),
        (update(json!({ "anonymous_id": "a" })), None, Some(attributes)),
        (update(json!({ "_kx": "a" })), Some(attributes), Some(attributes)),
        (update(json!({ "location": { "latitude": 40.7, "longitude": "74" } })), None, None),
        (upsert(json!({ "lists": [] })), Some("/data"), Some("/data")),
        (upsert(json!({ "meta": null })), None, None),
        (upsert(json!({ "meta": { "patch_properties": null } })), None, None),
        (upsert(json!({ "meta": { "patch_properties": { "append": null, "unset": null } } })), None, None),
        (
            upsert(json!({ "meta": { "patch_properties": { "unset": [1] } } })),
            Some("/data/meta/patch_properties/unset"),
            Some("/data/meta/patch_properties/unset"),
        ),
        (upsert(json!({ "meta": { "patch_identifiers": null } })), Some("/data/meta"), None),
        (
            upsert(json!({ "meta": { "patch_identifiers": { "append": {} } } })),
            Some("/data/meta"),
            Some("/data/meta/patch_identifiers"),
        ),
    ] {
        // What an early revision knows and a late one does not, or the other way round, changed in between.
        for (revision, pointer) in [("2025-01-15", old), ("2026-04-15", new), ("2026-07-15", new)] {
            let client = Client::new(&server).revision(revision);
            let reply = client.send(method, &path, Some(&body.to_string())).unwrap();
            match pointer {
                None => assert_eq!(reply.status, 200, "{revision} {body} {}", reply.text),
                Some(pointer) => assert_eq!(reply.error(), (400, "invalid", pointer), "{revision} {body}"),
            }
        }
    }
    let reply = Client::new(&server).get(&format!("/api/profiles/{id}/"));
    assert_eq!(reply.at("/data/attributes/anonymous_id"), &Value::Null);
    assert_eq!(reply.at("/data/attributes/location/latitude"), 40.7);
}

#[test]
fn a_list_is_changed_by_links_and_nothing_more() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    let add = |body: Value| client.post("/api/lists/Y6nRLr/relationships/profiles/", &body);
    let link = json!({ "type": "profile", "id": id });
    let mut large = link.clone();
    large["attributes"] = json!({});
    assert_eq!(add(json!({ "data": [large] })).error(), (400, "invalid", "/data/0"));
    assert_eq!(add(json!({ "data": [link], "meta": {} })).error(), (400, "invalid", ""));
    assert_eq!(add(json!({ "data": [link] })).status, 204);
}

#[test]
fn an_anonymous_id_is_refused_since_october_2025() {
    let server = server(Account::demo());
    let id = Client::new(&server).create(json!({ "email": "a@example.com" }));
    let attributes = json!({ "email": "a@example.com", "anonymous_id": "x" });
    let row = json!({ "type": "profile", "id": id, "attributes": attributes });
    let job = json!({
        "type": "profile-bulk-import-job",
        "attributes": { "profiles": { "data": [{ "type": "profile", "attributes": attributes }] } },
    });
    let update = format!("/api/profiles/{id}/");
    for (method, path, data) in [
        ("POST", "/api/profile-import/", &row),
        ("PATCH", &update, &row),
        ("POST", "/api/profile-bulk-import-jobs/", &job),
    ] {
        let status = |revision| {
            let body = json!({ "data": data }).to_string();
            Client::new(&server).revision(revision).send(method, path, Some(&body)).unwrap().status
        };
        assert!((200..300).contains(&status("2025-07-15")), "{method} {path}");
        assert_eq!(status("2025-10-15"), 400, "{method} {path}");
    }
}
