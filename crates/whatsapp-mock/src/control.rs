//! The addresses below `/_whatsapp/`, by which tests in any language act for people, and look at the state.

use crate::acts::{self, Object};
use crate::problem::json_answer;
use crate::updates::Packing;
use crate::whatsapp::WhatsApp;
use anyhow::{Context, Result, bail};
use http::request::Parts;
use http::{Method, Response};
use klaviyo_mock::Faults;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

const ROUTES: &str = "ask for GET /_whatsapp/state, PUT /_whatsapp/people/{number}, POST /_whatsapp/people/{number}/messages, \
    POST /_whatsapp/people/{number}/preferences, POST /_whatsapp/people/{number}/number, POST /_whatsapp/together, \
    POST /_whatsapp/clock, PUT /_whatsapp/webhook, POST /_whatsapp/verify, GET or PUT /_whatsapp/faults";

/// Answers a request below `/_whatsapp/`. It may block for as long as [`WhatsApp::verify`].
pub(crate) fn answer(whatsapp: &WhatsApp, parts: &Parts, body: &[u8]) -> Response<Vec<u8>> {
    match act(whatsapp, parts, body) {
        Ok(Some(document)) => json_answer(200, &document),
        Ok(None) => json_answer(404, &json!({ "error": ROUTES })),
        Err(error) => json_answer(400, &json!({ "error": format!("{error:#}") })),
    }
}

/// Does what was asked for; none if there is no such address.
fn act(whatsapp: &WhatsApp, parts: &Parts, body: &[u8]) -> Result<Option<Value>> {
    let path = parts.uri.path().trim_end_matches('/').strip_prefix("/_whatsapp/").unwrap_or_default();
    let segments: Vec<String> =
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Ok(Some(match (&parts.method, segments.as_slice()) {
        (&Method::GET, ["state"]) => whatsapp.state(),
        (&Method::GET, ["faults"]) => faults(whatsapp),
        (&Method::PUT, ["faults"]) => {
            whatsapp.set_faults(Faults::from_json(body)?);
            faults(whatsapp)
        }
        (&Method::PUT, ["people", number]) => {
            let person = acts::describe(whatsapp, number, &object(body)?)?;
            json!({ "user_id": person.contact().user_id })
        }
        (&Method::POST, ["people", id, "messages"]) => {
            json!({ "id": acts::send(&acts::person(whatsapp, id)?, &object(body)?)? })
        }
        (&Method::POST, ["people", id, "preferences"]) => {
            let value = only(body, "value", r#"the body is {"value": "stop"} or {"value": "resume"}"#)?;
            let person = acts::person(whatsapp, id)?;
            match value.as_str() {
                "stop" => person.stops(),
                "resume" => person.resumes(),
                _ => bail!("the value is stop or resume"),
            }
            json!({})
        }
        (&Method::POST, ["people", id, "number"]) => {
            let number = only(body, "number", r#"the body is {"number": "919820000002"}"#)?;
            let person = acts::person(whatsapp, id)?;
            person.changes_number(&number);
            json!({ "user_id": person.contact().user_id })
        }
        (&Method::POST, ["together"]) => together(whatsapp, &object(body)?)?,
        (&Method::POST, ["clock"]) => {
            let by = only(body, "advance", r#"the body is {"advance": "25h"}"#)?;
            whatsapp.advance(humantime::parse_duration(&by).context("a duration is such as 25h or 1h 30m")?);
            json!({})
        }
        (&Method::PUT, ["webhook"]) => {
            whatsapp.set_webhook(&only(body, "url", r#"the body is {"url": "http://…"}"#)?)?;
            json!({})
        }
        (&Method::POST, ["verify"]) => {
            whatsapp.verify()?;
            json!({})
        }
        _ => return Ok(None),
    }))
}

fn faults(whatsapp: &WhatsApp) -> Value {
    whatsapp.0.world.lock().injector.document()
}

/// Lets several people send something, in one webhook.
fn together(whatsapp: &WhatsApp, body: &Object) -> Result<Value> {
    const FORM: &str = r#"the body is {"packing": "values", "changes" or "entries", "messages": [{"person": "919820000001", "text": "SUBSCRIBE"}, …]}"#;
    let packing = match body.get("packing").and_then(Value::as_str) {
        Some("values") => Packing::Values,
        Some("changes") => Packing::Changes,
        Some("entries") => Packing::Entries,
        _ => bail!(FORM),
    };
    let messages =
        body.get("messages").and_then(Value::as_array).filter(|_| body.len() == 2).context(FORM)?;
    let send = |message: &Value| {
        let mut message = message.as_object().context(FORM)?.clone();
        let person = message.remove("person");
        let person = person.as_ref().and_then(Value::as_str).context(FORM)?;
        acts::send(&acts::person(whatsapp, person)?, &message)
    };
    let ids: Vec<String> = whatsapp.together(packing, || messages.iter().map(send).collect::<Result<_>>())?;
    Ok(json!({ "ids": ids }))
}

fn object(body: &[u8]) -> Result<Object> {
    serde_json::from_slice(body).context("the body is a JSON object")
}

/// The text of the one member of a body.
fn only(body: &[u8], name: &str, form: &'static str) -> Result<String> {
    let body = object(body)?;
    let text = body.get(name).and_then(Value::as_str).filter(|_| body.len() == 1);
    text.map(str::to_owned).context(form)
}
