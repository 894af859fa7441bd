//! Who is on a list since when, and what a profile is in.

use crate::client::{Client, members, server};
use klaviyo_mock::Account;
use serde_json::json;
use std::time::Duration;

const MEMBERS: &str = "/api/lists/Y6nRLr/relationships/profiles/";

#[test]
fn members_are_filtered_and_sorted_by_the_time_at_which_they_joined() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let email =
        |n: usize| json!({ "email": format!("p{n}@example.com"), "phone_number": format!("+1415555010{n}") });
    let ids: Vec<String> = (0..3).map(|n| client.create(email(n))).collect();
    // In another order than they were created in.
    let mut joined = Vec::new();
    for id in [&ids[2], &ids[0], &ids[1]] {
        client.post(MEMBERS, &members(std::slice::from_ref(id)));
        server.advance(Duration::from_secs(60));
        joined.push(id.as_str());
    }
    let all = client.get("/api/lists/Y6nRLr/profiles/?sort=joined_group_at");
    assert_eq!(all.ids(), joined);
    let reversed: Vec<&str> = joined.iter().rev().copied().collect();
    assert_eq!(client.get("/api/lists/Y6nRLr/profiles/?sort=-joined_group_at").ids(), reversed);
    let middle = all.text_at("/data/1/attributes/joined_group_at").replace('+', "%2B");
    let filtered = |filter: &str| {
        let reply = client.get(&format!("/api/lists/Y6nRLr/profiles/?sort=joined_group_at&filter={filter}"));
        reply.ids().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for (filter, expected) in [
        ("greater-than", &joined[2..]),
        ("greater-or-equal", &joined[1..]),
        ("less-than", &joined[..1]),
        ("less-or-equal", &joined[..2]),
    ] {
        assert_eq!(filtered(&format!("{filter}(joined_group_at,{middle})")), expected, "{filter}");
    }
    assert_eq!(filtered("equals(email,'p1@example.com')"), [ids[1].clone()]);
    assert_eq!(filtered("any(phone_number,['%2B14155550102','%2B19995550102'])"), [ids[2].clone()]);
    let numbers = "any(phone_number,['%2B14155550101','%2B14155550102','%2B14155550100'])";
    assert_eq!(filtered(numbers), joined);
    assert_eq!(filtered(&format!("{numbers},greater-than(joined_group_at,{middle})")), joined[2..]);
    assert_eq!(filtered(&format!("{numbers},any(email,['P1@example.com'])")), [ids[1].clone()]);
    client.create(json!({ "email": "elsewhere@example.com" }));
    assert!(filtered("any(email,['elsewhere@example.com'])").is_empty());
    for (query, parameter) in [
        ("filter=equals(id,'x')", "filter"),
        ("filter=greater-than(created,2026-01-15T00:00:00Z)", "filter"),
        ("sort=email", "sort"),
        ("page[size]=101", "page[size]"),
    ] {
        let reply = client.get(&format!("/api/lists/Y6nRLr/profiles/?{query}"));
        assert_eq!(reply.error(), (400, "invalid", parameter), "{query}");
    }
    let page = client.get("/api/lists/Y6nRLr/profiles/?sort=joined_group_at&page[size]=2");
    assert_eq!(page.ids(), joined[..2]);
    let next = page.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap();
    assert_eq!(client.get(next).ids(), joined[2..]);
    let page = client.get(&format!("/api/lists/Y6nRLr/profiles/?page[size]=2&filter={numbers}"));
    assert_eq!(page.ids(), joined[..2]);
    let next = page.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap();
    assert_eq!(client.get(next).ids(), joined[2..]);
}

#[test]
fn a_profile_tells_what_it_is_in() {
    let mut account = Account::demo();
    account.add_segment("Seg001", "Engaged");
    let server = server(account);
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    for list in ["UdR4mA", "X7kQpz"] {
        let path = format!("/api/lists/{list}/relationships/profiles/");
        assert_eq!(client.post(&path, &members(std::slice::from_ref(&id))).status, 204);
    }
    server.account().join_segment("Seg001", &id);
    let lists = client.get(&format!("/api/profiles/{id}/lists"));
    assert_eq!(lists.ids(), ["X7kQpz", "UdR4mA"]);
    assert_eq!(lists.at("/data/0/attributes/name"), "Newsletter");
    assert_eq!(client.get(&format!("/api/profiles/{id}/segments")).ids(), ["Seg001"]);
    let sparse = client.get(&format!("/api/profiles/{id}/lists?fields[list]=name"));
    assert_eq!(sparse.at("/data/0/attributes"), &json!({ "name": "Newsletter" }));
    for path in ["/api/profiles/01NOBODY/lists", "/api/profiles/01NOBODY/segments"] {
        assert_eq!(client.get(path).error().0, 404);
    }
    server.account().leave_segment("Seg001", &id);
    assert_eq!(client.get(&format!("/api/profiles/{id}/segments")).ids().len(), 0);
}

#[test]
fn a_list_is_created() {
    let server = server(Account::demo());
    let new = |attributes: serde_json::Value| json!({ "data": { "type": "list", "attributes": attributes } });
    let client = Client::new(&server);
    let reply = client.post("/api/lists/", &new(json!({ "name": "Spring" })));
    assert_eq!((reply.status, reply.text_at("/data/attributes/name")), (201, "Spring"));
    // As people subscribe without a list, which is the account's default.
    assert_eq!(reply.text_at("/data/attributes/opt_in_process"), "double_opt_in");
    let id = reply.text_at("/data/id");
    assert_eq!(client.get("/api/lists/?filter=equals(name,'Spring')").ids(), [id]);
    assert_ne!(client.post("/api/lists/", &new(json!({ "name": "Spring" }))).text_at("/data/id"), id);

    let single = new(json!({ "name": "Single", "opt_in_process": "single_opt_in" }));
    assert_eq!(client.post("/api/lists/", &single).error(), (400, "invalid", "/data/attributes"));
    let reply =
        Client::new(&server).revision("2026-04-15").post("/api/lists/?fields[list]=opt_in_process", &single);
    assert_eq!(reply.at("/data/attributes"), &json!({ "opt_in_process": "single_opt_in" }));
    for (body, pointer) in [
        (new(json!({})), "/data/attributes"),
        (new(json!({ "name": null })), "/data/attributes/name"),
        (json!({ "data": { "type": "segment", "attributes": { "name": "a" } } }), "/data/type"),
    ] {
        assert_eq!(client.post("/api/lists/", &body).error(), (400, "invalid", pointer), "{body}");
    }
}
