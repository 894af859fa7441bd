//! `segments`, `members`, `remove` and `account`.

use crate::run::{CANARY, LIST, Run, run, run_with, server, with_history};
use klaviyo_mock::Server;
use serde_json::Value;

const PEOPLE: [&str; 3] = ["a@example.com", "b@example.com", "c@example.com"];

/// People on the list.
fn join(server: &Server) {
    for email in PEOPLE {
        run(server, &["opt-in", "--json", "--list", LIST, "--email", email]).ok();
    }
}

fn emails(run: &Run) -> Vec<String> {
    let members = run.ok();
    let email = |member: &Value| member["profile"]["email"].as_str().unwrap().to_owned();
    members.as_array().unwrap().iter().map(email).collect()
}

#[test]
fn members_are_those_of_a_list_or_a_segment() {
    let server = with_history();
    join(&server);
    for list in [LIST, "WhatsApp Opt-Ins"] {
        assert_eq!(emails(&run(&server, &["members", "--json", "--list", list])), PEOPLE);
    }
    for segment in ["Tq5hBs", "Bought something"] {
        let bought = emails(&run(&server, &["members", "--json", "--segment", segment]));
        assert_eq!(bought, ["priya@example.com", "noah@example.com"]);
    }
    let first = run(&server, &["members", "--list", LIST, "--limit", "2"]);
    assert!(first.out.contains(PEOPLE[1]) && !first.out.contains(PEOPLE[2]), "{}", first.out);
    assert!(!first.err.is_empty());
    for nothing in [["--list", "nonsense"], ["--segment", "nonsense"]] {
        let found = run(&server, &[["members", "--json"].as_slice(), &nothing].concat());
        assert_eq!((found.code, &found.json()["ok"]), (3, &Value::Null));
    }
}

#[test]
fn more_members_than_a_page_are_read_to_the_limit() {
    let server = server();
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows: String = (0..230).map(|n| format!("p{n:03}@example.com\n")).collect();
    std::fs::write(file.path(), format!("email\n{rows}")).unwrap();
    run(&server, &["sync", file.path().to_str().unwrap(), "--list", LIST, "--json"]).ok();
    let count = |limit| emails(&run(&server, &["members", "--json", "--list", LIST, "--limit", limit])).len();
    assert_eq!(["100", "101", "230", "1000"].map(count), [100, 101, 230, 230]);
}

#[test]
fn segments_are_shown() {
    let server = with_history();
    let segments = run(&server, &["segments", "--json"]).ok();
    assert_eq!(segments[0]["id"], "Tq5hBs");
    let text = run(&server, &["segments"]);
    assert!(text.code == 0 && text.out.contains("Bought something"), "{}", text.out);
    let mut account = crate::run::account();
    account.add_key(CANARY, &["lists:read"]);
    let narrow = Server::start(account).unwrap();
    assert_eq!(run(&narrow, &["segments", "--json"]).err(5)["code"], "forbidden");
}

#[test]
fn who_is_removed_is_not_on_the_list_and_nobody_else() {
    let server = server();
    join(&server);
    let remove =
        |people: &[&str]| run(&server, &[["remove", "--json", "--list", LIST].as_slice(), people].concat());
    let id =
        run(&server, &["lookup", "--json", "--email", PEOPLE[1]]).ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(remove(&["nobody@example.com", PEOPLE[0]]).err(3)["code"], "not-found");
    assert_eq!(server.account().members(LIST).len(), 3);
    assert_eq!(remove(&[PEOPLE[0], &id]).ok(), 2);
    assert_eq!(emails(&run(&server, &["members", "--json", "--list", LIST])), [PEOPLE[2]]);
    assert_eq!(remove(&[PEOPLE[0]]).ok(), 1);
}

#[test]
fn the_account_is_that_of_the_key() {
    let server = with_history();
    let account = run(&server, &["account", "--json"]).ok();
    let id = account["id"].as_str().unwrap();
    assert!(run(&server, &["account"]).out.contains(id));
    assert_eq!(run_with(&crate::run::server(), CANARY, &["account", "--json"]).err(5)["code"], "forbidden");
}
