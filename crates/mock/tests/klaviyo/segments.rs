//! Segments, which are read and not written.

use crate::client::{Client, server};
use klaviyo_mock::Account;
use serde_json::json;
use std::time::Duration;

fn account() -> Account {
    let mut account = Account::default();
    account.add_key(Account::DEMO_KEY, Account::SCOPES);
    for n in 0..12 {
        account.add_segment(&format!("Seg{n:03}"), &format!("Segment {n}"));
    }
    account.star_segment("Seg007");
    account
}

#[test]
fn segments_are_read_in_pages_and_filtered() {
    let server = server(account());
    let client = Client::new(&server);
    let page = client.get("/api/segments/");
    assert_eq!(page.ids().len(), 10);
    let next = page.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap();
    assert_eq!(client.get(next).ids(), ["Seg010", "Seg011"]);
    let ids = |query: &str| {
        let reply = client.get(&format!("/api/segments/?{query}"));
        reply.ids().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids("filter=equals(name,'Segment%203')"), ["Seg003"]);
    assert_eq!(ids("filter=any(id,['Seg004','Seg005'])&sort=-id"), ["Seg005", "Seg004"]);
    assert_eq!(ids("filter=equals(is_starred,true)"), ["Seg007"]);
    assert_eq!(ids("filter=any(is_active,[false])").len(), 0);
    assert_eq!(ids("filter=greater-than(created,2020-01-01T00:00:00Z),equals(id,'Seg001')"), ["Seg001"]);
    assert_eq!(client.get("/api/segments/?filter=equals(is_active,'true')").error().0, 400);
    assert_eq!(client.get("/api/segments/?page[size]=5").error(), (400, "invalid", "page[size]"));
    assert_eq!(Client::new(&server).revision("2026-04-15").get("/api/segments/?page[size]=5").ids().len(), 5);
}

#[test]
fn a_segment_has_members_that_a_test_chooses() {
    let server = server(account());
    let client = Client::new(&server);
    let first = client.create(json!({ "email": "a@example.com" }));
    let second = client.create(json!({ "email": "b@example.com" }));
    server.account().join_segment("Seg001", &second);
    server.advance(Duration::from_secs(5));
    server.account().join_segment("Seg001", &first);
    server.account().join_segment("Seg001", "01NOBODY");
    let path = "/api/segments/Seg001/profiles/";
    let reply = client.get(&format!("{path}?sort=-joined_group_at"));
    assert_eq!(reply.ids(), [first.as_str(), &second]);
    assert!(reply.at("/data/0/attributes/joined_group_at").is_string());
    let filter = format!("{path}?filter=any(profile_id,['{first}'])");
    assert_eq!(client.get(&filter).ids(), [first.as_str()]);
    let counted = client.get("/api/segments/Seg001/?additional-fields[segment]=profile_count");
    assert_eq!(counted.at("/data/attributes/profile_count"), 2);
    assert_eq!(client.get("/api/segments/Seg001").at("/data/attributes/profile_count"), &json!(null));
    assert_eq!(client.get("/api/segments/NoSeg1").error(), (404, "not_found", ""));
    assert_eq!(client.get("/api/segments/NoSeg1/profiles").error(), (404, "not_found", ""));
    let state = client.get("/_mock/state");
    assert_eq!(state.at("/accounts/0/segments/1/members"), &json!([second, first]));
}
