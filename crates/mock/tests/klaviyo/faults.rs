//! What goes wrong on demand, down to the bytes.

use crate::client::{Client, profile, server, stopped};
use klaviyo_mock::{Account, Faults, Rates, Server};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Sends one request on a connection of its own, and reads to its end; or how the connection broke.
pub(crate) fn exchange(
    server: &Server,
    method: &str,
    path: &str,
    body: &str,
) -> (Vec<u8>, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let key = Account::DEMO_KEY;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: mock\r\nauthorization: Klaviyo-API-Key {key}\r\n\
         revision: 2025-01-15\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    let broken = stream.read_to_end(&mut answer).err().map(|error| error.kind());
    (answer, broken)
}

/// The answer to one request whose connection must not break.
pub(crate) fn raw(server: &Server, method: &str, path: &str, body: &str) -> Vec<u8> {
    let (answer, broken) = exchange(server, method, path, body);
    assert_eq!(broken, None);
    answer
}

fn create(server: &Server) -> (Vec<u8>, Option<ErrorKind>) {
    let body = profile(json!({ "email": "a@example.com" })).to_string();
    exchange(server, "POST", "/api/profiles/", &body)
}

fn faulty(rules: &[&str]) -> Server {
    let server = server(Account::demo());
    server
        .set_faults(rules.iter().fold(Faults::seeded(1), |faults, rule| faults.rule(rule.parse().unwrap())));
    server
}

#[test]
fn a_reset_is_a_reset_before_or_after_the_effect() {
    for (fault, profiles) in [("reset-before", 0), ("reset-after", 1)] {
        let server = faulty(&[&format!("POST /api/profiles: #1 {fault}")]);
        let (answer, broken) = create(&server);
        assert_eq!((answer.len(), broken), (0, Some(ErrorKind::ConnectionReset)), "{fault}");
        assert_eq!(server.account().profiles().len(), profiles, "{fault}");
        // Trying again finds out which it was.
        let again = create(&server).0;
        let expected: &[u8] = if profiles == 0 { b"HTTP/1.1 201" } else { b"HTTP/1.1 409" };
        assert!(again.starts_with(expected), "{fault}");
        assert_eq!(server.faults()[0].1, 1);
    }
}

