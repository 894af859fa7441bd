//! The replayer: a fixture's side of a call, played strictly. It needs no WebAssembly.
//!
//! [`fixture`] is the format of the corpus. [`script`] plays a fixture's side of the conversation, [`replay`]
//! plays many, and [`bless`] rewrites what they expect. [`native`] calls the functions of `klaviyo-core`; the
//! test host calls those of the component.

pub mod bless;
mod compare;
mod exact;
pub mod fixture;
pub mod native;
pub mod replay;
pub mod script;

pub use klaviyo_core::{Response, TransportError};
use parking_lot::Mutex;
use std::sync::Arc;

/// A request as it leaves the connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: String,
    /// As sent.
    pub url: String,
    /// Names and values, as sent.
    pub headers: Vec<(String, String)>,
    /// The scheme of the `Authorization` header.
    pub auth: String,
    /// Empty: no body.
    pub body: Vec<u8>,
}

/// What answers the connector's requests.
pub trait Upstream: Send {
    /// Answers one request.
    ///
    /// # Errors
    /// When there is no answer, as the contract's `http.error` has it.
    fn send(&mut self, request: Sent) -> Result<Response, TransportError>;
}

/// An upstream that the caller keeps, to ask it what it has seen.
pub type SharedUpstream = Arc<Mutex<dyn Upstream>>;

/// A function of the contract, called by name with JSON: one way to run the connector.
pub trait Subject: Sync {
    /// Calls `interface.function`. The result is `{"ok": …}` or `{"err": …}`.
    ///
    /// # Errors
    /// When there is no such function, the arguments are not of its types, or the call traps.
    fn call(
        &self,
        function: &str,
        arguments: &[serde_json::Value],
        upstream: SharedUpstream,
    ) -> anyhow::Result<serde_json::Value>;
}

/// An error with its causes, on one line.
#[must_use]
pub fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}
