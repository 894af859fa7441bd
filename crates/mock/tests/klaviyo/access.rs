//! Keys, scopes, revisions.

use crate::client::{Client, server, stopped};
use klaviyo_mock::{Account, Klaviyo, Server};

#[test]
fn a_request_needs_a_key() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let with = |authorization: Option<&str>| {
        let mut headers = vec![("revision", "2025-01-15")];
        headers.extend(authorization.map(|value| ("authorization", value)));
        client.send_with("GET", "/api/lists/", &headers, None).unwrap()
    };
    let key = format!("Klaviyo-API-Key {}", Account::DEMO_KEY);
    assert_eq!(with(Some(&key)).status, 200);
    for (authorization, code) in [
        (None, "not_authenticated"),
        (Some(key.replace("Klaviyo-API-Key", "Bearer")), "not_authenticated"),
        (Some(key.replace("Klaviyo-API-Key", "klaviyo-api-key")), "not_authenticated"),
        (Some(key.replace(' ', "  ")), "authentication_failed"),
        (Some("Klaviyo-API-Key pk_no".to_owned()), "authentication_failed"),
    ] {
        let reply = with(authorization.as_deref());
        assert_eq!(reply.error(), (401, code, "/data/"), "{authorization:?}");
        assert!(!reply.header("www-authenticate").is_empty());
        assert_eq!(reply.header("x-klaviyo-req-id"), reply.text_at("/errors/0/id"));
        assert_eq!(reply.at("/errors/0/status"), 401);
    }
    assert_eq!(server.account().requests(), 1);
    assert_eq!(server.requests(), 6);
}

#[test]
fn a_key_needs_every_scope_of_the_operation() {
    for (method, path, scopes) in [
        ("GET", "/api/accounts", &["accounts:read"][..]),
        ("GET", "/api/events", &["events:read"]),
        ("GET", "/api/events?include=metric", &["events:read", "metrics:read"]),
        ("GET", "/api/events/X", &["events:read"]),
        ("POST", "/api/events", &["events:write"]),
        ("POST", "/api/event-bulk-create-jobs", &["events:write"]),
        ("GET", "/api/metrics", &["metrics:read"]),
        ("GET", "/api/metrics/X", &["metrics:read"]),
        ("GET", "/api/lists", &["lists:read"]),
        ("GET", "/api/lists/Y6nRLr", &["lists:read"]),
        ("GET", "/api/lists/Y6nRLr/profiles", &["lists:read", "profiles:read"]),
        ("GET", "/api/lists/Y6nRLr/relationships/profiles", &["lists:read", "profiles:read"]),
        ("POST", "/api/lists/Y6nRLr/relationships/profiles", &["lists:write", "profiles:write"]),
        ("DELETE", "/api/lists/Y6nRLr/relationships/profiles", &["lists:write", "profiles:write"]),
        ("GET", "/api/profiles", &["profiles:read"]),
        ("GET", "/api/profiles/X", &["profiles:read"]),
        ("POST", "/api/profiles", &["profiles:write"]),
        ("PATCH", "/api/profiles/X", &["profiles:write"]),
        ("POST", "/api/profile-import", &["profiles:write"]),
        (
            "POST",
            "/api/profile-subscription-bulk-create-jobs",
            &["lists:write", "profiles:write", "subscriptions:write"],
        ),
        (
            "POST",
            "/api/profile-subscription-bulk-delete-jobs",
            &["lists:write", "profiles:write", "subscriptions:write"],
        ),
        ("POST", "/api/profile-bulk-import-jobs", &["lists:write", "profiles:write"]),
        ("GET", "/api/profile-bulk-import-jobs", &["lists:read", "profiles:read"]),
        ("GET", "/api/profile-bulk-import-jobs/X", &["lists:read", "profiles:read"]),
        ("GET", "/api/profile-bulk-import-jobs/X/import-errors", &["profiles:read"]),
        ("POST", "/api/lists", &["lists:write"]),
        ("GET", "/api/segments", &["segments:read"]),
        ("GET", "/api/segments/X", &["segments:read"]),
        ("GET", "/api/segments/X/profiles", &["profiles:read", "segments:read"]),
        ("GET", "/api/profiles/X/lists", &["lists:read", "profiles:read"]),
        ("GET", "/api/profiles/X/segments", &["profiles:read", "segments:read"]),
        ("POST", "/api/profile-merge", &["profiles:write"]),
        ("POST", "/api/profile-suppression-bulk-create-jobs", &["profiles:write", "subscriptions:write"]),
        ("POST", "/api/profile-suppression-bulk-delete-jobs", &["subscriptions:write"]),
        ("POST", "/api/data-privacy-deletion-jobs", &["data-privacy:write"]),
    ] {
        let mut account = Account::demo();
        account.add_key("pk_exact", scopes);
        for missing in scopes {
            let others: Vec<&str> =
                Account::SCOPES.iter().copied().filter(|scope| scope != missing).collect();
            account.add_key(&format!("pk_without_{missing}"), &others);
        }
        let server = server(account);
        let status = |key: &str| {
            let body = ["POST", "PATCH", "DELETE"].contains(&method).then_some("{}");
            // A client may not send a body with DELETE; here the key is what is asked about.
            let body = body.filter(|_| method != "DELETE");
            Client::new(&server).key(key).send(method, path, body).unwrap()
        };
        assert_ne!(status("pk_exact").status, 403, "{method} {path}");
        for missing in scopes {
            let reply = status(&format!("pk_without_{missing}"));
            assert_eq!(reply.error(), (403, "permission_denied", ""), "{method} {path} {missing}");
        }
    }
}