#[test]
fn a_truncated_answer_promises_more_than_it_holds() {
    let server = faulty(&["POST /api/profiles: always truncate"]);
    let (answer, broken) = create(&server);
    assert_eq!(broken, None);
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap() / 2, body.len());
    assert!(body.starts_with(r#"{"data":{"#));
    assert_eq!(server.account().profiles().len(), 1);

    // An answer without a body lacks a byte: 204 could not promise one, 202 can.
    let server = faulty(&["POST /*: always truncate"]);
    let subscription = r#"{"data":{"type":"profile-subscription-bulk-create-job","attributes":{"profiles":{"data":[{"type":"profile","attributes":{"email":"a@example.com","subscriptions":{"email":{"marketing":{"consent":"SUBSCRIBED"}}}}}]}}}}"#;
    for (path, body, status) in [
        ("/api/lists/Y6nRLr/relationships/profiles", r#"{"data":[]}"#, "HTTP/1.1 200 OK\r\n"),
        ("/api/profile-subscription-bulk-create-jobs", subscription, "HTTP/1.1 202 Accepted\r\n"),
    ] {
        let (answer, broken) = exchange(&server, "POST", path, body);
        assert_eq!(broken, None);
        let text = String::from_utf8(answer).unwrap();
        assert!(text.starts_with(status), "{text}");
        assert!(text.ends_with("content-length: 1\r\n\r\n"), "{text}");
        // And a client notices.
        assert!(Client::new(&server).send("POST", path, Some(body)).is_err(), "{path}");
    }
}

#[test]
fn a_page_of_the_network_in_front_is_html() {
    for code in [403, 502] {
        let server = faulty(&[&format!("*: always html {code}")]);
        let reply =
            Client::new(&server).post("/api/profiles/", &profile(json!({ "email": "a@example.com" })));
        assert_eq!((reply.status, reply.header("content-type")), (code, "text/html; charset=UTF-8"));
        assert!(reply.text.starts_with("<!DOCTYPE html>"));
        assert_eq!(reply.header("x-klaviyo-req-id"), "");
        assert_eq!(server.account().profiles().len(), 0);
    }
}

#[test]
fn garbage_is_neither_json_nor_http() {
    let server = faulty(&["POST /api/profiles: always garbage", "GET /api/lists: always garbage-line"]);
    let (answer, _) = create(&server);
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 200"));
    assert!(text.contains("content-type: application/vnd.api+json"));
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(serde_json::from_slice::<serde_json::Value>(&answer[body..]).is_err());
    assert!(std::str::from_utf8(&answer[body..]).is_err());
    assert_eq!(server.account().profiles().len(), 1);
    assert!(!raw(&server, "GET", "/api/lists", "").starts_with(b"HTTP/"));
    assert!(Client::new(&server).send("GET", "/api/lists", None).is_err());
}

#[test]
fn a_status_comes_before_the_effect_or_after() {
    let server = faulty(&[
        "POST /api/profiles: #1 status 503 retry-after 2",
        "POST /api/profiles: #2 status 500",
        "POST /api/profiles: #3 status 429",
        "POST /api/profiles: #4 status 429 retry-after 7",
        "POST /api/profiles: #5 status-after 504",
    ]);
    let client = Client::new(&server);
    let create = || client.post("/api/profiles/", &profile(json!({ "email": "a@example.com" })));
    let seen: Vec<(u16, String, String, usize)> = (0..6)
        .map(|_| {
            let reply = create();
            let code = reply.text_at("/errors/0/code").to_owned();
            (reply.status, code, reply.header("retry-after").to_owned(), server.account().profiles().len())
        })
        .collect();
    let expected = [
        (503, "service_unavailable", "2", 0),
        (500, "error", "", 0),
        (429, "throttled", "", 0),
        (429, "throttled", "7", 0),
        (504, "", "", 1),
        (409, "duplicate_profile", "", 1),
    ];
    assert_eq!(seen, expected.map(|(status, code, after, n)| (status, code.to_owned(), after.to_owned(), n)));
}

#[test]
fn a_status_looks_as_klaviyo_sends_it() {
    let status = |code: u16| {
        let server = faulty(&[&format!("*: always status {code}")]);
        Client::new(&server).get("/api/lists")
    };
    let retired = status(410);
    assert_eq!((retired.status, retired.header("content-type")), (410, "application/json"));
    assert!(retired.text_at("/message").starts_with("This API has been retired"), "{}", retired.text);
    assert_eq!(retired.at("/errors"), &serde_json::Value::Null);

    let conflict = status(409);
    assert_eq!(conflict.error(), (409, "duplicate_profile", "/data/attributes"));
    assert_eq!(conflict.text_at("/errors/0/title"), "Conflict.");
    let detail = "A profile already exists with one of these identifiers.";
    assert_eq!(conflict.text_at("/errors/0/detail"), detail);

    for code in [502, 504, 524] {
        let page = status(code);
        assert_eq!((page.status, page.header("content-type")), (code, "text/html; charset=UTF-8"));
        assert!(page.text.starts_with("<!DOCTYPE html>"));
        assert_eq!(page.header("x-klaviyo-req-id"), "");
        assert!(!page.text.contains("unknown status code"), "{}", page.text);
    }
    assert_eq!(status(500).error().1, "error");
    assert_eq!(status(503).error().1, "service_unavailable");
}

#[test]
fn latency_is_time_before_the_answer() {
    let server = faulty(&["GET /api/lists: #2 latency 150ms"]);
    let client = Client::new(&server);
    client.get("/api/lists");
    let start = Instant::now();
    assert_eq!(client.get("/api/lists").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn the_same_seed_makes_the_same_faults() {
    let run = |seed: u64| -> Vec<u16> {
        let rule = "POST /api/profiles: 30% status 500".parse().unwrap();
        let klaviyo = stopped(Account::demo()).rates(Rates::off()).faults(Faults::seeded(seed).rule(rule));
        let server = Server::start(klaviyo).unwrap();
        let client = Client::new(&server);
        (0..60)
            .map(|n| {
                // What happens elsewhere does not matter.
                client.get("/api/lists");
                client.post("/api/profiles/", &profile(json!({ "external_id": n.to_string() }))).status
            })
            .collect()
    };
    let first = run(11);
    assert!(first.contains(&500) && first.contains(&201));
    assert_eq!(first, run(11));
    assert_ne!(first, run(12));
}

#[test]
fn faults_change_while_the_server_runs() {
    let server = faulty(&["*: always status 500"]);
    let client = Client::new(&server);
    assert_eq!(client.get("/api/lists").status, 500);
    server.set_faults(Faults::none());
    assert_eq!(client.get("/api/lists").status, 200);
    assert!(server.faults().is_empty());
}

#[test]
fn every_answer_has_the_time_of_the_simulator_whatever_goes_wrong() {
    // 2026-01-15T12:00:00Z
    let klaviyo = stopped(Account::demo()).stop_the_clock_at(1_768_478_400);
    let server = Server::start(klaviyo).unwrap();
    let client = Client::new(&server);
    assert_eq!(client.get("/api/lists").header("date"), "Thu, 15 Jan 2026 12:00:00 GMT");
    server.advance(Duration::from_secs(86_400));
    for rule in ["*: 0% status 500", "*: always status 429", "*: always html 403", "*: always garbage"] {
        server.set_faults(Faults::seeded(1).rule(rule.parse().unwrap()));
        for path in ["/api/lists", "/api/nothing"] {
            assert_eq!(client.get(path).header("date"), "Fri, 16 Jan 2026 12:00:00 GMT", "{rule} {path}");
        }
    }
    server.set_faults(Faults::seeded(1).rule("*: always truncate".parse().unwrap()));
    let (bytes, _) = exchange(&server, "GET", "/api/lists", "");
    assert!(String::from_utf8(bytes).unwrap().contains("date: Fri, 16 Jan 2026 12:00:00 GMT\r\n"));
}
