//! The test host: `klaviyo-host` as a platform runs it, and the suites that prove what it promises.
//!
//! - [`component`] calls the functions of the component in `klaviyo-host`, and [`composed`] those of the
//!   component for `wasi:http` in wasmtime's own implementation of it; `klaviyo-replay` replays the corpus
//!   against both.
//! - [`hostile`] runs guests that misbehave, [`servers`] the connector against servers that do, and
//!   [`canary`] looks for the key meanwhile. [`load`] has the suites that take minutes, and what measures.
//! - [`demo`] runs the WhatsApp opt-in over real HTTP, and [`narration`] tells it.

pub mod canary;
pub mod component;
pub mod composed;
pub mod demo;
pub mod hostile;
pub mod load;
pub mod narration;
pub mod sdk;
pub mod servers;
pub mod suite;

pub use component::Component;
pub use composed::Composed;
pub use klaviyo_replay::{Response, Sent, SharedUpstream, Subject, TransportError, Upstream, one_line};
pub use klaviyo_replay::{bless, fixture, native, replay, script};
