//! What tests in any language read and set: the state, and what goes wrong.

use crate::account::Account;
use crate::answer::{Message, set};
use crate::consent::{Channel, State};
use crate::faults::Faults;
use crate::profile::Profile;
use crate::service::Shared;
use anyhow::{Context, Result, bail};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

/// Answers `GET /_mock/state` and `PUT /_mock/faults`.
pub(crate) fn answer(shared: &Shared, parts: &Parts, body: &[u8]) -> Message {
    let (status, document) = match (&parts.method, parts.uri.path().trim_end_matches('/')) {
        (&Method::GET, "/_mock/state") => (StatusCode::OK, state(shared)),
        (&Method::GET, "/_mock/faults") => (StatusCode::OK, faults(shared)),
        (&Method::PUT, "/_mock/faults") => match read(body) {
            Ok(new) => {
                shared.set_faults(new);
                (StatusCode::OK, faults(shared))
            }
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": format!("{error:#}") })),
        },
        _ => {
            let error = "ask for GET /_mock/state, GET /_mock/faults or PUT /_mock/faults";
            (StatusCode::NOT_FOUND, json!({ "error": error }))
        }
    };
    let mut message = Response::new(document.to_string().into_bytes());
    *message.status_mut() = status;
    set(&mut message, "content-type", "application/json");
    message
}

/// Reads `{"seed": 7, "rules": ["POST /api/profiles: 10% reset-after"]}`.
fn read(body: &[u8]) -> Result<Faults> {
    const FORM: &str = r#"the body is {"seed": <number>, "rules": [<rule>, …]}"#;
    let document: Map<String, Value> = serde_json::from_slice(body).context(FORM)?;
    // A name that is misspelt must not pass for faults that never apply.
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

/// All that is held.
pub(crate) fn state(shared: &Shared) -> Value {
    let accounts: Vec<Value> = shared.accounts().map(|account| account_state(&account)).collect();
    json!({ "requests": shared.requests(), "faults": faults(shared), "accounts": accounts })
}

fn faults(shared: &Shared) -> Value {
    let injector = shared.injector();
    let rules: Vec<Value> = injector
        .tallies()
        .map(|(rule, tally)| {
            json!({ "rule": rule.to_string(), "requests": tally.requests, "applied": tally.applied })
        })
        .collect();
    json!({ "seed": injector.seed(), "rules": rules })
}

fn account_state(account: &Account) -> Value {
    let keys: Vec<Value> = account
        .keys
        .all()
        .iter()
        .map(|(key, scopes)| json!({ "key": masked(key), "scopes": scopes }))
        .collect();
    let lists: Vec<Value> = account
        .lists
        .values()
        .map(|list| {
            let members: Vec<&String> = list.members.keys().collect();
            let opt_in = list.opt_in.name();
            json!({ "id": list.id, "name": list.name, "opt_in_process": opt_in, "members": members })
        })
        .collect();
    let profiles: Vec<Value> = account.profiles().iter().map(profile_state).collect();
    let imports: Vec<Value> = account
        .imports()
        .map(|import| {
            let errors: Vec<Value> =
                import.errors.iter().enumerate().map(|(n, error)| error.resource(n)).collect();
            json!({ "job": import.resource(), "errors": errors })
        })
        .collect();
    json!({
        "keys": keys,
        "lists": lists,
        "profiles": profiles,
        "imports": imports,
        "pending_subscription_jobs": account.changes.len(),
        "requests": account.requests_by_operation(),
    })
}

fn profile_state(profile: &Profile) -> Value {
    let consents: Map<String, Value> = profile
        .consents
        .iter()
        .map(|((channel, message), consent)| {
            let state = match consent.state {
                State::Unconfirmed => "UNCONFIRMED",
                state => state.name(),
            };
            let name = match message.name() {
                "marketing" => channel.name().to_owned(),
                message => format!("{}.{message}", channel.name()),
            };
            (name, json!({ "state": state, "since": consent.since, "source": consent.source }))
        })
        .collect();
    let suppressions: Vec<&str> = profile.suppressions.iter().map(|(reason, _)| reason.name()).collect();
    json!({
        "id": profile.id,
        "attributes": profile.attributes,
        "created": profile.created,
        "updated": profile.updated,
        "consent": consents,
        "can_receive_email": profile.suppressions.is_empty(),
        "subscribed_to_email": profile.consent(Channel::Email).is_given(),
        "suppressions": suppressions,
    })
}

/// Enough of a key to tell it from others.
fn masked(key: &str) -> String {
    let start: String = key.chars().take(3).collect();
    let length = key.chars().count();
    let end: String = key.chars().skip(length.saturating_sub(4)).filter(|_| length >= 16).collect();
    format!("{start}…{end}")
}
