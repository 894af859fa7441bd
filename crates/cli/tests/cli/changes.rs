//! `changes`.

use crate::run::{CANARY, LIST, Run, klaviyo, run, server, with_history};
use klaviyo_mock::Server;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const SINCE: [&str; 2] = ["--since", "2020-01-01"];

/// The lines that a run printed.
fn lines(run: &Run) -> Vec<Value> {
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn changes(server: &Server, words: &[&str]) -> Run {
    run(server, &[["changes"].as_slice(), words].concat())
}

fn emails(run: &Run) -> Vec<String> {
    lines(run).iter().map(|profile| profile["email"].as_str().unwrap().to_owned()).collect()
}

fn opt_in(server: &Server, email: &str) {
    run(server, &["opt-in", "--json", "--list", LIST, "--email", email]).ok();
}

#[test]
fn a_second_run_tells_what_changed_since_the_first() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let words = ["profiles", SINCE[0], SINCE[1], "--state", state.to_str().unwrap()];
    let known = emails(&changes(&server, &words)).len();
    opt_in(&server, "ada@example.com");
    opt_in(&server, "grace@example.com");
    assert_eq!(emails(&changes(&server, &words)), ["ada@example.com", "grace@example.com"]);
    assert_eq!(emails(&changes(&server, &words)).len(), 0);
    run(&server, &["upsert", "--json", "--email", "ada@example.com", "--first-name", "Ada"]).ok();
    let again = lines(&changes(&server, &["profiles", "--state", state.to_str().unwrap()]));
    assert_eq!((again.len(), &again[0]["first-name"]), (1, &Value::from("Ada")));
    // Without the state, all are told.
    assert_eq!(emails(&changes(&server, &["profiles", "--since", "2020-01-01"])).len(), known + 2);
}

#[test]
fn members_and_events_have_lines_of_their_own() {
    let server = with_history();
    opt_in(&server, "ada@example.com");
    for list in [LIST, "WhatsApp Opt-Ins"] {
        let joined = lines(&changes(&server, &["members", "--list", list, "--since", "1h"]));
        assert_eq!((joined.len(), &joined[0]["profile"]["email"]), (1, &Value::from("ada@example.com")));
        assert!(joined[0]["joined"].is_string());
    }
    let bought = lines(&changes(&server, &["members", "--segment", "Bought something", SINCE[0], SINCE[1]]));
    assert_eq!(bought.len(), 2);
    let events = lines(&changes(&server, &["events", SINCE[0], SINCE[1]]));
    assert!(events.len() > 5 && events.iter().all(|event| event["metric"].is_string()));
    assert!(events.is_sorted_by_key(|event| event["time"].as_str().unwrap().to_owned()));
}

#[test]
fn what_cannot_work_is_said() {
    let server = with_history();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |words: &[&str]| changes(&server, words);
    assert_eq!(run(&["profiles"]).code, 2);
    assert_eq!(run(&["profiles", "--since", "yesterday"]).code, 2);
    // All that changes until then would be left out, and the state would keep it so.
    assert_eq!(run(&["profiles", "--since", "2999-01-01", "--state", &path("future")]).code, 2);
    assert!(!std::path::Path::new(&path("future")).exists());
    assert_eq!(run(&["profiles", "--since", "1d", "--look-back", "2d"]).code, 2);
    assert_eq!(run(&["profiles", "--since", "1d", "--every", "5s"]).code, 2);
    assert_eq!(run(&["profiles", "--state", &path("new")]).code, 2);
    assert_eq!(run(&["profiles", "--since", "1d", "--state", &path("no/such")]).code, 2);
    assert_eq!(run(&["members", "--since", "1d"]).code, 2);
    assert_eq!(run(&["members", "--since", "1d", "--list", "nonsense"]).code, 3);
    assert_eq!(run(&["members", "--since", "1d", "--segment", "nonsense"]).code, 3);
    // A file of somebody else's is left as it is.
    std::fs::write(path("letter"), "Dear Ada,\n").unwrap();
    let refused = run(&["profiles", "--since", "1d", "--state", &path("letter")]);
    assert!(refused.code == 2 && refused.err.contains("letter"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(path("letter")).unwrap(), "Dear Ada,\n");
    // So is the state of another feed.
    lines(&run(&["profiles", "--since", "1d", "--state", &path("profiles")]));
    let kept = std::fs::read(path("profiles")).unwrap();
    assert_eq!(run(&["members", "--list", LIST, "--state", &path("profiles")]).code, 2);
    assert_eq!(std::fs::read(path("profiles")).unwrap(), kept);
}

#[test]
fn who_follows_is_told_when_it_happens() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let start = || {
        let mut follower = klaviyo(&server.url(), CANARY)
            .args([
                "changes", "members", "--list", LIST, "--since", "1h", "--follow", "--every", "50ms",
                "--state",
            ])
            .arg(&state)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(follower.stdout.take().unwrap());
        (follower, output)
    };
    let next = |output: &mut dyn BufRead| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let member: Value = serde_json::from_str(&line).unwrap();
        member["profile"]["email"].as_str().unwrap().to_owned()
    };
    opt_in(&server, "ada@example.com");
    let (mut follower, mut output) = start();
    assert_eq!(next(&mut output), "ada@example.com");
    opt_in(&server, "grace@example.com");
    assert_eq!(next(&mut output), "grace@example.com");
    // Only one at a time.
    let other = changes(&server, &["members", "--list", LIST, "--state", state.to_str().unwrap()]);
    assert_eq!(other.code, 1, "{}", other.err);
    follower.kill().unwrap();
    follower.wait().unwrap();
    // Killed between telling and keeping, it may tell the last one again; it leaves nobody out.
    opt_in(&server, "edsger@example.com");
    let (mut follower, mut output) = start();
    let mut told = next(&mut output);
    if told == "grace@example.com" {
        told = next(&mut output);
    }
    assert_eq!(told, "edsger@example.com");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_temporary_failure_does_not_end_who_follows() {
    let server = crate::run::faulty(&["GET /api/profiles: #2 status 500"]);
    let mut follower = klaviyo(&server.url(), CANARY)
        .args(["changes", "profiles", SINCE[0], SINCE[1], "--follow", "--every", "50ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(follower.stderr.take().unwrap());
    let mut warning = String::new();
    errors.read_line(&mut warning).unwrap();
    assert!(warning.contains("500"), "{warning}");
    opt_in(&server, "ada@example.com");
    let output = BufReader::new(follower.stdout.take().unwrap());
    let is_ada = |line: &str| line.contains("ada@example.com");
    assert!(output.lines().any(|line| is_ada(&line.unwrap())));
    follower.kill().unwrap();
    follower.wait().unwrap();
    // Who does not follow is told at once.
    let server = crate::run::faulty(&["GET /api/profiles: #1 status 500"]);
    assert_eq!(changes(&server, &["profiles", SINCE[0], SINCE[1]]).code, 6);
}
