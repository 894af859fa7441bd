//! What is late, and how long.

use crate::client::{Client, JOB, members, profile, server};
use klaviyo_mock::{Account, Server};
use serde_json::json;
use std::time::Duration;

const MOST: Duration = Duration::from_secs(60);

fn late() -> Server {
    let mut account = Account::demo();
    account.set_lateness(MOST, 7);
    server(account)
}

/// The ids that a collection shows in each second, until all have had their time. A page holds them all.
fn seconds(server: &Server, client: &Client, path: &str) -> Vec<Vec<String>> {
    let shown = || client.get(path).ids().into_iter().map(str::to_owned).collect();
    let second = |_| {
        let ids = shown();
        server.advance(Duration::from_secs(1));
        ids
    };
    (0..=MOST.as_secs() + 1).map(second).collect()
}

/// The items in the order in which they became visible.
fn appearance(seconds: &[Vec<String>]) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for ids in seconds {
        let new: Vec<&String> = ids.iter().filter(|id| !seen.contains(id)).collect();
        seen.extend(new.into_iter().cloned().collect::<Vec<_>>());
    }
    seen
}

#[test]
fn events_appear_late_and_out_of_order_with_their_times() {
    let server = late();
    let client = Client::new(&server);
    for n in 10..30 {
        let time = format!("2026-01-15T12:00:{n}Z");
        client.report("Active on Site", json!({ "email": "a@example.com" }), json!({ "time": time }));
    }
    server.advance(JOB);
    let path = "/api/events?sort=datetime";
    // One that is not visible yet is not there, even for somebody who knows its id.
    let ids: Vec<String> = server.account().events().map(|event| event.id.clone()).collect();
    let there = || ids.iter().filter(|id| client.get(&format!("/api/events/{id}")).status == 200).count();
    assert_eq!(there(), client.get(path).ids().len());
    assert!(there() < 20, "nothing is late");
    let seconds = seconds(&server, &client, path);
    let last = seconds.last().unwrap();
    assert_eq!((last.len(), there()), (20, 20));
    assert_ne!(&appearance(&seconds), last, "all became visible in order");
    let reply = client.get(path);
    assert_eq!(reply.text_at("/data/0/attributes/datetime"), "2026-01-15T12:00:10+00:00");
}

#[test]
fn memberships_appear_late_with_their_times() {
    let server = late();
    let client = Client::new(&server);
    let ids: Vec<String> =
        (0..10).map(|n| client.create(json!({ "email": format!("{n}@example.com") }))).collect();
    let path = "/api/lists/Y6nRLr/relationships/profiles/";
    assert_eq!(client.post(path, &members(&ids)).status, 204);
    let joined = client.get("/api/lists/Y6nRLr/profiles");
    assert!(joined.ids().len() < 10);
    assert_eq!(server.account().members("Y6nRLr").len(), 10);
    let seconds = seconds(&server, &client, "/api/lists/Y6nRLr/profiles");
    assert_eq!(seconds.last().unwrap(), &ids);
    assert_ne!(appearance(&seconds), ids);
    assert_eq!(client.get(path).ids().len(), 10);
    let times: Vec<String> = client
        .get("/api/lists/Y6nRLr/profiles")
        .at("/data")
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["attributes"]["joined_group_at"].to_string())
        .collect();
    assert!(times.iter().all(|time| *time == times[0]), "they joined at once");
}

#[test]
fn readers_see_an_earlier_version_until_a_change_is_visible() {
    let server = late();
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com", "first_name": "Old" }));
    server.advance(MOST + Duration::from_secs(1));
    assert_eq!(client.get("/api/profiles?sort=updated").ids(), [&id]);
    let changed = client
        .post("/api/profile-import", &profile(json!({ "email": "a@example.com", "first_name": "New" })));
    assert_eq!(changed.status, 200);
    let updated = changed.text_at("/data/attributes/updated").to_owned();
    let mut seen = Vec::new();
    for _ in 0..=MOST.as_secs() {
        let reply = client.get("/api/profiles?sort=updated");
        assert_eq!(reply.ids(), [&id]);
        let attributes = reply.at("/data/0/attributes");
        let is_new = attributes["first_name"] == "New";
        assert_eq!(attributes["updated"] == json!(updated), is_new);
        seen.push(is_new);
        server.advance(Duration::from_secs(1));
    }
    assert_eq!((seen.first(), seen.last()), (Some(&false), Some(&true)));
    assert!(seen.is_sorted());
}

#[test]
fn for_a_moment_a_changed_profile_is_at_its_old_place() {
    let server = late();
    let client = Client::new(&server);
    let create = |name: &str| {
        server.advance(Duration::from_secs(1));
        client.create(json!({ "email": format!("{name}@example.com") }))
    };
    let ids = ["a", "b"].map(create);
    server.advance(MOST);
    let changed = client.post("/api/profile-import", &profile(json!({ "email": "a@example.com" })));
    let updated = changed.text_at("/data/attributes/updated").to_owned();
    let mut seen = Vec::new();
    for _ in 0..=MOST.as_secs() * 10 {
        let reply = client.get("/api/profiles?sort=updated");
        let first = reply.ids()[0] == ids[0];
        let place = usize::from(!first);
        seen.push((reply.at(&format!("/data/{place}/attributes/updated")) == &json!(updated), !first));
        server.advance(Duration::from_millis(100));
    }
    seen.dedup();
    assert_eq!(seen, [(false, false), (true, false), (true, true)]);
}

#[test]
fn the_next_page_of_members_begins_after_the_last_whoever_appears_or_leaves_meanwhile() {
    let server = late();
    let client = Client::new(&server);
    let ids: Vec<String> =
        (0..20).map(|n| client.create(json!({ "email": format!("{n}@example.com") }))).collect();
    assert_eq!(client.post("/api/lists/Y6nRLr/relationships/profiles/", &members(&ids)).status, 204);
    server.advance(Duration::from_secs(20));
    let path = "/api/lists/Y6nRLr/profiles/?sort=joined_group_at&page[size]=2";
    let first = client.get(path);
    let read: Vec<String> = first.ids().into_iter().map(str::to_owned).collect();
    let left = &read[..1];
    let leave = members(left).to_string();
    let reply = client.send("DELETE", "/api/lists/Y6nRLr/relationships/profiles/", Some(&leave)).unwrap();
    assert_eq!(reply.status, 204);
    server.advance(MOST);
    let next = first.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap();
    let second = client.get(next);
    let behind: Vec<&String> = ids.iter().skip_while(|id| **id != read[1]).skip(1).take(2).collect();
    assert_eq!(second.ids(), behind);
}

#[test]
fn who_asks_by_an_identifier_gets_a_profile_as_it_is() {
    let server = late();
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    assert!(client.get("/api/profiles").ids().is_empty());
    assert_eq!(client.get("/api/profiles?filter=equals(email,'a@example.com')").ids(), [&id]);
    assert_eq!(client.get(&format!("/api/profiles/{id}")).status, 200);
}
