//! A service for opt-ins: front doors accept them, a queue on NATS JetStream keeps them, and workers bring
//! them to Klaviyo at the pace of each account.
//!
//! - [`door`] is `klaviyo-connector serve`: HTTP for callers who sign their opt-ins, and for WhatsApp's
//!   webhook. Without a queue it does an opt-in at once. With one it answers when JetStream has written the
//!   opt-in.
//! - [`queue`] is everything that is stored in JetStream: the opt-ins that wait, their outcomes, the dead
//!   letters, and the leases of the workers.
//! - [`worker`] is `klaviyo-connector worker`: it takes the accounts that are assigned to it, and brings each
//!   account's opt-ins to Klaviyo in batches that cost the fewest requests.
//! - [`overview`] shows operators how all of it does, as a page.
//! - [`feed`] tells the platform of each account what has changed in Klaviyo. Workers do it beside the opt-ins.
//!
//! An opt-in runs in the connector's sandbox, in the tenant of its account, and nowhere else. Keys are never
//! in the queue: [`secrets`] reads them in the process that uses them.

pub mod account;
mod clock;
mod completion;
pub mod conversation;
pub mod data_subject;
pub mod delivery_event;
pub mod door;
pub mod feed;
pub mod id;
mod intake;
pub mod key;
pub mod metrics;
pub mod moment;
pub mod ops;
pub mod opt_in;
mod opt_in_flow;
pub mod opt_out;
mod opt_out_flow;
pub mod outcome;
pub mod overview;
pub mod queue;
pub mod renaming;
pub mod reply;
mod request_id;
pub mod secrets;
mod signature;
#[cfg(test)]
mod simulation;
pub mod tenant_cache;
mod trace_context;
pub mod whatsapp_settings;
mod words;
pub mod worker;
