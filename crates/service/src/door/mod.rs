//! The front door: HTTP for callers who sign their opt-ins, and for WhatsApp's webhook.
//!
//! | route | for |
//! |---|---|
//! | `POST /v1/opt-ins` | an opt-in, or an array of them, signed as in Standard Webhooks |
//! | `GET /v1/opt-ins/{id}` | the outcome of an opt-in in the queue, signed with its id as `webhook-id` |
//! | `GET /v1/whatsapp/{account}` | Meta's question whether the webhook is wanted |
//! | `POST /v1/whatsapp/{account}` | Meta's notifications |
//!
//! A request passes, in this order: the limits on bodies, its signature, its account's share of the door, the
//! check of all its opt-ins, the replay cache, the account's rate. A request that fails one of them has no
//! effect. In a body without a valid signature only the account is read.

mod accept;
mod admission;
mod body;
mod direct;
mod enqueue;
mod metrics;
mod opt_ins;
mod queue_health;
mod replay;
mod reply;
mod router;
mod settings;
mod signature;
mod state;
mod webhook;
mod whatsapp;

pub use router::routes;
pub use settings::{DoorLimits, DoorSettings};
pub use state::Door;
