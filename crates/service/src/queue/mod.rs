//! The queue: everything that is stored in JetStream.
//!
//! | name | kind | holds | until |
//! |---|---|---|---|
//! | `KLAVIYO_OPT_INS` | work-queue stream, `klaviyo.opt-ins.<account>` | opt-ins that wait | they are acknowledged |
//! | `KLAVIYO_OPT_OUTS` | work-queue stream, `klaviyo.opt-outs.<account>` | opt-outs and resumes that wait | they are acknowledged |
//! | `KLAVIYO_EVENTS` | work-queue stream, `klaviyo.events.<account>` | delivery events that wait | they are acknowledged |
//! | `KLAVIYO_REPLIES` | work-queue stream, `klaviyo.replies.<account>` | replies that wait | they are acknowledged |
//! | `KLAVIYO_DEAD` | stream, `klaviyo.dead.<account>.<digest>` | dead letters | they are retried or dropped |
//! | `klaviyo-outcomes` | bucket | the outcome of each opt-in, opt-out and resume, and what ids of WhatsApp's have become | a week is over |
//! | `klaviyo-people` | bucket | the last word of each person who can opt out | the person is forgotten |
//! | `klaviyo-replies` | bucket | which replies are sent, or may be, and what each person was told last | a week is over |
//! | `klaviyo-leases` | bucket | the worker of each account | ten seconds after the last renewal |
//! | `klaviyo-oauth` | bucket | the sealed tokens of accounts that have installed an app | somebody deletes them |
//! | `klaviyo-workers` | bucket | the live workers | ten seconds after the last heartbeat |
//! | `klaviyo-signatures` | bucket | signatures that front doors have accepted | ten minutes are over |
//! | `klaviyo-changes` | bucket | where the reading of each account's changes goes on | it is deleted |
//! | `KLAVIYO_CHANGES_DEAD` | stream, `klaviyo.changes-dead.<account>.<id>` (and `.retry`) | changes that their destination refused, and those of them that are to be sent again | they are dropped, or taken |
//!
//! Streams and buckets that do not exist are made, with one replica. Those that exist are used as they are,
//! so an operator can make or change them. Every request to NATS ends in time, whatever NATS does.

mod account_queue;
pub(crate) mod broker;
mod changes;
mod changes_dead_letter;
mod connection;
mod dead_letter;
mod delivery;
mod entry;
mod erase;
mod error;
mod lane;
mod lease;
mod nats;
mod oldest;
mod people;
mod person;
mod put;
mod record;
mod renamings;
mod replies;
mod report;
mod scan;
mod set_up;
mod settings;
mod tokens;
mod version;

pub use account_queue::{AccountQueue, Backlog, MAX_BATCH, Waiting};
pub use changes_dead_letter::ChangesDeadLetter;
pub(crate) use connection::OUTCOMES;
pub use connection::Queue;
pub use dead_letter::{DeadLetter, DeadLetterBody};
pub use delivery::{Delivery, QueueEntry};
pub use erase::{Erasure, ErasureSettings, Place};
pub use error::QueueError;
pub use lane::Lane;
pub use lease::{Lease, Workers};
pub(crate) use person::{Standing, Thing};
pub use put::Accepted;
pub(crate) use record::Record;
pub use report::{RateReport, StateReport, WorkerReport};
pub use settings::{Nats, OPT_INS_BYTES, Role};
pub use tokens::BucketTokenStore;
