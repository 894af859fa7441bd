//! Any answers to the component in wasmtime: it never traps, stays within its limits, and does what the code does without
//! WebAssembly.

use crate::Target;
use crate::scenario::{Answer, Answers, Scenario};
use anyhow::{Context, Result, ensure};
use host_test::component::artifact;
use host_test::native::Native;
use host_test::{Component, Sent, Subject};
use http::{HeaderName, HeaderValue, StatusCode};
use klaviyo_core::ORIGIN;
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// The target.
pub const TARGET: Target = Target {
    name: "component",
    about: "the component never traps, stays within its limits, and does what the code does without WebAssembly",
    run,
    seeds: Scenario::seeds,
    inputs: 400,
};

fn run(input: &[u8]) -> Result<()> {
    static COMPONENT: OnceLock<Result<Component, String>> = OnceLock::new();
    let component =
        COMPONENT.get_or_init(|| Component::load(&artifact()).map_err(|error| format!("{error:#}")));
    let component = component.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    match Scenario::parse(input) {
        Some(scenario) if scenario.answers.iter().all(is_http) => judge(component, &scenario),
        _ => Ok(()),
    }
}

/// What a call came to, and its requests.
type Outcome = (Result<Value>, Vec<Sent>);

fn judge(subject: &dyn Subject, scenario: &Scenario) -> Result<()> {
    let call = |subject: &dyn Subject| -> Outcome {
        let answers = Arc::new(Mutex::new(Answers::new(&scenario.answers)));
        let returned = subject.call(&scenario.function, &scenario.arguments, answers.clone());
        (returned, std::mem::take(&mut answers.lock().sent))
    };
    // Arguments that are not of the function's types are no call.
    let (Ok(expected), asked) = call(&Native) else { return Ok(()) };
    let (returned, sent) = call(subject);
    let returned = returned.context("the component did not end by itself")?;
    // A link of an answer's may lead to a path that hosts refuse.
    if asked.get(sent.len()).is_some_and(|next| !is_plain(&next.url)) {
        return Ok(());
    }
    ensure!(
        returned == expected,
        "the component returned {returned}, and the code without WebAssembly {expected}"
    );
    ensure!(
        sent.len() == asked.len(),
        "the component sent {} requests instead of {}",
        sent.len(),
        asked.len()
    );
    for (sent, asked) in sent.iter().zip(&asked) {
        let is_same = sent.method == asked.method && sent.url == asked.url && sent.body == asked.body;
        ensure!(is_same, "the component sent {sent:?} instead of {asked:?}");
    }
    Ok(())
}

/// Whether the path of a URL is one that no host refuses.
fn is_plain(url: &str) -> bool {
    let path = url.strip_prefix(ORIGIN).unwrap_or_default().split('?').next().unwrap_or_default();
    let is_segment = |segment: &str| !["", ".", ".."].contains(&segment) && !segment.contains(['%', ';']);
    path.strip_prefix("/api/").is_some_and(|rest| rest.trim_end_matches('/').split('/').all(is_segment))
}

/// Whether an answer can come over HTTP: the host gets no other.
fn is_http(answer: &Answer) -> bool {
    let Ok(response) = answer else { return true };
    let is_header = |(name, value): &(String, String)| {
        HeaderName::from_bytes(name.as_bytes()).is_ok_and(|known| known.as_str() == name)
            && HeaderValue::from_str(value).is_ok()
            && value.is_ascii()
    };
    StatusCode::from_u16(response.status).is_ok() && response.headers.iter().all(is_header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use host_test::SharedUpstream;

    /// The code without WebAssembly, with a defect.
    struct Broken(fn(Result<Value>) -> Result<Value>);

    impl Subject for Broken {
        fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> Result<Value> {
            (self.0)(Native.call(function, arguments, upstream))
        }
    }

    #[test]
    fn a_trap_and_another_result_are_found() {
        let scenario = Scenario::parse(b"lists.all []\x1e200\n\n{\"data\":[]}").unwrap();
        judge(&Native, &scenario).unwrap();
        assert!(judge(&Broken(|_| bail!("it trapped")), &scenario).is_err());
        assert!(judge(&Broken(|_| Ok(Value::Null)), &scenario).is_err());
    }

    #[test]
    fn only_paths_that_hosts_refuse_are_left_out() {
        for (path, is) in [
            ("/api/lists/?page=%25", true),
            ("/api/lists/Y6nRLr/profiles/", true),
            ("/api%25lists/", false),
            ("/api//lists/", false),
            ("/api/../x", false),
            ("/lists/", false),
        ] {
            assert_eq!(is_plain(&format!("{ORIGIN}{path}")), is, "{path}");
        }
    }

    #[test]
    fn only_what_http_can_carry_is_given_to_the_component() {
        for (text, is) in [
            (&b"f []\x1e200\na: b\n\n"[..], true),
            (b"f []\x1e!timeout", true),
            (b"f []\x1e99\n\n", false),
            (b"f []\x1e200\na b: c\n\n", false),
            (b"f []\x1e200\na: \xc3\xa9\n\n", false),
        ] {
            assert_eq!(Scenario::parse(text).unwrap().answers.iter().all(is_http), is, "{text:?}");
        }
    }
}
