//! Each command when it succeeds.

use crate::run::{LIST, Run, run, server};
use klaviyo_mock::Server;
use serde_json::{Value, json};

fn create(server: &Server, email: &str) -> String {
    let created = run(server, &["create", "--email", email, "--json"]).ok();
    created["created"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn lists_shows_all_lists_or_one() {
    let server = server();
    let lists = run(&server, &["lists", "--json"]).ok();
    assert_eq!(lists.as_array().unwrap().len(), 3);
    assert_eq!(lists[1]["id"], LIST);
    for name in [LIST, "WhatsApp Opt-Ins"] {
        assert_eq!(run(&server, &["lists", "--name", name, "--json"]).ok()["id"], LIST);
    }
    let text = run(&server, &["lists"]);
    assert!(text.code == 0 && text.err.is_empty());
    for word in ["X7kQpz", "Newsletter", LIST, "WhatsApp Opt-Ins"] {
        assert!(text.out.contains(word), "{}", text.out);
    }
}

#[test]
fn lookup_finds_by_every_identifier() {
    let server = server();
    let words = ["--email", "priya@example.com", "--phone", "+91 98200 00001", "--external-id", "42"];
    let created = run(&server, &[["create", "--json"].as_slice(), &words].concat()).ok();
    let id = created["created"]["id"].as_str().unwrap();
    for by in words.chunks(2).chain([["--phone", "098200-00001", "--region", "IN"].as_slice(), &["--id", id]])
    {
        let found = run(&server, &[["lookup", "--json"].as_slice(), by].concat()).ok();
        assert_eq!(found["id"], id, "{by:?}");
        assert_eq!(found["phone-number"], "+919820000001");
    }
    let text = run(&server, &["lookup", "--id", id]);
    assert!(text.out.contains("priya@example.com"), "{}", text.out);
}

#[test]
fn create_says_whether_the_profile_is_new() {
    let server = server();
    let id = create(&server, "priya@example.com");
    let again = run(&server, &["create", "--email", "priya@example.com", "--json"]).ok();
    assert_eq!(again, json!({ "existing": id }));
    assert!(run(&server, &["create", "--email", "priya@example.com"]).out.contains(&id));
}

#[test]
fn upsert_creates_and_updates() {
    let server = server();
    let name = ["upsert", "--email", "priya@example.com", "--json", "--name", "  Priya   Sharma Rao "];
    let created = run(&server, &name).ok();
    assert_eq!(created["created"], true);
    assert_eq!(created["profile"]["first-name"], "Priya");
    assert_eq!(created["profile"]["last-name"], "Sharma Rao");
    let words = ["upsert", "--email", "priya@example.com", "--json", "--last-name", "Rao"];
    let properties = ["--property", "plan=pro", "--property", "visits=3", "--property", "vip=true"];
    let updated = run(&server, &[words.as_slice(), &properties].concat()).ok();
    assert_eq!(updated["created"], false);
    assert_eq!(updated["profile"]["last-name"], "Rao");
    let properties: Value = serde_json::from_str(updated["profile"]["properties"].as_str().unwrap()).unwrap();
    assert_eq!(properties, json!({ "plan": "pro", "visits": 3, "vip": true }));
}

#[test]
fn subscribe_takes_a_list_by_id_or_name() {
    let server = server();
    let ids = ["a@example.com", "b@example.com", "c@example.com"].map(|email| create(&server, email));
    let by_id = run(&server, &["subscribe", "--json", "--list", LIST, &ids[0], &ids[1]]).ok();
    assert_eq!(by_id, 2);
    let by_name = run(&server, &["subscribe", "--json", "--list", "WhatsApp Opt-Ins", &ids[2]]).ok();
    assert_eq!(by_name, 1);
    assert_eq!(server.account().members(LIST), ids);
}

#[test]
fn opt_in_is_three_requests_after_the_lists_and_two_for_the_same_again() {
    let server = server();
    let words =
        ["opt-in", "--list", LIST, "--email", "priya@example.com", "--name", "Priya Sharma", "--json"];
    let first = run(&server, &words);
    assert_eq!(first.json()["usage"]["requests"], 4);
    let first = first.ok();
    assert_eq!(
        (&first["created"], &first["profile-name"], &first["list-id"]),
        (&json!(true), &json!("Priya"), &json!(LIST))
    );
    let again = run(&server, &words);
    assert_eq!(again.json()["usage"]["requests"], 3);
    assert_eq!(again.ok()["created"], false);
    assert_eq!(server.account().members(LIST).len(), 1);
}

#[test]
fn opt_in_tells_the_customer_and_warns_the_operator() {
    let server = server();
    let opt_in = |name| -> Run {
        let phone = ["--phone", "98200 00001", "--region", "in"];
        let words = ["opt-in", "--list", "WhatsApp Opt-Ins", "--email", "priya@example.com", "--name", name];
        run(&server, &[words.as_slice(), &phone].concat())
    };
    let first = opt_in("Priya Sharma");
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.contains("You are on the list, Priya!"), "{}", first.out);
    assert!(first.err.is_empty(), "{}", first.err);
    assert!(server.account().profile("phone_number", "+919820000001").is_some());
    let second = opt_in("Priya Rao");
    assert!(second.code == 0 && second.err.contains("last-name"), "{}", second.err);
}
