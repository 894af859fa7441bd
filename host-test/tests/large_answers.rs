//! Answers of several megabytes, made to be expensive: a value or an error, never a trap. The host gives
//! the component 64 MiB by default.

use anyhow::Result;
use host_test::component::artifact;
use host_test::{Component, Response, Sent, Subject, TransportError, Upstream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;

/// What a host like ours lets through.
const BYTES: usize = 5_000_000;

struct Always(u16, String);

impl Upstream for Always {
    fn send(&mut self, _: Sent) -> Result<Response, TransportError> {
        Ok(Response { status: self.0, headers: Vec::new(), body: self.1.clone().into_bytes() })
    }
}

/// Answers one after the other; the last one again and again.
struct InTurn(Vec<(u16, String)>);

impl Upstream for InTurn {
    fn send(&mut self, _: Sent) -> Result<Response, TransportError> {
        let (status, body) =
            if self.0.len() > 1 { self.0.remove(0) } else { self.0.first().cloned().unwrap_or_default() };
        Ok(Response { status, headers: Vec::new(), body: body.into_bytes() })
    }
}

fn repeated(before: &str, part: &str, after: &str) -> String {
    format!("{before}{}{after}", part.repeat(BYTES / part.len()))
}

#[test]
fn a_large_answer_is_a_value_or_an_error() -> Result<()> {
    let connector = Component::load(&artifact())?;
    let lookup = ("contacts.lookup", vec![json!({ "email": "a@b" })]);
    let lists = ("lists.all", vec![]);
    let call = |(function, arguments): &(&str, Vec<Value>), status, body| {
        connector.call(function, arguments, Arc::new(Mutex::new(Always(status, body))))
    };
    let code = |result: Value| result.pointer("/err/code").cloned().unwrap_or(Value::Null);

    for (status, body, expected) in [
        (200, repeated(r#"{"data":["#, "1,", "1]}"), "malformed"),
        (200, repeated(r#"{"data":["#, "{},", "{}]}"), "malformed"),
        (200, repeated(r#"{"data":"#, "[", ""), "malformed"),
        (200, repeated("", "{\"data\":", ""), "malformed"),
        (400, repeated(r#"{"errors":["#, "{},", "{}]}"), "rejected"),
        (400, repeated(r#"{"errors":[{"detail":""#, "x", r#""}]}"#), "rejected"),
        (400, repeated(r#"{"errors":"#, "[", ""), "rejected"),
        (403, repeated("", "\u{e9}", ""), "blocked"),
        (500, "\0".repeat(BYTES), "unavailable"),
    ] {
        for function in [&lookup, &lists] {
            let begins: String = body.chars().take(40).collect();
            assert_eq!(code(call(function, status, body.clone())?), expected, "{} {begins}", function.0);
        }
    }

    let profile = r#"{"type":"profile","id":"01X","attributes":{"email":"a@b"}},"#;
    let profiles = repeated(r#"{"data":["#, profile, r#"{"id":"y"}]}"#);
    assert_eq!(call(&lookup, 200, profiles)?["ok"]["id"], "01X");
    let properties = repeated(r#"{"data":[{"id":"01X","attributes":{"properties":{"a":["#, "[],", "1]}}}]}");
    assert_eq!(call(&lookup, 200, properties)?["ok"]["id"], "01X");
    let list = r#"{"id":"Y6nRLr","attributes":{"name":"a list with a long name"}},"#;
    let all = call(&lists, 200, repeated(r#"{"data":["#, list, r#"{"id":"y"}]}"#))?;
    assert_eq!(all["ok"].as_array().map(Vec::len), Some(BYTES / list.len() + 1));
    Ok(())
}

/// More than the connector reads, however small each item is.
#[test]
fn more_items_than_there_can_be_are_an_error() -> Result<()> {
    let connector = Component::load(&artifact())?;
    let consent = |reasons: &str| {
        format!(
            r#"{{"id":"01X","attributes":{{"subscriptions":{{"email":{{"marketing":{{
        "consent":"SUBSCRIBED","suppression":[{reasons}"#
        )
    };
    for (function, argument, body) in [
        ("lists.all", None, repeated(r#"{"data":["#, r#"{"id":"x"},"#, r#"{"id":"x"}]}"#)),
        ("bulk.failures", Some(json!("job")), repeated(r#"{"data":["#, "{},", "{}]}")),
        (
            "bulk.jobs",
            Some(json!(null)),
            repeated(r#"{"data":["#, r#"{"id":"x","attributes":{"status":"a"}},"#, "1]}"),
        ),
        (
            "contacts.lookup-many",
            Some(json!([{ "id": "x" }])),
            repeated(r#"{"data":["#, r#"{"id":"x"},"#, r#"{"id":"x"}]}"#),
        ),
        (
            "consent.status",
            Some(json!({ "id": "01X" })),
            repeated(
                &format!(r#"{{"data":{}"#, consent("")),
                r#"{"reason":"x"},"#,
                r#"{"reason":"x"}]}}}}}}"#,
            ),
        ),
    ] {
        let arguments: Vec<Value> = argument.into_iter().collect();
        let result = connector.call(function, &arguments, Arc::new(Mutex::new(Always(200, body))))?;
        assert_eq!(result["err"]["code"], "malformed", "{function}: {}", result["err"]["message"]);
        assert!(result["err"]["message"].to_string().contains("more than"), "{function}");
    }
    Ok(())
}

/// Answers that are let through one by one, and are too much together; or that are copied more than once.
#[test]
fn answers_that_are_too_much_together_are_an_error() -> Result<()> {
    let connector = Component::load(&artifact())?;
    let call = |function: &str, arguments: &[Value], answers: Vec<(u16, String)>| {
        connector.call(function, arguments, Arc::new(Mutex::new(InTurn(answers))))
    };
    let properties = "x".repeat(90_000);
    let profile = format!(
        r#"{{"data":[{{"id":"01X","attributes":{{"email":"a@b","properties":{{"a":"{properties}"}}}}}}]}}"#
    );
    let same = json!(vec![json!({ "email": "a@b" }); 1_000]);
    let result = call("contacts.lookup-many", &[same], vec![(200, profile)])?;
    assert_eq!(result["err"]["code"], "too-large");

    let page = |n: usize| {
        let payload = "x".repeat(BYTES);
        let next = format!("https://a.klaviyo.com/api/profile-bulk-import-jobs/x/import-errors/?page={n}");
        format!(
            r#"{{"data":[{{"attributes":{{"original_payload":{{"a":"{payload}"}}}}}}],"links":{{"next":"{next}"}}}}"#
        )
    };
    let result = call("bulk.failures", &[json!("x")], (0..8).map(|n| (200, page(n))).collect())?;
    assert_eq!(result["err"]["code"], "too-large");

    // The words are cut, and the job that is taken in the end is not lost with them.
    let contacts: Vec<Value> = (0..10).map(|n| json!({ "email": format!("{n}@example.com") })).collect();
    let words = "x".repeat(BYTES);
    let refusal = format!(
        r#"{{"errors":[{{"code":"invalid","detail":"{words}","title":"{}","source":{{"pointer":"/data/attributes/profiles/data/0"}}}}]}}"#,
        "y".repeat(1_000_000)
    );
    let mut answers = vec![(400, refusal); 8];
    answers.push((202, r#"{"data":{"id":"job"}}"#.to_owned()));
    let result = call("bulk.submit", &[json!(contacts), Value::Null], answers)?;
    assert_eq!(result["ok"]["jobs"], json!([{ "job": "job", "rows": [8, 9] }]));
    assert_eq!(result["ok"]["refused"].as_array().map(Vec::len), Some(8));
    Ok(())
}
