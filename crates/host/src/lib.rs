//! Run the Klaviyo connector inside a Rust program.
//!
//! The connector is a WebAssembly component that knows Klaviyo and can do nothing but ask for HTTP requests.
//! This crate is everything around it: a fresh sandbox for each call, limits on what a call may use, a policy
//! on where requests may go, the private key, real HTTP, Klaviyo's rates, and retries.
//!
//! ```no_run
//! use klaviyo_host::types::NewProfile;
//! use klaviyo_host::{Connector, Secret, Tenant};
//!
//! # async fn opt_in() -> Result<(), Box<dyn std::error::Error>> {
//! let connector = Connector::load("target/component/klaviyo.wasm")?; // one for the process
//! let tenant = Tenant::new(&connector, Secret::from_env("KLAVIYO_API_KEY")?); // one for each account
//! let email = Some("priya@example.com".to_owned());
//! let contact = NewProfile { email, ..NewProfile::default() };
//! match tenant.opt_in(&contact, "Y6nRLr", None).await {
//!     Ok(receipt) => println!("{} is on the list", receipt.value.profile_id),
//!     Err(error) => println!("{}: {error}", error.code().as_str()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - A [`Connector`] is compiled once, and serves any number of tenants, threads and concurrent calls. A call
//!   that waits for Klaviyo blocks no thread, and a call that traps or is stopped does not affect another.
//! - A [`Tenant`] is one Klaviyo account: its [`Credentials`], a private key or the tokens of [`oauth`], which never
//!   enter the sandbox, and its pace, which all of its calls share.
//! - [`Limits`] and [`Egress`] are on by default. A call or request that exceeds one fails with a sentence
//!   that names the setting.
//! - [`Access`] says which functions may be called for a tenant. `api.call`, which can ask for anything, may not
//!   unless it is allowed.
//! - Requests that are safe to repeat are repeated on 429, 502, 503, 504, 524 and failed connections, never
//!   before `Retry-After`; [`Usage`] says how often.
//! - [`Transport`] replaces the HTTP client by one of yours.
//! - [`AttemptObserver`] hears of each attempt, for metrics: endpoint, status, repeats, the wait for the rates, what is
//!   left of them, and when Klaviyo retires the API revision.
//! - `tracing` has a span for each call (`klaviyo.call`) and each request (`klaviyo.request`): operations,
//!   statuses, attempts, bytes and durations, never a key or a person.
//!
//! The functions and their errors are documented in the contract, the project's `wit/` folder.

extern crate alloc;

mod access;
mod account;
pub mod actions;
mod bindings;
mod cache;
mod check;
mod client;
mod clock;
mod connector;
mod credentials;
mod egress;
mod endpoint;
mod engine;
mod error;
mod exports;
pub mod fair;
mod functions;
pub mod json;
mod limits;
pub mod oauth;
mod observer;
mod outbound;
mod pace;
mod redaction;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(any(unix, feature = "registry"))]
mod regular_file;
mod retry;
mod revision;
mod sandbox;
mod secret;
mod sections;
mod tenant;
mod transport;
pub mod types;
mod usage;

pub use access::{Access, ApiAccess, ApiAccessError};
pub use client::{HttpTransport, HttpTransportError};
pub use connector::{Connector, ConnectorBuilder, LoadError};
pub use credentials::{Authorization, Authorizing, Credentials, CredentialsError, Settling};
pub use egress::{Egress, EgressError};
pub use endpoint::{Endpoint, Rates};
pub use error::{Answer, Cause, Disposition, Error};
pub use limits::{Limit, Limits};
pub use observer::{AttemptFailure, AttemptObserver, AttemptResult, ObservedAttempt, Repeat, RepeatCause};
pub use pace::{MinuteUse, Pace};
pub use retry::retry_after;
pub use revision::{Retirement, Revision, RevisionError};
pub use secret::{Secret, SecretError};
pub use tenant::{Tenant, TenantBuilder};
pub use transport::{Attempt, AttemptError, Bounds, Transport};
pub use usage::{Meter, Usage};
// The functions of `json` take its types.
pub use wasmtime;

/// The code in the documents about embedding, so that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embed.md")]
#[doc = include_str!("../../../docs/upgrade.md")]
struct Documents;

/// The same of what a feature adds.
#[cfg(all(doctest, feature = "registry"))]
#[doc = include_str!("../../../docs/registry.md")]
struct RegistryDocuments;
