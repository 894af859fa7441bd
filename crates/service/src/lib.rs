//! Opt-ins as a stream: front doors that take them, a queue on NATS JetStream that keeps them, and workers that bring
//! them to Klaviyo at the pace of each account.
//!
//! - [`door`] is `klaviyo-connector serve`: HTTP for callers who sign their opt-ins, and for WhatsApp's webhook. Without a queue
//!   it does an opt-in at once; with one it answers when JetStream has written it.
//! - [`queue`] is what is kept in JetStream: the opt-ins that wait, their outcomes, the dead letters, and who works on
//!   which account.
//! - [`worker`] is `klaviyo-connector worker`: it takes the accounts that are its to take, and each account's opt-ins in the
//!   batches that cost the fewest requests.
//!
//! An opt-in runs in the connector's sandbox, in the tenant of its account, and nowhere else. Keys are never in the
//! queue: [`secrets`] reads them where the work is done.

pub mod account;
pub mod door;
pub mod id;
mod intake;
pub mod ops;
pub mod opt_in;
pub mod opt_in_flow;
pub mod opt_out;
pub mod outcome;
pub mod queue;
pub mod secrets;
pub mod tenant_cache;
pub mod worker;
