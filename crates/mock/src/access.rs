//! Keys and their scopes.

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

    /// Whether a key has all of these scopes.
    pub(crate) fn allow(&self, key: &str, scopes: &[&str]) -> Result<()> {
        if self.all().get(key).is_some_and(|granted| scopes.iter().all(|&scope| granted.contains(scope))) {
            return Ok(());
        }
        let title = "You do not have permission to perform this action.";
        Err(Refusal::new(StatusCode::FORBIDDEN, "permission_denied", title, title).into())
    }

    pub(crate) fn all(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<String>>> {
        self.0.lock()
    }
}

/// The key of a request.
pub(crate) fn key(headers: &HeaderMap) -> Result<&str> {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Klaviyo-API-Key ")).ok_or_else(|| {
        let title = "Authentication credentials were not provided.";
        unauthorized("not_authenticated", title, "Missing or invalid private key.")
    })
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
