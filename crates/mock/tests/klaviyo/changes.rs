//! Reading what has changed: profiles in the order of their changes, while they change.

use crate::client::{Client, JOB, Reply, profile, server};
use klaviyo_mock::{Account, OptIn, Server, Suppression};
use serde_json::{Value, json};
use std::time::Duration;

fn second(server: &Server) {
    server.advance(Duration::from_secs(1));
}

/// A server with profiles that were created in different seconds, and their ids.
fn people(count: usize) -> (Server, Vec<String>) {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let create = |n| {
        second(&server);
        client.create(json!({ "email": format!("{n}@example.com") }))
    };
    let ids = (0..count).map(create).collect();
    (server, ids)
}

fn next(client: &Client, page: &Reply) -> Reply {
    client.get(page.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap())
}

fn change(client: &Client, id: &str) {
    let mut body = profile(json!({ "first_name": "Changed" }));
    body["data"]["id"] = json!(id);
    assert_eq!(client.post("/api/profile-import", &body).status, 200);
}

#[test]
fn a_profile_that_changes_while_one_reads_moves_to_the_end() {
    let (server, ids) = people(6);
    let client = Client::new(&server);
    let first = client.get("/api/profiles?sort=updated&page[size]=2");
    assert_eq!(first.ids(), &ids[..2]);
    second(&server);
    // One that was read already, and one that was not.
    change(&client, &ids[0]);
    change(&client, &ids[3]);
    let second_page = next(&client, &first);
    assert_eq!(second_page.ids(), [&ids[2], &ids[4]]);
    let third = next(&client, &second_page);
    assert_eq!(third.ids(), [&ids[5], &ids[0]]);
    let last = next(&client, &third);
    assert_eq!(last.ids(), [&ids[3]]);
    assert_eq!(last.at("/links/next"), &Value::Null);
}

#[test]
fn new_profiles_shift_no_page() {
    let (server, ids) = people(4);
    let client = Client::new(&server);
    for (sort, expected) in [("-created", &ids[..2]), ("-id", &ids[..2]), ("-email", &ids[..2])] {
        let page = client.get(&format!("/api/profiles?sort={sort}&page[size]=2"));
        let newer = client.create(json!({ "email": format!("9{}@example.com", sort.len()) }));
        let found = next(&client, &page);
        // The new profile is the first one in this order, so it is on no later page.
        let all: Vec<&str> = page.ids().into_iter().chain(found.ids()).collect();
        assert!(!all.contains(&newer.as_str()), "{sort}");
        let mut sorted = all.clone();
        sorted.dedup();
        assert_eq!(sorted.len(), 4, "{sort}: {all:?}");
        if sort == "-created" {
            assert_eq!(found.ids(), expected.iter().rev().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

#[test]
fn changes_are_asked_for_strictly() {
    let (server, ids) = people(3);
    let client = Client::new(&server);
    let updated = |id: &str| {
        client.get(&format!("/api/profiles/{id}")).text_at("/data/attributes/updated").replace('+', "%2B")
    };
    let (first, last) = (updated(&ids[0]), updated(&ids[2]));
    let get = |filter: &str| client.get(&format!("/api/profiles?sort=updated&filter={filter}"));
    assert_eq!(get(&format!("greater-than(updated,{first})")).ids(), &ids[1..]);
    assert_eq!(get(&format!("greater-than(updated,{first}),less-than(updated,{last})")).ids(), &ids[1..2]);
    for operator in ["greater-or-equal", "less-or-equal", "equals"] {
        let reply = get(&format!("{operator}(updated,{first})"));
        assert_eq!(reply.error(), (400, "invalid", "filter"), "{operator}");
    }
    assert_eq!(client.get("/api/profiles?sort=first_name").error(), (400, "invalid", "sort"));
}

#[test]
fn every_write_to_a_profile_is_a_change() {
    let mut account = Account::demo();
    account.set_opt_in(OptIn::Single);
    account.add_list_with("Double", "Confirmed", OptIn::Double);
    let server = server(account);
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    let email = || json!({ "email": "a@example.com" });
    let consent = |kind: &str, state: &str, list: &str| {
        json!({ "data": {
            "type": format!("profile-subscription-bulk-{kind}-job"),
            "attributes": { "profiles": { "data": [{ "type": "profile", "attributes": {
                "email": "a@example.com", "subscriptions": { "email": { "marketing": { "consent": state } } },
            } }] } },
            "relationships": { "list": { "data": { "type": "list", "id": list } } },
        } })
    };
    let accepted = |path: &str, body: &Value| {
        assert_eq!(client.post(path, body).status, 202, "{path}");
        server.advance(JOB);
    };
    let subscriptions = "/api/profile-subscription-bulk-create-jobs";
    let writes: [(&str, &dyn Fn()); 8] = [
        ("upsert", &|| change(&client, &id)),
        ("patch", &|| {
            let mut body = profile(json!({}));
            body["data"]["id"] = json!(id);
            body["data"]["meta"] = json!({ "patch_properties": { "append": { "a": 1 } } });
            let body = body.to_string();
            assert_eq!(
                client.send("PATCH", &format!("/api/profiles/{id}"), Some(&body)).unwrap().status,
                200
            );
        }),
        ("import", &|| {
            let rows = json!({ "data": [{ "type": "profile", "attributes": email() }] });
            let attributes = json!({ "profiles": rows });
            let job = json!({ "data": { "type": "profile-bulk-import-job", "attributes": attributes } });
            accepted("/api/profile-bulk-import-jobs", &job);
        }),
        ("subscribe", &|| accepted(subscriptions, &consent("create", "SUBSCRIBED", "Double"))),
        ("confirm", &|| server.account().confirm(&id)),
        ("unsubscribe", &|| {
            let body = consent("delete", "UNSUBSCRIBED", "X7kQpz");
            accepted("/api/profile-subscription-bulk-delete-jobs", &body);
        }),
        ("suppress", &|| server.account().suppress(&id, Suppression::HardBounce)),
        ("event", &|| {
            client.report("Active on Site", email(), json!({}));
            server.advance(JOB);
        }),
    ];
    for (name, write) in writes {
        let updated =
            || client.get("/api/profiles?sort=-updated").text_at("/data/0/attributes/updated").to_owned();
        let before = updated();
        second(&server);
        write();
        assert!(updated() > before, "{name}");
    }
}
