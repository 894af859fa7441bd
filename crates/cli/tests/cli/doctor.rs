//! `klaviyo-connector doctor`: each thing that can be wrong, and its exit code.

use crate::run::{CANARY, Run, account, bare, faulty, klaviyo, run, run_with, server, with_history};
use klaviyo_mock::Server;
use serde_json::Value;

const ALL: [&str; 17] = [
    "key",
    "endpoint",
    "authentication",
    "lists:read",
    "profiles:read",
    "profiles:write",
    "lists:write",
    "subscriptions:write",
    "segments:read",
    "metrics:read",
    "events:read",
    "events:write",
    "accounts:read",
    "data-privacy:write",
    "revision",
    "clock",
    "rates",
];

/// The state of each check. Asserts the shape of the document too.
fn states(run: &Run) -> Vec<(String, String)> {
    let ok = run.json()["ok"].clone();
    let checks = ok["checks"].as_array().unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let states: Vec<_> = checks.iter().map(|check| (text(check, "check"), text(check, "state"))).collect();
    assert_eq!(states.iter().map(|(name, _)| name).collect::<Vec<_>>(), ALL);
    for check in checks {
        assert!(!text(check, "found").is_empty());
        let needs_fix = ["bad", "warning"].contains(&text(check, "state").as_str());
        assert_eq!(check["fix"].is_string(), needs_fix, "{check}");
    }
    assert_eq!(ok["healthy"], states.iter().all(|(_, state)| state != "bad"));
    assert_eq!(ok["healthy"], run.code == 0);
    states
}

fn bad(run: &Run) -> Vec<String> {
    states(run).into_iter().filter(|(_, state)| state == "bad").map(|(name, _)| name).collect()
}

#[test]
fn a_healthy_account_is_0_and_stays_as_it_is() {
    let server = server();
    let run = run(&server, &["doctor", "--json"]);
    assert_eq!(run.code, 0, "{}", run.out);
    let states = states(&run);
    for name in
        ["key", "endpoint", "authentication", "lists:read", "profiles:read", "profiles:write", "lists:write"]
    {
        assert!(states.contains(&(name.to_owned(), "good".to_owned())), "{name}: {states:?}");
    }
    assert!(states.contains(&("clock".to_owned(), "good".to_owned())));
    assert!(server.account().profiles().is_empty());
    let text = crate::run::run(&server, &["doctor"]);
    assert!(ALL.iter().all(|name| text.out.contains(name)), "{}", text.out);
}

#[test]
fn each_missing_scope_is_found() {
    let mut account = account();
    let scopes = ["lists:read", "profiles:read", "profiles:write", "lists:write"];
    for missing in scopes {
        let others: Vec<&str> = scopes.into_iter().filter(|scope| *scope != missing).collect();
        account.add_key(&format!("pk_without_{}", missing.replace(':', "_")), &others);
    }
    let server = Server::start(account).unwrap();
    for missing in scopes {
        let key = format!("pk_without_{}", missing.replace(':', "_"));
        let run = run_with(&server, &key, &["doctor", "--json"]);
        assert_eq!((run.code, bad(&run)), (5, vec![missing.to_owned()]));
    }
    assert!(server.account().profiles().is_empty());
}

#[test]
fn scopes_that_opt_ins_do_not_need_are_missing_and_not_bad() {
    let reading = ["segments:read", "metrics:read", "events:read", "accounts:read"];
    let states_of = |server: &Server| -> Vec<String> {
        let run = run(server, &["doctor", "--json"]);
        assert_eq!(run.code, 0, "{}", run.out);
        let states = states(&run);
        let state = |name: &&str| states.iter().find(|(own, _)| own == name).unwrap().1.clone();
        reading.iter().map(state).collect()
    };
    assert_eq!(states_of(&with_history()), ["good"; 4]);
    assert_eq!(states_of(&server()), ["missing", "missing", "unknown", "missing"]);
}

#[test]
fn a_wrong_key_is_5() {
    let run = run_with(&server(), "pk_wrong_1234567890", &["doctor", "--json"]);
    assert_eq!((run.code, bad(&run)), (5, vec!["authentication".to_owned()]));
}

#[test]
fn what_is_no_private_key_is_2_and_is_not_sent() {
    let server = server();
    for key in
        ["UdR4mA", "Klaviyo-API-Key pk_0123456789", "\"pk_0123456789\"", "pk_0123 456789", "pk_0123456é"]
    {
        let run = run_with(&server, key, &["doctor", "--json"]);
        assert_eq!((run.code, bad(&run)), (2, vec!["key".to_owned()]), "{key}");
        assert_eq!(run_with(&server, key, &["lists", "--json"]).err(2)["code"], "invalid-input");
    }
    assert_eq!(server.requests(), 0);
    let none = Run::of(bare().args(["doctor", "--json"]));
    assert_eq!((none.code, bad(&none)), (2, vec!["key".to_owned()]));
}

#[test]
fn an_endpoint_where_nobody_listens_is_6() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = Run::of(klaviyo(&format!("http://127.0.0.1:{port}"), CANARY).args(["doctor", "--json"]));
    assert_eq!((run.code, bad(&run)), (6, vec!["endpoint".to_owned()]));
}

#[test]
fn something_else_than_klaviyo_is_6() {
    let server = faulty(&["*: always html 403"]);
    let run = run(&server, &["doctor", "--json"]);
    assert_eq!((run.code, bad(&run)), (6, vec!["endpoint".to_owned()]));
}

#[test]
fn rate_limits_are_4() {
    let server = faulty(&["*: always status 429 retry-after 30"]);
    let run = run(&server, &["doctor", "--json"]);
    assert_eq!((run.code, bad(&run)), (4, vec!["rates".to_owned()]));
}

#[test]
fn a_removed_endpoint_is_1() {
    let server = faulty(&["*: always status 410"]);
    let run = run(&server, &["doctor", "--json"]);
    assert_eq!((run.code, bad(&run)), (1, vec!["revision".to_owned()]));
}

#[test]
fn what_cannot_be_looked_at_is_not_healthy() {
    let server = faulty(&["* /api/profiles: always status 500"]);
    let run = run(&server, &["doctor", "--json"]);
    assert_eq!((run.code, bad(&run)), (6, vec!["profiles:read".to_owned(), "profiles:write".to_owned()]));
}

#[test]
fn more_lists_than_a_page_are_no_problem() {
    let server = server();
    for number in 0..30 {
        server.account().add_list(&format!("Many{number:02}"), &format!("List {number}"));
    }
    let run = run(&server, &["doctor", "--json"]);
    assert_eq!(bad(&run), Vec::<String>::new());
}
