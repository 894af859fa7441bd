//! Two profiles become one.

use crate::client::{Client, JOB, Reply, members, server};
use klaviyo_mock::{Account, Channel, Server};
use serde_json::{Value, json};

fn merge(client: &Client, into: &str, from: &[&str]) -> Reply {
    let from: Vec<Value> = from.iter().map(|id| json!({ "type": "profile", "id": id })).collect();
    let relationships = json!({ "profiles": { "data": from } });
    client.post(
        "/api/profile-merge/",
        &json!({ "data": { "type": "profile-merge", "id": into, "relationships": relationships } }),
    )
}

fn consenting(client: &Client, server: &Server, email: &str, channels: Value) {
    let attributes = json!({ "email": email, "phone_number": "+14155550100", "subscriptions": channels });
    let body = json!({ "data": {
        "type": "profile-subscription-bulk-create-job",
        "attributes": { "profiles": { "data": [{ "type": "profile", "attributes": attributes }] } },
        "relationships": { "list": { "data": { "type": "list", "id": "X7kQpz" } } },
    } });
    assert_eq!(client.post("/api/profile-subscription-bulk-create-jobs/", &body).status, 202);
    server.advance(JOB);
}

#[test]
fn the_destination_keeps_what_it_has_and_gets_what_it_lacks() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let from = client.create(json!({
        "email": "old@example.com", "phone_number": "+14155550100", "first_name": "Old", "title": "Dr",
        "location": { "city": "Delhi", "zip": "110001" }, "properties": { "plan": "free", "shoe_size": 42 },
    }));
    let into = client.create(json!({
        "email": "new@example.com", "first_name": "New", "location": { "city": "Pune" },
        "properties": { "plan": "pro" },
    }));
    let other = client.create(json!({ "email": "other@example.com" }));
    consenting(
        &client,
        &server,
        "old@example.com",
        json!({ "sms": { "marketing": { "consent": "SUBSCRIBED" } } }),
    );
    client.post("/api/lists/Y6nRLr/relationships/profiles/", &members(&[from.clone(), other.clone()]));

    client.report("Placed Order", json!({ "email": "old@example.com" }), json!({}));
    server.advance(JOB);

    let reply = merge(&client, &into, &[&from]);
    assert_eq!(
        (reply.status, reply.text_at("/data/type"), reply.text_at("/data/id")),
        (201, "profile", &*into)
    );
    // Accepted, and not done yet.
    assert_eq!(client.get(&format!("/api/profiles/{from}/")).status, 200);
    assert_eq!(client.get("/_mock/state").at("/accounts/0/pending_profile_jobs"), 1);
    server.advance(JOB);

    assert_eq!(client.get(&format!("/api/profiles/{from}/")).error().0, 404);
    let merged = client.get(&format!("/api/profiles/{into}/"));
    for (pointer, value) in [
        ("email", json!("new@example.com")),
        ("phone_number", json!("+14155550100")),
        ("first_name", json!("New")),
        ("title", json!("Dr")),
        ("location/city", json!("Pune")),
        ("location/zip", json!("110001")),
        ("properties", json!({ "plan": "pro", "shoe_size": 42 })),
    ] {
        assert_eq!(merged.at(&format!("/data/attributes/{pointer}")), &value, "{pointer}");
    }
    assert_eq!(client.get(&format!("/api/profiles/{into}/lists")).ids(), ["X7kQpz", "Y6nRLr"]);
    assert_eq!(client.get(&format!("/api/profiles/{into}/segments")).ids(), ["Tq5hBs"]);
    assert!(server.account().profile("id", &into).unwrap().consent(Channel::Sms).is_given());
    let events = client.get(&format!("/api/events?filter=equals(profile_id,'{into}')"));
    assert_eq!(events.ids().len(), 1);
    assert_eq!(merged.at("/data/attributes/last_event_date"), events.at("/data/0/attributes/datetime"));
    // Who was created later is where she was, and the next id is a new one.
    assert_eq!(client.get("/api/profiles/?filter=equals(email,'other@example.com')").ids(), [&*other]);
    let next = client.create(json!({ "email": "old@example.com" }));
    assert!(![&from, &into, &other].contains(&&next));
}

#[test]
fn what_the_destination_withdrew_stays_withdrawn() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let into = client.create(json!({ "phone_number": "+14155550101" }));
    let from = client.create(json!({ "email": "a@example.com", "phone_number": "+14155550100" }));
    consenting(
        &client,
        &server,
        "a@example.com",
        json!({ "sms": { "marketing": { "consent": "SUBSCRIBED" } } }),
    );
    let row = json!({
        "phone_number": "+14155550101",
        "subscriptions": { "sms": { "marketing": { "consent": "UNSUBSCRIBED" } } },
    });
    let body = json!({ "data": {
        "type": "profile-subscription-bulk-delete-job",
        "attributes": { "profiles": { "data": [{ "type": "profile", "attributes": row }] } },
    } });
    assert_eq!(client.post("/api/profile-subscription-bulk-delete-jobs/", &body).status, 202);
    assert_eq!(merge(&client, &into, &[&from]).status, 201);
    server.advance(JOB);
    assert!(!server.account().profile("id", &into).unwrap().consent(Channel::Sms).is_given());
    assert_eq!(server.account().profile("email", "a@example.com").unwrap().id, into);
}

#[test]
fn a_merge_has_one_source_that_is_another_profile() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let ids: Vec<String> = (0..3).map(|n| client.create(json!({ "external_id": n.to_string() }))).collect();
    let sources = "/data/relationships/profiles/data";
    for (into, from, error) in [
        (&*ids[0], &[][..], (400, "invalid", sources)),
        (&*ids[0], &[&*ids[1], &*ids[2]], (400, "invalid", sources)),
        (&*ids[0], &[&*ids[0]], (400, "invalid", sources)),
        ("01NOBODY", &[&*ids[0]], (404, "not_found", "/data/id")),
        (&*ids[0], &["01NOBODY"], (404, "not_found", "/data/relationships/profiles/data/0/id")),
    ] {
        assert_eq!(merge(&client, into, from).error(), error, "{into} {from:?}");
    }
    // Of two merges of one source, the first has an effect.
    assert_eq!(merge(&client, &ids[1], &[&ids[0]]).status, 201);
    assert_eq!(merge(&client, &ids[2], &[&ids[0]]).status, 201);
    server.advance(JOB);
    let account = server.account();
    assert_eq!(account.profiles().len(), 2);
    assert_eq!(account.profile("id", &ids[1]).unwrap().attributes["external_id"], "1");
    assert!(account.profile("external_id", "0").is_none());
}