#[test]
fn a_request_needs_a_revision_that_is_served() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let key = format!("Klaviyo-API-Key {}", Account::DEMO_KEY);
    let with = |revision: Option<&str>| {
        let mut headers = vec![("authorization", key.as_str())];
        headers.extend(revision.map(|revision| ("revision", revision)));
        client.send_with("GET", "/api/lists/", &headers, None).unwrap()
    };
    for (asked, served, retirement) in [
        ("2025-01-15", "2025-01-15", "2027-01-15"),
        ("2025-03-01", "2025-01-15", "2027-01-15"),
        ("2026-07-15", "2026-07-15", "2028-07-15"),
        ("2026-10-15", "2026-10-15", "2028-10-15"),
    ] {
        let reply = with(Some(asked));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-klaviyo-api-revision"), served);
        assert_eq!(reply.header("x-klaviyo-api-retirement-date"), retirement);
        assert_eq!(reply.header("content-type"), "application/vnd.api+json");
    }
    assert_eq!(with(None).error(), (400, "invalid", ""));
    assert_eq!(with(Some("latest")).error(), (404, "not_found", ""));
}

#[test]
fn the_oldest_revision_that_lives_answers_for_a_retired_one() {
    let key = format!("Klaviyo-API-Key {}", Account::DEMO_KEY);
    let retired = |revision: &str| stopped(Account::demo()).retire(revision.parse().unwrap());
    for (klaviyo, asked, served, opt_out) in [
        (stopped(Account::demo()), "2023-01-24", "2025-01-15", 410),
        (stopped(Account::demo()), "2025-01-15", "2025-01-15", 200),
        (retired("2025-01-15"), "2025-01-15", "2025-04-15", 410),
        (retired("2025-01-15"), "2025-03-01", "2025-04-15", 410),
        (retired("2025-01-15"), "2025-04-15", "2025-04-15", 200),
        // The newest stays.
        (retired("2026-10-15"), "2025-01-15", "2026-10-15", 410),
    ] {
        let server = Server::start(klaviyo).unwrap();
        let client = Client::new(&server);
        let headers = [("authorization", key.as_str()), ("revision", asked)];
        let reply = client.send_with("GET", "/api/lists/", &headers, None).unwrap();
        assert_eq!((reply.status, reply.header("x-klaviyo-api-revision")), (200, served), "{asked}");
        let headers = [headers[0], headers[1], ("x-klaviyo-revision-fall-forward-opt-out", "1")];
        let reply = client.send_with("GET", "/api/lists/", &headers, None).unwrap();
        assert_eq!((reply.status, reply.at("/errors").is_null()), (opt_out, true), "{asked}");
    }
}

#[test]
fn who_falls_forward_meets_other_schemas() {
    let server = Server::start(stopped(Account::demo()).retire("2026-01-15".parse().unwrap())).unwrap();
    let client = Client::new(&server);
    // A parameter that 2025-01-15 does not have, and 2026-04-15 has.
    assert_eq!(client.get("/api/lists/?page[size]=2").ids().len(), 2);
}

#[test]
fn what_was_removed_is_410_for_everybody() {
    let server = server(Account::demo());
    let client = Client::new(&server).key("pk_no");
    let reply = client.get("/api/v2/list/Y6nRLr/members");
    assert_eq!((reply.status, reply.at("/errors").is_null()), (410, true));
    assert!(reply.text_at("/message").starts_with("This API has been retired"));
}

#[test]
fn a_path_is_the_same_with_and_without_its_slash() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    assert_eq!(client.get("/api/lists").ids(), client.get("/api/lists/").ids());
    assert_eq!(client.get("/api/nothing/").error(), (404, "not_found", ""));
    assert_eq!(client.get("/api/profile-import").error(), (405, "method_not_allowed", ""));
    assert_eq!(client.get("/api/lists/?colour=red").error(), (400, "invalid", "colour"));
}

#[test]
fn a_key_opens_its_own_account() {
    let mut other = Account::default();
    other.add_key("pk_other", &["lists:read", "profiles:write"]);
    other.add_list("Other1", "Other");
    let server = Server::start(Klaviyo::from(Account::demo()).account(other)).unwrap();
    let client = Client::new(&server).key("pk_other");
    assert_eq!(client.get("/api/lists").ids(), ["Other1"]);
    client.create(serde_json::json!({ "email": "a@example.com" }));

    // Both can be read side by side.
    let (first, other) = (server.account(), server.account_of("pk_other").unwrap());
    assert_eq!((first.profiles().len(), other.profiles().len()), (0, 1));
    assert_eq!((first.requests(), other.requests()), (0, 2));
    assert_eq!(other.requests_of("create_profile"), 1);
    assert!(server.account_of("pk_nobody").is_none());
}

#[test]
fn the_account_of_a_key_can_be_asked_for() {
    let server = server(Account::demo());
    let reply = Client::new(&server).get("/api/accounts");
    assert_eq!(reply.at("/data/0/type"), "account");
}

#[test]
fn a_server_starts_where_it_is_told_to() {
    let first = server(Account::demo());
    let address = first.url().trim_start_matches("http://").parse().unwrap();
    let taken = Server::start_at(address, Account::demo()).err().unwrap();
    assert!(format!("{taken:#}").contains(&address.to_string()));
    let second = Server::start_at("127.0.0.1:0".parse().unwrap(), Account::demo()).unwrap();
    assert_eq!(Client::new(&second).get("/api/lists").status, 200);
}
