//! `history` and `track`.

use crate::run::{CANARY, LIST, eventually, run, server, with_history};
use klaviyo_mock::{Account, Server};
use serde_json::{Value, json};

const PRIYA: [&str; 2] = ["--email", "priya@example.com"];

#[test]
fn one_screen_says_who_it_is_what_they_bought_and_which_lists_they_are_on() {
    let server = with_history();
    let opt_in = ["opt-in", "--json", "--list", LIST, "--consent", "email"];
    run(&server, &[opt_in.as_slice(), &PRIYA].concat()).ok();
    // Klaviyo works on consent later.
    let of_channels = || {
        let value = run(&server, &[["history", "--json"].as_slice(), &PRIYA].concat()).ok();
        let channels = value["consent"]["channels"].as_array().unwrap().clone();
        channels.into_iter().filter(|consent| consent["state"] == "SUBSCRIBED").collect::<Vec<_>>()
    };
    eventually(&1, || of_channels().len());
    assert_eq!(of_channels()[0]["channel"], "email");
    let shown = run(&server, &["history", "--email", "priya@example.com"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    for word in
        ["Priya", "WhatsApp Opt-Ins", "Bought something", "email SUBSCRIBED", "Placed Order", "3 Wool socks"]
    {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    assert!(fits(&shown.out, 24), "{}", shown.out);

    let value = run(&server, &[["history", "--json"].as_slice(), &PRIYA].concat()).ok();
    assert_eq!(value["profile"]["first-name"], "Priya");
    assert_eq!(value["lists"][0]["id"], LIST);
    let metrics: Vec<_> =
        value["timeline"]["events"].as_array().unwrap().iter().map(|event| &event["metric"]).collect();
    assert_eq!(metrics, ["Placed Order", "Active on Site", "Opened Email", "Placed Order", "Active on Site"]);
    assert_eq!(value["timeline"]["more"], false);
}

/// Whether a terminal shows it without scrolling, and without breaking a line.
fn fits(out: &str, lines: usize) -> bool {
    out.lines().count() <= lines && out.lines().all(|line| line.chars().count() <= 80)
}

#[test]
fn somebody_who_did_much_and_has_much_is_one_screen_too() {
    let server = with_history();
    let asha = ["--email", "asha@example.com"];
    let properties = json!({ "plan": "pro", "about": "wool ".repeat(200) }).to_string();
    let person =
        ["upsert", "--json", "--name", "Priya Sharma", "--phone", "+919820000001", "--location", "city=Pune"];
    let named = format!("all={properties}");
    run(&server, &[person.as_slice(), &asha, &["--property", &named]].concat()).ok();
    run(&server, &[["opt-in", "--json", "--list", LIST].as_slice(), &asha].concat()).ok();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.jsonl");
    // As some shops write it: the names of what was bought, and no more about each.
    let order = |n: u32| {
        let items =
            json!(["Wool socks", "A trail shoe for people who walk in the rain", "Hat", n.to_string()]);
        json!({
            "email": asha[1], "unique-id": n.to_string(), "value": "1499.50", "value-currency": "INR",
            "time": format!("2026-10-{n:02}T10:00:00Z"), "properties": json!({ "Items": items }).to_string(),
        })
        .to_string()
    };
    std::fs::write(&file, (1..=25).map(order).collect::<Vec<_>>().join("\n")).unwrap();
    let words = ["track", "--json", "--metric", "Placed Order", "--file", file.to_str().unwrap()];
    run(&server, &words).ok();
    let shown = || run(&server, &[["history"].as_slice(), &asha].concat()).out;
    eventually(&10, || shown().matches("Placed Order").count());
    let shown = shown();
    assert!(fits(&shown, 26), "{shown}");
    assert!(shown.contains("Wool socks, A trail shoe") && shown.contains("--limit shows more"), "{shown}");
    let whole = run(&server, &[["lookup"].as_slice(), &asha].concat()).out;
    assert!(whole.matches("wool").count() == 200 && !shown.contains(&"wool ".repeat(20)), "{shown}");
}

#[test]
fn a_part_of_a_history_is_by_time_and_number() {
    let server = with_history();
    let events = |words: &[&str]| {
        let value = run(&server, &[["history", "--json"].as_slice(), &PRIYA, words].concat()).ok();
        (value["timeline"]["events"].as_array().unwrap().len(), value["timeline"]["more"] == true)
    };
    assert_eq!(events(&["--limit", "2"]), (2, true));
    assert_eq!(events(&["--since", "2026-01-11"]), (2, false));
    assert_eq!(events(&["--until", "2026-01-06T00:00:00Z"]), (2, false));
    assert_eq!(events(&["--since", "1s"]), (0, false));
}

#[test]
fn nobody_is_3_and_lists_that_may_not_be_read_are_left_out() {
    let server = with_history();
    let nobody = run(&server, &["history", "--json", "--email", "nobody@example.com"]);
    assert_eq!((nobody.code, &nobody.json()["ok"]), (3, &Value::Null));
    let mut account = Account::demo_with_history();
    account.add_key(CANARY, &["profiles:read", "events:read", "metrics:read", "lists:read"]);
    let narrow = Server::start(account).unwrap();
    let value = run(&narrow, &[["history", "--json"].as_slice(), &PRIYA].concat()).ok();
    assert_eq!((&value["lists"], &value["segments"]), (&json!([]), &Value::Null));
    let text = run(&narrow, &[["history"].as_slice(), &PRIYA].concat());
    assert!(text.err.contains("segments:read"), "{}", text.err);
}

#[test]
fn what_is_tracked_is_in_the_history_once() {
    let server = with_history();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("properties.json");
    std::fs::write(&file, r#"{"Items":[{"ProductName":"Hat","Quantity":1}]}"#).unwrap();
    let properties = format!("@{}", file.display());
    let words = [
        "track",
        "--json",
        "--metric",
        "Placed Order",
        "--unique-id",
        "1004",
        "--time",
        "2026-02-01T10:00:00Z",
        "--value",
        "29.90",
        "--currency",
        "INR",
        "--properties",
        &properties,
    ];
    let words = [words.as_slice(), &PRIYA].concat();
    assert_eq!(run(&server, &words).ok(), Value::Null);
    run(&server, &words).ok();
    let events = || {
        let words = [["history", "--json", "--since", "2026-02-01"].as_slice(), &PRIYA].concat();
        run(&server, &words).ok()["timeline"]["events"].as_array().unwrap().clone()
    };
    // Klaviyo works on events later.
    eventually(&1, || events().len());
    let events = events();
    let told: Value = serde_json::from_str(events[0]["properties"].as_str().unwrap()).unwrap();
    assert_eq!(told["Items"][0]["ProductName"], "Hat");
    let wrong = [words.as_slice(), &["--properties", "[1]"]].concat();
    assert_eq!(run(&server, &wrong).code, 2, "an option is given twice");
    let mut wrong = words.clone();
    wrong[13] = "[1]";
    assert_eq!(run(&server, &wrong).err(2)["code"], "invalid-input");
    wrong[13] = "@/nonsense";
    assert_eq!(run(&server, &wrong).err(2)["code"], "invalid-input");
}

#[test]
fn a_key_that_may_not_read_events_is_5() {
    let lookup_only = server();
    run(&lookup_only, &["create", "--json", "--email", "priya@example.com"]).ok();
    let failed = run(&lookup_only, &[["history", "--json"].as_slice(), &PRIYA].concat()).err(5);
    assert_eq!(failed["code"], "forbidden");
}

#[test]
fn events_instruct_no_terminal() {
    let server = with_history();
    let words = [
        "track",
        "--json",
        "--metric",
        "A\u{1b}[2J\u{202e}",
        "--unique-id",
        "1",
        "--properties",
        r#"{"a":"\u001b[2J"}"#,
    ];
    run(&server, &[words.as_slice(), &PRIYA].concat()).ok();
    for json in [[].as_slice(), &["--json"]] {
        let shown = run(&server, &[["history"].as_slice(), &PRIYA, json].concat());
        assert!(!shown.out.contains(['\u{1b}', '\u{202e}']), "{}", shown.out);
    }
}
