//! Each kind of failure, and its exit code.

use crate::run::{CANARY, LIST, Run, account, faulty, klaviyo, run, run_with, server};
use klaviyo_mock::{Klaviyo, Revision, Server};

const CONTACT: [&str; 2] = ["--email", "priya@example.com"];

/// The calls, one of each command.
fn calls() -> Vec<Vec<&'static str>> {
    vec![
        vec!["lists"],
        vec!["lists", "--name", "Newsletter"],
        vec!["lookup", "--email", "priya@example.com"],
        vec!["create", "--email", "priya@example.com"],
        vec!["upsert", "--email", "priya@example.com"],
        vec!["subscribe", "--list", LIST, "01GMTZY2TEKN4KFRP30JZ59KGB"],
        vec!["opt-in", "--list", LIST, "--email", "priya@example.com"],
    ]
}

fn json(words: &[&'static str]) -> Vec<&'static str> {
    [words, &["--json"]].concat()
}

#[test]
fn a_wrong_key_is_5_everywhere() {
    let server = server();
    for call in calls() {
        let error = run_with(&server, "pk_wrong_1234567890", &json(&call)).err(5);
        assert_eq!((&error["code"], &error["status"]), (&"unauthenticated".into(), &401.into()), "{call:?}");
        let text = run_with(&server, "pk_wrong_1234567890", &call);
        assert!(
            text.code == 5 && text.out.is_empty() && text.err.contains("KLAVIYO_API_KEY"),
            "{}",
            text.err
        );
        assert!(!text.err.contains("pk_wrong"), "{}", text.err);
    }
}

#[test]
fn a_missing_scope_is_5_everywhere() {
    let mut account = account();
    account.add_key("pk_scopeless_123456", &[]);
    let server = Server::start(account).unwrap();
    for call in calls() {
        let error = run_with(&server, "pk_scopeless_123456", &json(&call)).err(5);
        assert_eq!((&error["code"], &error["status"]), (&"forbidden".into(), &403.into()), "{call:?}");
        let text = run_with(&server, "pk_scopeless_123456", &call);
        assert!(text.err.contains(":read") && text.err.contains("klaviyo-connector doctor"), "{}", text.err);
    }
}

#[test]
fn what_is_not_there_is_3() {
    let server = server();
    for call in [["lists", "--name", "Nobody"], ["lookup", "--email", "nobody@example.com"]] {
        let found = run(&server, &json(&call));
        assert_eq!((found.code, &found.json()["ok"]), (3, &serde_json::Value::Null));
        let text = run(&server, &call);
        assert!(text.code == 3 && text.out.is_empty() && !text.err.is_empty());
    }
}

#[test]
fn a_typo_in_the_list_is_3_and_names_the_list_that_was_meant() {
    let server = server();
    for typo in ["Y6nRLx", "y6nrlr", "Y6nRL", "whatsapp optins"] {
        let words = ["opt-in", "--list", typo, "--email", "priya@example.com"];
        let error = run(&server, &json(&words)).err(3);
        assert_eq!(error["code"], "not-found");
        assert!(error["message"].as_str().unwrap().contains(LIST), "{typo}: {error}");
        assert!(run(&server, &words).err.contains(LIST));
        let subscribe = ["subscribe", "--list", typo, "01GMTZY2TEKN4KFRP30JZ59KGB"];
        assert_eq!(run(&server, &json(&subscribe)).err(3)["code"], "not-found");
    }
    assert!(server.account().members(LIST).is_empty());
    assert!(server.account().profiles().is_empty(), "a typo left a profile behind");
}

#[test]
fn a_name_that_could_be_an_id_is_a_name() {
    let server = server();
    server.account().add_list("AbCdEf", "Loyals");
    let words = ["opt-in", "--list", "Loyals", "--email", "priya@example.com", "--json"];
    let receipt = run(&server, &words).ok();
    assert_eq!((receipt["list-id"].as_str(), receipt["created"].as_bool()), (Some("AbCdEf"), Some(true)));
    let id = receipt["profile-id"].as_str().unwrap();
    assert_eq!(run(&server, &["subscribe", "--json", "--list", "Loyals", id]).ok(), 1);
    assert_eq!(server.account().members("AbCdEf"), [id]);
}

#[test]
fn a_key_in_a_variable_beside_its_own_is_not_printed() {
    for variable in ["KLAVIYO_API_KEY_FILE", "KLAVIYO_ENDPOINT"] {
        // `Run::of` asserts that no output has the canary.
        let outcome =
            Run::of(klaviyo(&server().url(), CANARY).env(variable, CANARY).args(["lists", "--json"]));
        assert_eq!(outcome.err(2)["code"], "invalid-input", "{variable}");
    }
}

#[cfg(unix)]
#[test]
fn an_endpoint_that_is_no_text_is_not_taken_for_none() {
    use std::os::unix::ffi::OsStrExt;
    let endpoint = std::ffi::OsStr::from_bytes(b"http://127.0.0.1:1/\xff");
    let outcome = Run::of(klaviyo("", CANARY).env("KLAVIYO_ENDPOINT", endpoint).args(["lists", "--json"]));
    assert_eq!(outcome.err(2)["code"], "invalid-input");
}

#[test]
fn two_lists_of_one_name_are_1() {
    let server = server();
    server.account().add_list("AbCdEf", "Newsletter");
    let words = ["opt-in", "--list", "Newsletter", "--email", "priya@example.com"];
    let error = run(&server, &json(&words)).err(1);
    assert_eq!(error["code"], "conflict");
    assert!(error["message"].as_str().unwrap().contains("X7kQpz"));
    assert_eq!(run(&server, &["lists", "--name", "Newsletter", "--json"]).err(1)["code"], "conflict");
}

#[test]
fn a_list_can_be_added_to_without_reading_the_lists() {
    let mut account = account();
    account.add_key("pk_narrow_123456", &["profiles:read", "profiles:write", "lists:write"]);
    let server = Server::start(account).unwrap();
    let opt_in = |list| {
        run_with(
            &server,
            "pk_narrow_123456",
            &[["opt-in", "--json", "--list", list], [CONTACT[0], CONTACT[1], "--name", "Priya"]].concat(),
        )
    };
    assert_eq!(opt_in(LIST).ok()["list-id"], LIST);
    assert_eq!(opt_in("Y6nRLx").err(3)["code"], "not-found");
    assert_eq!(opt_in("Newsletter").err(5)["code"], "forbidden");
}

#[test]
fn arguments_that_cannot_work_are_2_and_change_nothing() {
    let server = server();
    for words in [
        vec!["lookup", "--email", "priya"],
        vec!["lookup", "--phone", "9820000001"],
        vec!["lookup", "--phone", "12", "--region", "IN"],
        vec!["lookup", "--id", ".."],
        vec!["create", "--email", "priya@example.com", "--name", " "],
        vec!["create", "--email", "priya@example.com", "--property", "plan"],
        vec!["opt-in", "--list", LIST, "--phone", "+0123"],
        vec!["subscribe", "--list", LIST, ""],
    ] {
        let error = run(&server, &json(&words)).err(2);
        assert_eq!(error["code"], "invalid-input", "{words:?}");
        assert!(error["details"][0]["pointer"].is_string(), "{words:?}: {error}");
        assert_eq!(run(&server, &words).code, 2);
    }
    // At most, the command has looked for the list.
    assert_eq!(server.requests(), server.account().requests_of("get_lists"));
}

#[test]
fn a_refusal_is_1_with_klaviyos_words() {
    let server = server();
    let words = ["create", "--email", "priya@invalid"];
    let error = run(&server, &json(&words)).err(1);
    assert_eq!((&error["code"], &error["status"]), (&"rejected".into(), &400.into()));
    let detail = error["details"][0]["detail"].as_str().unwrap().to_owned();
    let text = run(&server, &words);
    assert!(text.code == 1 && text.err.contains(&detail), "{}", text.err);
    assert!(text.err.contains(error["request-id"].as_str().unwrap().get(9..).unwrap()), "{}", text.err);
}

#[test]
fn a_removed_endpoint_is_1() {
    let server = faulty(&["GET /api/lists: always status 410"]);
    assert_eq!(run(&server, &["lists", "--json"]).err(1)["code"], "retired");
    assert!(run(&server, &["lists"]).err.contains("--revision"));
}

#[test]
fn whoever_is_answered_by_another_revision_is_told_once() {
    let simulator = Klaviyo::from(account()).retire("2025-01-15".parse::<Revision>().unwrap());
    let server = Server::start(simulator).unwrap();
    for words in [["lists"].as_slice(), &["opt-in", "--list", LIST, "--email", "priya@example.com"]] {
        let shown = run(&server, words);
        let told: Vec<&str> = shown.err.lines().filter(|line| line.contains("2025-01-15")).collect();
        assert!(shown.code == 0 && told.len() == 1 && told[0].starts_with('!'), "{words:?} {}", shown.err);
        let raised = run(&server, &[words, &["--revision", "2026-07-15"]].concat());
        assert!(!raised.err.contains("revision"), "{}", raised.err);
    }
}

#[test]
fn a_revision_is_raised_and_never_lowered() {
    let server = server();
    for (asked, sent) in [("2026-07-15", "2026-07-15"), ("2020-01-15", "2025-01-15")] {
        let run = run(&server, &["lists", "--verbose", "--revision", asked]);
        assert!(run.code == 0 && run.err.contains(&format!("revision: {sent}")), "{}", run.err);
    }
}

#[test]
fn rate_limits_are_4() {
    let server = faulty(&["GET /api/lists: always status 429 retry-after 300"]);
    let error = run(&server, &["lists", "--json"]).err(4);
    assert_eq!((&error["code"], &error["retry-after"]), (&"rate-limited".into(), &300.into()));
    assert!(run(&server, &["lists"]).err.contains("300"));
}

#[test]
fn what_passes_by_itself_is_6() {
    let server = faulty(&["GET /api/lists: always html 403", "GET /api/profiles: always status 500"]);
    assert_eq!(run(&server, &["lists", "--json"]).err(6)["code"], "blocked");
    let unavailable = run(&server, &["lookup", "--email", "priya@example.com", "--json"]);
    assert_eq!(unavailable.err(6)["code"], "unavailable");
}

#[test]
fn an_endpoint_where_nobody_listens_is_6_and_each_attempt_is_shown() {
    // The listener is closed at once, so nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run =
        Run::of(klaviyo(&format!("http://127.0.0.1:{port}"), CANARY).args(["lists", "--json", "--verbose"]));
    assert_eq!(run.err(6)["code"], "connection");
    let attempts = run.json()["usage"]["attempts"].as_u64().unwrap();
    assert!(attempts > 1);
    assert_eq!(run.err.matches("GET http://127.0.0.1").count() as u64, attempts, "{}", run.err);
}

#[test]
fn verbose_shows_what_crosses_the_wire() {
    let server = server();
    let run = run(&server, &["lookup", "--email", "priya+1@example.com", "--verbose", "--json"]);
    assert_eq!(run.code, 3);
    run.json();
    for part in [
        "GET http://127.0.0.1",
        "equals(email,\"priya+1@example.com\")",
        "authorization: Klaviyo-API-Key pk_…",
        "revision: ",
        "200",
        " ms",
        "\"data\"",
    ] {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
}
