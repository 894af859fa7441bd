//! The addresses below `/_mock/`, by which tests in any language read the state and set faults.

use crate::answer::{HttpResponse, set};
use crate::digits::written;
use crate::faults::Faults;
use crate::inspect::faults;
use crate::simulator::Simulator;
use anyhow::{Context, Result, bail};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

/// Answers `GET /_mock/state` and `PUT /_mock/faults`.
pub(crate) fn answer(simulator: &Simulator, parts: &Parts, body: &[u8]) -> HttpResponse {
    let (status, document) = match (&parts.method, parts.uri.path().trim_end_matches('/')) {
        (&Method::GET, "/_mock/state") => (StatusCode::OK, simulator.state()),
        (&Method::GET, "/_mock/faults") => (StatusCode::OK, faults(simulator)),
        (&Method::PUT, "/_mock/faults") => match read(body) {
            Ok(new) => {
                simulator.set_faults(new);
                (StatusCode::OK, faults(simulator))
            }
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": format!("{error:#}") })),
        },
        _ => {
            let error = "ask for GET /_mock/state, GET /_mock/faults or PUT /_mock/faults";
            (StatusCode::NOT_FOUND, json!({ "error": error }))
        }
    };
    let mut message = Response::new(written(&document).into_bytes());
    *message.status_mut() = status;
    set(&mut message, "content-type", "application/json");
    message
}

/// Reads `{"seed": 7, "rules": ["POST /api/profiles: 10% reset-after"]}`.
fn read(body: &[u8]) -> Result<Faults> {
    const FORM: &str = r#"the body is {"seed": <number>, "rules": [<rule>, …]}"#;
    let document: Map<String, Value> = serde_json::from_slice(body).context(FORM)?;
    // A misspelt name must not look like faults that never apply.
    if let Some(unknown) = document.keys().find(|name| !["seed", "rules"].contains(&name.as_str())) {
        bail!("{FORM}, without {unknown:?}");
    }
    let seed = match document.get("seed") {
        None => 0,
        Some(seed) => seed.as_u64().context(FORM)?,
    };
    let rules = document.get("rules").and_then(Value::as_array).context(FORM)?;
    rules
        .iter()
        .try_fold(Faults::seeded(seed), |faults, rule| Ok(faults.rule(rule.as_str().context(FORM)?.parse()?)))
}
