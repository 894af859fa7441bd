//! Simulates Klaviyo: the operations that the connector uses, with state, over HTTP.
//!
//! It answers as Klaviyo does where that is known: statuses, error codes, bodies, pages and rates. It keeps
//! profiles, lists, memberships and consent, so that a second opt-in finds the profile of the first one, and
//! a test can ask for the state. It records events, and answers late and out of order if a test wants that
//! ([`Account::set_lateness`]). Where it is unknown what Klaviyo does, a comment says `unproven`.
//!
//! Tests in other languages read the state with `GET /_mock/state`, and set faults with `PUT /_mock/faults`
//! and `{"seed": 7, "rules": ["POST /api/profiles: 10% reset-after"]}`. Neither needs a key, and no fault
//! applies to them.
//!
//! `Server` serves it. [`Simulator`] is the same without sockets: a function from a request to a reply. It
//! does not need the feature `server` and also runs as WebAssembly.
//!
//! ```
//! # #[cfg(feature = "server")] {
//! use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Server};
//!
//! let faults = Faults::seeded(7).rule("POST /api/profiles: 10% reset-after".parse()?);
//! let server = Server::start(Klaviyo::from(Account::demo()).rates(Rates::times(100)).faults(faults))?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.account().members("Y6nRLr").is_empty());
//! # }
//! # Ok::<(), anyhow::Error>(())
//! ```

mod access;
mod account;
mod answer;
mod bodies;
mod call;
mod chance;
mod changes;
mod check;
mod clock;
mod consent;
#[cfg(feature = "server")]
mod control;
mod digits;
mod events;
mod faults;
mod filter;
mod history;
mod imports;
mod inspect;
mod jobs;
mod keyset;
mod klaviyo;
mod lateness;
mod membership;
mod merging;
#[cfg(feature = "nats")]
mod nats;
mod oauth;
mod operations;
mod page;
mod parameters;
mod patch;
#[cfg(feature = "server")]
mod port;
mod profile;
mod profile_store;
mod rates;
mod reply;
mod revision;
mod rule;
mod segments;
#[cfg(feature = "server")]
mod server;
mod service;
mod shape;
mod simulator;
#[cfg(feature = "server")]
mod socket;
mod table;
mod versions;

pub use account::Account;
pub use chance::draw;
pub use clock::Clock;
pub use consent::{Channel, Consent, OptIn, State, Suppression};
pub use events::{Event, Metric};
pub use faults::{Faults, Injector, Plan};
pub use imports::{Import, ImportError};
pub use klaviyo::Klaviyo;
#[cfg(feature = "nats")]
pub use nats::{Nats, NatsServer};
pub use oauth::App;
#[cfg(feature = "server")]
pub use port::Port;
pub use profile::Profile;
pub use rates::Rates;
pub use reply::Reply;
pub use revision::Revision;
pub use rule::{Fault, Route, Rule, When};
#[cfg(feature = "server")]
pub use server::Server;
pub use simulator::Simulator;
#[cfg(feature = "server")]
pub use socket::{Line, Listener, Socket};
pub use table::operations;
