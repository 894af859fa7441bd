//! A Klaviyo that runs on this machine: the operations that the connector uses, with state, over HTTP.
//!
//! It answers as the real one does where that is known: the same statuses, error codes and bodies, the same
//! pages, the same silence. It keeps profiles, lists and memberships, so that a second opt-in finds what the
//! first one made, and a test can ask what Klaviyo would hold.
//!
//! ```
//! use klaviyo_mock::{Account, Server};
//!
//! let server = Server::start(Account::demo())?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert!(server.account().members("Y6nRLr").is_empty());
//! # Ok::<(), anyhow::Error>(())
//! ```

mod account;
mod answer;
mod filter;
mod operations;
mod server;

pub use account::{Account, Profile};
pub use server::Server;
