//! A Klaviyo that runs on this machine: the operations that the connector uses, with state, over HTTP.
//!
//! It answers as the real one does where that is known: the same statuses, error codes and bodies, the same
//! pages, the same rates, the same silence. It keeps profiles, lists, memberships and consent, so that a
//! second opt-in finds what the first one made, and a test can ask what Klaviyo would hold. Where nobody has
//! shown what the real one does, a comment says `unproven`.
//!
//! Tests in other languages read the state with `GET /_mock/state`, and set what goes wrong with
//! `PUT /_mock/faults` and `{"seed": 7, "rules": ["POST /api/profiles: 10% reset-after"]}`. Neither needs a
//! key, and nothing goes wrong with them.
//!
//! `Server` serves it. [`Simulator`] is all of it but the port: a function from a request to what comes of it. That
//! is what is left without the feature `server`, and runs where there are no sockets, as WebAssembly for example.
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
mod call;
mod changes;
mod check;
mod clock;
mod consent;
#[cfg(feature = "server")]
mod control;
mod digits;
mod faults;
mod filter;
mod imports;
mod inspect;
mod klaviyo;
#[cfg(feature = "nats")]
mod nats;
mod operations;

mod page;
mod patch;
mod profile;
mod rates;
mod reply;
mod revision;
mod rule;
#[cfg(feature = "server")]
mod server;
mod service;
mod shape;
mod simulator;
#[cfg(feature = "server")]
mod socket;
mod table;

pub use account::Account;
pub use consent::{Channel, Consent, OptIn, State, Suppression};
pub use faults::Faults;
pub use imports::{Import, ImportError};
pub use klaviyo::Klaviyo;
#[cfg(feature = "nats")]
pub use nats::{Nats, NatsServer};
pub use profile::Profile;
pub use rates::Rates;
pub use reply::Reply;
pub use rule::{Fault, Route, Rule, When};
#[cfg(feature = "server")]
pub use server::Server;
pub use simulator::Simulator;
pub use table::operations;
