//! The knowledge of Klaviyo's API, as pure functions without I/O, clock, WIT, WebAssembly or std.
//!
//! The functions of [`contacts`], [`lists`], [`segments`], [`consent`], [`bulk`], [`account`], [`privacy`] and [`api`] are the connector's contract: they
//! check their arguments, send one or more requests over an [`Http`] that the caller supplies, and return a
//! value or an [`Error`]. They never panic, whatever the arguments and the answers are.
//!
//! Inside, an operation is a value: one request and the function that reads its answer (`operation`). URLs
//! and filters are made in `encode`, documents are read and written in `jsonapi`, on top of `json`.
//!
//! ```
//! use klaviyo_core::{contacts, Identifier, Request, Response};
//!
//! // Anything that answers a request will do; here a closure that knows nobody.
//! let mut http = |_: Request| {
//!     Ok(Response { status: 200, headers: Vec::new(), body: br#"{"data":[]}"#.to_vec() })
//! };
//! let found = contacts::lookup(&mut http, &Identifier::Email("priya@example.com".into()));
//! assert_eq!(found, Ok(None));
//! ```

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod account;
pub mod api;
mod batch;
pub mod bulk;
pub mod changes;
mod channels;
mod check;
pub mod consent;
pub mod contacts;
mod decimal;
mod diagnosis;
mod encode;
mod error;
mod event_properties;
pub mod events;
mod http;
mod http_date;
pub mod identifiers;
pub mod intake;
mod json;
mod jsonapi;
pub mod lists;
mod members;
mod membership;
mod operation;
mod paging;
pub mod privacy;
mod rfc3339;
pub mod segments;
pub mod text;
mod types;

pub use error::{Code, Detail, Error, Refusal};
pub use http::{Header, Http, Method, Request, Response, TransportError};
pub use types::*;

/// The origin that every request goes to.
pub const ORIGIN: &str = "https://a.klaviyo.com";
