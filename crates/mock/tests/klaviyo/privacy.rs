//! Suppressions that a user asks for, and deletions.

use crate::client::{Client, JOB, Reply, members, server};
use klaviyo_mock::{Account, Suppression};
use serde_json::{Value, json};

fn suppression(client: &Client, what: &str, emails: &[String], relationships: Value) -> Reply {
    let row = |email: &String| json!({ "type": "profile", "attributes": { "email": email } });
    let rows: Vec<Value> = emails.iter().map(row).collect();
    let attributes = if rows.is_empty() { json!({}) } else { json!({ "profiles": { "data": rows } }) };
    let kind = format!("profile-suppression-bulk-{what}-job");
    let data = json!({ "type": kind, "attributes": attributes, "relationships": relationships });
    client.post(&format!("/api/{kind}s/"), &json!({ "data": data }))
}

#[test]
fn a_user_suppresses_and_lifts_nothing_else() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    server.account().suppress(&id, Suppression::HardBounce);
    let emails = ["A@example.com".to_owned(), "nobody@example.com".to_owned()];
    let suppressions = || server.account().profile("id", &id).unwrap().suppressions();
    for _ in 0..2 {
        let reply = suppression(&client, "create", &emails, json!({}));
        assert_eq!((reply.status, reply.text_at("/data/attributes/status")), (202, "queued"));
        assert_eq!(reply.at("/data/attributes/total_count"), 2);
    }
    assert_eq!(suppressions(), [Suppression::HardBounce]);
    server.advance(JOB);
    assert_eq!(suppressions(), [Suppression::HardBounce, Suppression::UserSuppressed]);
    assert_eq!(suppression(&client, "delete", &emails[..1], json!({})).status, 202);
    server.advance(JOB);
    assert_eq!(suppressions(), [Suppression::HardBounce]);
}

#[test]
fn the_members_of_a_list_or_a_segment_are_suppressed() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let ids: Vec<String> =
        (0..3).map(|n| client.create(json!({ "email": format!("p{n}@example.com") }))).collect();
    client.post("/api/lists/Y6nRLr/relationships/profiles/", &members(&ids[..1]));
    server.account().join_segment("Tq5hBs", &ids[1]);
    for (kind, id) in [("list", "Y6nRLr"), ("segment", "Tq5hBs")] {
        let reply =
            suppression(&client, "create", &[], json!({ (kind): { "data": { "type": kind, "id": id } } }));
        assert_eq!((reply.status, reply.at("/data/attributes/total_count")), (202, &json!(1)), "{kind}");
        let nothing = json!({ (kind): { "data": { "type": kind, "id": "Nobody" } } });
        assert_eq!(suppression(&client, "create", &[], nothing).error().0, 404, "{kind}");
    }
    server.advance(JOB);
    let suppressed = |id: &String| !server.account().profile("id", id).unwrap().suppressions().is_empty();
    assert_eq!(ids.iter().map(suppressed).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_suppression_names_one_to_a_hundred_emails() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let emails: Vec<String> = (0..101).map(|n| format!("p{n}@example.com")).collect();
    for what in ["create", "delete"] {
        assert_eq!(suppression(&client, what, &emails[..100], json!({})).status, 202);
        let reply = suppression(&client, what, &emails, json!({}));
        assert_eq!(reply.error(), (400, "invalid", "/data/attributes/profiles/data"));
        assert_eq!(suppression(&client, what, &[], json!({})).error(), (400, "invalid", "/data/attributes"));
        let reply = suppression(&client, what, &["a".to_owned()], json!({}));
        let pointer = "/data/attributes/profiles/data/0/attributes/email";
        assert_eq!(reply.error(), (400, "invalid", pointer));
    }
}

#[test]
fn a_deletion_names_one_identifier_and_leaves_nothing() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let delete = |id: Value, attributes: Value| {
        let mut profile = json!({ "type": "profile", "attributes": attributes });
        if !id.is_null() {
            profile["id"] = id;
        }
        let data = json!({
            "type": "data-privacy-deletion-job", "attributes": { "profile": { "data": profile } },
        });
        client.post("/api/data-privacy-deletion-jobs/", &json!({ "data": data }))
    };
    let ids: Vec<String> = (0..4)
        .map(|n| {
            let phone = format!("+1415555010{n}");
            client.create(json!({ "email": format!("p{n}@example.com"), "phone_number": phone }))
        })
        .collect();
    client.post("/api/lists/Y6nRLr/relationships/profiles/", &members(&ids));
    client.report("Placed Order", json!({ "email": "p0@example.com" }), json!({}));
    server.advance(JOB);
    assert_eq!(client.get("/api/segments/Tq5hBs/profiles").ids(), ids[..1]);
    let pointer = "/data/attributes/profile/data";
    for (id, attributes) in [
        (json!(null), json!({})),
        (json!(ids[0]), json!({ "email": "p0@example.com" })),
        (json!(null), json!({ "email": "p0@example.com", "phone_number": "+14155550100" })),
        (json!(null), json!({ "email": null })),
    ] {
        assert_eq!(delete(id, attributes).error(), (400, "invalid", pointer));
    }
    for (id, attributes) in [
        (json!(ids[0]), json!({})),
        (json!(null), json!({ "email": "P1@example.com" })),
        (json!(null), json!({ "phone_number": "+14155550102", "email": null })),
        (json!(null), json!({ "email": "nobody@example.com" })),
    ] {
        let reply = delete(id, attributes);
        assert_eq!((reply.status, &*reply.text), (202, ""));
    }
    assert_eq!(client.get("/api/profiles/").ids(), ids);
    server.advance(JOB);
    assert_eq!(client.get("/api/profiles/").ids(), ids[3..]);
    assert_eq!(server.account().members("Y6nRLr"), ids[3..]);
    for id in &ids[..3] {
        assert_eq!(client.get(&format!("/api/profiles/{id}")).error().0, 404);
    }
    assert_eq!(client.get("/api/events").ids().len(), 0);
    assert_eq!(client.get("/api/segments/Tq5hBs/profiles").ids().len(), 0);
    // Who comes back is somebody new.
    assert!(!ids.contains(&client.create(json!({ "email": "p0@example.com" }))));
}
