//! Keys and access tokens, and their scopes.

use crate::answer::{Answer, Refusal};
use crate::check::Result;
use http::{HeaderMap, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The keys of an account, and the scopes of each. They can be read while the account is locked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys(Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>);

impl Keys {
    pub(crate) fn add(&self, key: &str, scopes: &[&str]) {
        self.all().insert(key.to_owned(), scopes.iter().map(|&scope| scope.to_owned()).collect());
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.all().contains_key(key)
    }

    /// The scopes of a key.
    pub(crate) fn granted(&self, key: &str) -> BTreeSet<String> {
        self.all().get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<String>>> {
        self.0.lock()
    }
}

/// Whether all of these scopes were granted.
pub(crate) fn allow(granted: &BTreeSet<String>, scopes: &[&str]) -> Result<()> {
    if scopes.iter().all(|&scope| granted.contains(scope)) {
        return Ok(());
    }
    let title = "You do not have permission to perform this action.";
    Err(Refusal::new(StatusCode::FORBIDDEN, "permission_denied", title, title).into())
}

/// What a request has to show.
pub(crate) enum Credential<'a> {
    /// A private key.
    Key(&'a str),
    /// An access token.
    Token(&'a str),
}

/// The key or the token of a request.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Credential<'_>> {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = value.strip_prefix("Klaviyo-API-Key ").map(Credential::Key);
    key.or_else(|| value.strip_prefix("Bearer ").map(Credential::Token))
        .ok_or_else(|| not_authenticated("Missing or invalid private key."))
}

/// The answer to a token that is not valid, or no longer. Unproven: its words.
pub(crate) fn wrong_token() -> Answer {
    not_authenticated("Missing or invalid access token.")
}

fn not_authenticated(detail: &str) -> Answer {
    let title = "Authentication credentials were not provided.";
    unauthorized("not_authenticated", title, detail)
}

/// The answer to a key that no account has.
pub(crate) fn wrong_key() -> Answer {
    let title = "Incorrect authentication credentials.";
    unauthorized("authentication_failed", title, title)
}

fn unauthorized(code: &'static str, title: &'static str, detail: &str) -> Answer {
    let source = json!({ "pointer": "/data/" });
    Refusal { source, ..Refusal::new(StatusCode::UNAUTHORIZED, code, title, detail) }.into()
}
