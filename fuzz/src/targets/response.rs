//! Any answers to any function: a value or an error, in bounded requests and memory.

use crate::Target;
use crate::oracle::{memory, request};
use crate::scenario::{Answers, MAX_REQUESTS, Scenario};
use anyhow::{Result, ensure};
use host_test::Subject;
use host_test::native::Native;
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;

/// The target.
pub const TARGET: Target = Target {
    name: "response",
    about: "any answers to any function are a value or an error, in bounded requests and memory",
    run,
    seeds: Scenario::seeds,
    inputs: 3_000,
};

/// Bytes that a call may hold besides what follows from its answers.
const BYTES: usize = 4 << 20;
/// Bytes that a call may hold for each byte of its arguments and answers: the smallest item becomes a record.
const BYTES_OF_BYTE: usize = 200;
/// The most bytes of an answer that an error repeats.
const MAX_REPEATED: usize = 4 << 10;

fn run(input: &[u8]) -> Result<()> {
    let Some(scenario) = Scenario::parse(input) else { return Ok(()) };
    let answers = Arc::new(Mutex::new(Answers::new(&scenario.answers)));
    let call = || Native.call(&scenario.function, &scenario.arguments, answers.clone());
    let (called, held) = memory::most(call);
    let answers = answers.lock();
    ensure!(answers.sent.len() <= MAX_REQUESTS, "it asked for more requests than {MAX_REQUESTS}");
    for sent in &answers.sent {
        request::check(sent)?;
    }
    let most = BYTES + BYTES_OF_BYTE * (input.len() + answers.served);
    ensure!(
        held <= most,
        "it held {held} bytes, for {} of arguments and answers",
        input.len() + answers.served
    );
    // Otherwise the function or its arguments are none.
    let Ok(returned) = called else { return Ok(()) };
    judge(&returned, answers.sent.len())
}

fn judge(returned: &Value, requests: usize) -> Result<()> {
    let Some(error) = returned.get("err") else {
        ensure!(returned.get("ok").is_some(), "it returned neither a value nor an error");
        return Ok(());
    };
    let text = |name| error.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure!(!text("message").is_empty(), "its error says nothing");
    ensure!(
        text("body").len() <= MAX_REPEATED,
        "its error repeats {} bytes of the answer",
        text("body").len()
    );
    let is_first = error.get("done") == Some(&Value::from(0)) && error.get("status") == Some(&Value::Null);
    ensure!(
        text("code") != "invalid-input" || requests == 0 || !is_first,
        "its arguments are wrong, and it sent {requests} requests"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;
    use serde_json::json;

    #[test]
    fn an_error_that_says_nothing_or_too_much_is_found() {
        let error = |code: &str, message: &str, body: usize| {
            let body = "x".repeat(body);
            json!({ "err": { "code": code, "message": message, "body": body, "status": null, "done": 0 } })
        };
        judge(&json!({ "ok": null }), 3).unwrap();
        judge(&error("malformed", "the answer", 4_096), 3).unwrap();
        judge(&error("invalid-input", "it is empty", 0), 0).unwrap();
        for wrong in [
            json!({}),
            error("malformed", "", 0),
            error("malformed", "x", 4_097),
            error("invalid-input", "x", 0),
        ] {
            assert!(judge(&wrong, 1).is_err(), "{wrong}");
        }
    }
}
