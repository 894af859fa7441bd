//! The test host: `klaviyo-host` as a platform runs it, and the suites that prove what it promises.
//!
//! - [`fixture`] is the format of the corpus. [`script`] plays a fixture's side of the conversation,
//!   [`replay`] plays many, and [`bless`] rewrites what they expect.
//! - [`component`] calls the functions of the component in `klaviyo-host`, [`native`] those of `klaviyo-core`
//!   without WebAssembly, and [`composed`] those of the component for `wasi:http` in wasmtime's own
//!   implementation of it.
//! - [`hostile`] runs guests that misbehave, [`servers`] the connector against servers that do, and
//!   [`canary`] looks for the key meanwhile. [`load`] has the suites that take minutes, and what measures.
//! - [`demo`] runs the WhatsApp opt-in over real HTTP, and [`narration`] tells it.

pub mod bless;
pub mod canary;
mod compare;
pub mod component;
pub mod composed;
pub mod demo;
mod exact;
pub mod fixture;
pub mod hostile;
pub mod load;
pub mod narration;
pub mod native;
pub mod replay;
pub mod script;
pub mod sdk;
pub mod servers;
pub mod suite;

pub use component::Component;
pub use composed::Composed;
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
