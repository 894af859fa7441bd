//! Simulates WhatsApp's Cloud API: people who write to a business, the signed webhooks about it, and the
//! messages that the business sends them.
//!
//! People are actors: `person.writes("SUBSCRIBE")` becomes a webhook. What is not answered with 200 is repeated,
//! less and less often, for seven days by the simulator's clock, which a test can stop, move and speed up. What
//! the business sends is checked as strictly as Meta does, refused with Meta's codes, kept, and followed by the
//! statuses `sent`, `delivered` and `read`. Where it is unknown what Meta does, a comment says `unproven`.
//!
//! Tests in other languages act for people with `POST /_whatsapp/people/919820000001/messages` and
//! `{"text": "SUBSCRIBE"}`, and read the state with `GET /_whatsapp/state`. Faults have the form of those of
//! [`klaviyo_mock`].
//!
//! ```
//! use klaviyo_whatsapp_mock::{Business, Contact, Server};
//!
//! let whatsapp = Server::start(Business::new())?;
//! let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma"));
//! priya.writes("SUBSCRIBE");
//! // It waits until it is known where webhooks go: `whatsapp.set_webhook("http://127.0.0.1:8080/…")`.
//! assert_eq!(whatsapp.webhooks().len(), 1);
//! assert!(priya.messages().is_empty());
//! # Ok::<(), anyhow::Error>(())
//! ```

mod acts;
mod api;
mod business;
mod contact;
mod content;
mod control;
mod conversation;
mod inspect;
mod lanes;
mod limits;
mod outbox;
mod person;
mod problem;
mod request;
mod server;
mod shared;
mod signature;
mod statuses;
mod updates;
mod wait;
mod whatsapp;

pub use business::Business;
pub use contact::{Contact, Notation};
pub use content::Content;
pub use limits::Limits;
pub use outbox::{Fate, Webhook};
pub use person::Person;
pub use server::Server;
pub use shared::Message;
pub use statuses::Statuses;
pub use updates::Packing;
pub use whatsapp::WhatsApp;
