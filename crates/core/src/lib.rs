//! What Klaviyo's API is, as pure functions: no I/O, no clock, no WIT, no WebAssembly.
//!
//! An [`Operation`] is one request and the function that reads its answer. The functions of [`contacts`]
//! and [`lists`] are the connector's contract: they check their arguments, run one or more operations over
//! an [`Http`] that the caller supplies, and return a value or an [`Error`]. They never panic, whatever the
//! arguments and whatever comes back.
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

mod check;
pub mod contacts;
mod encode;
mod error;
mod http;
mod json;
mod jsonapi;
pub mod lists;
mod operation;
mod paging;
mod types;

pub use error::{Code, Detail, Error};
pub use http::{Header, Http, Method, Request, Response, TransportError};
pub use operation::Operation;
pub use types::{Audience, Creation, Identifier, NewProfile, Profile, Receipt, Upserted};

/// The origin that every request goes to.
pub const ORIGIN: &str = "https://a.klaviyo.com";
