//! The addresses below `/_mock/`, by which tests in any language read the state and set faults.

use crate::answer::{HttpResponse, set};
use crate::digits::written;
use crate::faults::Faults;
use crate::simulator::Simulator;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::json;

/// Answers `GET /_mock/state` and `PUT /_mock/faults`.
pub(crate) fn answer(simulator: &Simulator, parts: &Parts, body: &[u8]) -> HttpResponse {
    let (status, document) = match (&parts.method, parts.uri.path().trim_end_matches('/')) {
        (&Method::GET, "/_mock/state") => (StatusCode::OK, simulator.state()),
        (&Method::GET, "/_mock/faults") => (StatusCode::OK, simulator.injector().document()),
        (&Method::PUT, "/_mock/faults") => match Faults::from_json(body) {
            Ok(new) => {
                simulator.set_faults(new);
                (StatusCode::OK, simulator.injector().document())
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
