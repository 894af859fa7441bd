//! `klaviyo-connector track --file`.

use crate::run::{CANARY, Run, eventually, klaviyo};
use crate::sync::{Try, done, row, signal};
use klaviyo_mock::Event;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

const EVENTS: &str = "POST /api/event-bulk-create-jobs";
const HEADER: &str = "email,metric,unique id\n";

fn command(test: &Try, words: &[&str]) -> Command {
    let mut command = klaviyo(&test.server.url(), CANARY);
    command.current_dir(test.path("")).args(["track", "--json"]).args(words);
    command
}

/// Tracks the events of the input, with a report.
fn track(test: &Try, words: &[&str]) -> Run {
    Run::of(command(test, &["--file", "input.csv", "--report", "report.csv"]).args(words))
}

/// What Klaviyo has of each event, once it has as many.
fn events<T>(test: &Try, count: usize, of: impl Fn(&Event) -> T) -> Vec<T> {
    eventually(&count, || test.server.account().events().count());
    test.server.account().events().map(of).collect()
}

fn orders(count: usize) -> String {
    let order = |n| format!("contact+{n}@example.com,Placed Order,{n}\n");
    [HEADER.to_owned()].into_iter().chain((0..count).map(order)).collect()
}

#[test]
fn each_row_is_an_event_or_has_the_reason_why_not() {
    let test = Try::new(
        "Email,Phone Number,Metric,Unique ID,Time,Value,Currency,Plan,Visits\n\
         priya@example.com,,Placed Order,1001,2026-01-06T07:30:00Z,29.90,INR,pro,3\n\
         ,098200 00002,Placed Order,1002,2026-01-07 08:00:00\n\
         arjun@example.com,12345,Active on Site,1003\n\
         priya@example.com,,Placed Order,\n\
         nobody,,Placed Order,1005\n\
         ,,,,,,,,\n\
         PRIYA@example.com,,Placed Order,1001\n\
         arjun@example.com,,Active on Site,1001\n\
         meera@example.com,,,1006\n\
         meera@example.com,,Placed Order,1007,yesterday\n\
         meera@example.com,,Placed Order,1008,,\"1,5\"\n\
         meera@example.com,,Placed Order,1009,,,,,many\n",
    );
    let words = ["--region", "IN", "--time-zone", "Asia/Kolkata", "--map", "Visits=json:visits"];
    let run = track(&test, &[words.as_slice(), &["--unknown-columns", "properties"]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    let ok = run.json()["ok"].clone();
    assert_eq!(
        (&ok["rows"], &ok["done"], &ok["refused"], &ok["warned"]),
        (&json!(11), &json!(4), &json!(7), &json!(1))
    );
    assert_eq!(
        test.outcomes(),
        [
            row(2, "done", ""),
            row(3, "done", ""),
            row(4, "done", "phone-number"),
            row(5, "refused", "unique-id"),
            row(6, "refused", "email"),
            row(8, "refused", "unique-id"),
            row(9, "done", ""),
            row(10, "refused", "metric"),
            row(11, "refused", "time"),
            row(12, "refused", "value"),
            row(13, "refused", "properties"),
        ]
    );
    // The event with an id that is in the first request goes in a second one.
    assert_eq!(ok["requests"], 2);
    let times = events(&test, 4, |event| humantime::format_rfc3339_seconds(event.time).to_string());
    assert_eq!(times[..2], ["2026-01-06T07:30:00Z", "2026-01-07T02:30:00Z"]);
    let first = events(&test, 4, |event| Value::Object(event.properties.clone())).remove(0);
    assert_eq!((&first["Plan"], &first["visits"]), (&json!("pro"), &json!(3)));
    assert_eq!(first["$value"], json!(29.9));
    let account = test.server.account();
    assert!(account.profile("phone_number", "+919820000002").is_some());
    assert!(account.profile("email", "meera@example.com").is_none());
}

#[test]
fn a_file_that_is_tracked_twice_is_tracked_once() {
    let test = Try::new("");
    let lines = [
        r#"{"email": "priya@example.com", "unique-id": 1, "value": 12.50, "properties": {"tags": ["x"]}}"#,
        r#"{"external_id": 7, "unique_id": "2", "metric": "Refunded Order"}"#,
        r#"{"email": "priya@example.com"}"#,
        r#"{"email": "priya@example.com", "unique_id": "3", "city": "Pune"}"#,
        "17",
    ];
    for _ in 0..2 {
        let words = ["--file", "-", "--metric", "Placed Order", "--report", "report.csv"];
        let mut child = command(&test, &words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
        assert_eq!(
            test.outcomes(),
            [
                row(1, "done", ""),
                row(2, "done", ""),
                row(3, "refused", "unique-id"),
                row(4, "refused", "city"),
                row(5, "refused", ""),
            ]
        );
    }
    assert_eq!(test.server.account().requests_of("bulk_create_events"), 2);
    let properties = events(&test, 2, |event| event.properties.get("tags").cloned());
    assert_eq!(properties, [Some(json!(["x"])), None]);
    let account = test.server.account();
    let metrics: Vec<&str> = account.metrics().map(|metric| metric.name.as_str()).collect();
    assert!(metrics.contains(&"Placed Order") && metrics.contains(&"Refunded Order"), "{metrics:?}");
}

#[test]
fn events_go_by_the_thousand() {
    let test = Try::faulty(orders(2_500), &[&format!("{EVENTS}: #2 status 503")]);
    let run = track(&test, &[]);
    run.ok();
    assert_eq!(test.outcomes(), done(2..=2_501));
    let usage = run.json()["usage"].clone();
    assert_eq!(usage["requests"].as_u64().unwrap().min(4), 3, "{usage}");
    assert_eq!(events(&test, 2_500, |_| ()).len(), 2_500);
}

#[test]
fn nothing_in_a_file_is_nothing_done() {
    for input in ["", HEADER] {
        let test = Try::new(input);
        assert_eq!(track(&test, &[]).ok()["rows"], 0);
        assert_eq!((test.outcomes().len(), test.server.requests()), (0, 0));
    }
}

#[test]
fn what_cannot_be_begun_is_told() {
    let test = Try::new("email,metric,order\na@example.com,Placed Order,1\n");
    let fails = |words: &[&str], word: &str| {
        let error = track(&test, words).err(2);
        assert_eq!(error["code"], "invalid-input");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    };
    fails(&[], "--unknown-columns properties");
    fails(&["--unknown-columns", "ignore"], "COLUMN=unique-id");
    fails(&["--map", "number=unique-id"], "--map");
    fails(&["--map", "order=unique-id", "--map", "email=ignore"], "COLUMN=email");
    fails(&["--map", "order=unique-id", "--map", "metric=ignore"], "--metric");
    fails(&["--map", "order=metric"], "both");
    fails(&["--map", "order=city"], "unique-id");
    fails(&["--map", "order=unique-id", "--report", "input.csv"], "--report");
    fails(&["--format", "jsonl", "--separator", ";"], "--separator");
    assert_eq!(Run::of(&mut command(&test, &["--file", "no.csv"])).err(2)["code"], "invalid-input");
    assert_eq!(test.server.requests(), 0);
    track(&test, &["--map", "order=unique-id"]).ok();
}

#[test]
fn a_request_that_klaviyo_rejects_does_not_stop_the_others() {
    let test = Try::faulty(orders(2_500), &[&format!("{EVENTS}: #2 status 400")]);
    let run = track(&test, &[]);
    assert_eq!((run.code, &run.json()["ok"]["failed"]), (1, &json!(1_000)));
    let failed: Vec<u64> = test.outcomes().iter().filter(|row| row.1 == "failed").map(|row| row.0).collect();
    assert_eq!(failed, (1_002..2_002).collect::<Vec<_>>());
}

#[test]
fn a_problem_of_the_account_stops_it_and_every_row_is_told() {
    let test = Try::faulty(orders(2_500), &[&format!("{EVENTS}: #2-9 status 401")]);
    assert_eq!(track(&test, &[]).err(5)["code"], "unauthenticated");
    let outcomes = test.outcomes();
    assert_eq!(outcomes[..1_000], done(2..1_002));
    assert_eq!((outcomes.len(), outcomes[1_000..].iter().all(|row| row.1 == "failed")), (2_500, true));
    let test = Try::faulty(orders(2), &[&format!("{EVENTS}: #1-99 status 503")]);
    assert_eq!(track(&test, &["--patience", "1s"]).err(6)["done"], 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_twice_does_not_wait_for_an_answer() {
    let test = Try::faulty(orders(1_500), &[&format!("{EVENTS}: #2 latency 1h")]);
    let words = ["--file", "input.csv", "--report", "report.csv"];
    let child = command(&test, &words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    test.wait_for("the second request", |server| server.faults()[0].1 == 1);
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "-INT");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let outcomes = test.outcomes();
    assert_eq!(outcomes[..1_000], done(2..1_002));
}
