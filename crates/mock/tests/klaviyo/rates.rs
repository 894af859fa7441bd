//! Burst and steady limits, and what answers say about them.

use crate::client::{Client, members, stopped};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use serde_json::json;
use std::time::Duration;

fn start(klaviyo: Klaviyo) -> Server {
    Server::start(klaviyo).unwrap()
}

#[test]
fn the_published_rates_hold_unless_told_otherwise() {
    let server = start(stopped(Account::demo()));
    let client = Client::new(&server);
    let first = client.get("/api/lists");
    assert_eq!(first.header("ratelimit-limit"), "75, 75;w=1, 700;w=60");
    assert_eq!(first.header("ratelimit-remaining"), "74");
    assert_eq!(first.header("ratelimit-reset"), "0");
    assert_eq!(first.header("retry-after"), "");
    for _ in 1..75 {
        assert_eq!(client.get("/api/lists").status, 200);
    }
    let refused = client.get("/api/lists");
    assert_eq!(refused.error(), (429, "throttled", ""));
    assert_eq!(refused.header("retry-after"), "1");
    let detail = "Request was throttled. Expected available in 1 second.";
    assert_eq!(refused.text_at("/errors/0/detail"), detail);
    assert!(!refused.headers.keys().any(|name| name.as_str().starts_with("ratelimit")));

    // Another operation has limits of its own; so has another account, and a wrong key has none.
    assert_eq!(client.get("/api/profiles").status, 200);
    assert_eq!(Client::new(&server).key("pk_wrong").get("/api/lists").status, 401);
    server.advance(Duration::from_secs(1));
    assert_eq!(client.get("/api/lists").header("ratelimit-remaining"), "74");
}

#[test]
fn a_minute_has_its_own_limit() {
    let mut account = Account::demo();
    account.add_key("pk_other", &["lists:read"]);
    let server = start(stopped(account));
    let client = Client::new(&server);
    let add = || client.post("/api/lists/Y6nRLr/relationships/profiles", &members(&[]));
    assert_eq!(add().header("ratelimit-limit"), "10, 10;w=1, 150;w=60");
    for n in 1..150 {
        if n % 10 == 0 {
            server.advance(Duration::from_secs(1));
        }
        assert_eq!(add().status, 204, "{n}");
    }
    server.advance(Duration::from_secs(1));
    let refused = add();
    // Fifteen of sixty seconds have passed.
    assert_eq!((refused.status, refused.header("retry-after")), (429, "45"));
    server.advance(Duration::from_secs(45));
    assert_eq!(add().status, 204);
}

#[test]
fn the_minute_is_longer_since_january_2026() {
    let server = start(stopped(Account::demo()));
    let limit = |revision| {
        Client::new(&server).revision(revision).get("/api/lists").header("ratelimit-limit").to_owned()
    };
    assert_eq!(limit("2025-10-15"), "75, 75;w=1, 700;w=60");
    assert_eq!(limit("2026-01-15"), "75, 75;w=1, 750;w=60");
}

#[test]
fn accounts_do_not_share_their_rates() {
    let mut other = Account::default();
    other.add_key("pk_other", &["accounts:read"]);
    let server = start(stopped(Account::demo()).account(other));
    let get = |key: &str| Client::new(&server).key(key).get("/api/accounts").status;
    assert_eq!([get(Account::DEMO_KEY), get(Account::DEMO_KEY)], [200, 429]);
    assert_eq!([get("pk_other"), get("pk_other")], [200, 429]);
}

#[test]
fn rates_can_be_faster_or_off() {
    let fast = start(stopped(Account::demo()).rates(Rates::times(3)));
    let client = Client::new(&fast);
    let statuses: Vec<u16> = (0..4).map(|_| client.get("/api/accounts").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);

    let off = start(stopped(Account::demo()).rates(Rates::off()));
    let client = Client::new(&off);
    for _ in 0..20 {
        let reply = client.get("/api/accounts");
        assert_eq!((reply.status, reply.header("ratelimit-limit")), (200, ""));
    }
}

#[test]
fn a_request_that_is_throttled_has_no_effect() {
    let server = start(stopped(Account::demo()));
    let client = Client::new(&server);
    let statuses: Vec<u16> = (0..80)
        .map(|n| {
            let body = crate::client::profile(json!({ "external_id": n.to_string() }));
            client.post("/api/profiles", &body).status
        })
        .collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 75);
    assert_eq!(server.account().profiles().len(), 75);
    assert_eq!(server.account().requests_of("create_profile"), 80);
}
