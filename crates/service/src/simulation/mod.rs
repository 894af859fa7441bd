//! A simulation of the service: real doors and workers, with a JetStream, a network and a Klaviyo whose faults follow
//! from a seed, on one thread, in a time of its own. The same seed makes the same history, or, with several accounts, one of
//! few: tokio's `watch` wakes tasks that wait for the same in an order of its own.
//!
//! `KLAVIYO_SIMULATION=FIRST-LAST` runs other seeds than the few of a test run, and `KLAVIYO_SIMULATION=SEED` one, whose
//! history it prints.
//!
//! Defects that were put into the code by hand, and a seed that has found each:
//!
//! | defect | what it breaks | seed |
//! |---|---|---|
//! | a message is acknowledged before its outcome is written | each message waits, or has its outcome | 1 |
//! | a worker goes on after its lease is lost | Klaviyo is asked by the worker that has the lease | 4 |
//! | an answer about a lease counts however late it is read (this one was in the code) | the same | 7 |
//! | an older opt-in wins over an opt-out | the last word stands | 4 |
//! | a door answers 202 although the queue has not written | each message waits, or has its outcome | 2 |
//! | a reply is sent without its claim | nothing is answered twice | 2 |
//! | a lease is asked for again and again in the instant in which it ends (this one was in the code) | the simulation goes on | 734 |
//! | an opt-in that Klaviyo answers 503 alone is never given up (this one was in the code) | all ends | 10 |

mod broker;
mod contract;
mod invariants;
mod klaviyo;
mod network;
mod people;
mod process;
mod server;
mod whatsapp;
mod world;

pub(crate) use network::Network;
pub(crate) use process::Process;
pub(crate) use server::{Server, Unwritten};
use std::cell::Cell;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// When simulations begin: 2026-01-15T12:00:00Z.
const NOON: u32 = 1_768_478_400;

thread_local! {
    /// When the simulation on this thread began.
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Has the thread the time of a simulation from now on.
fn begin() {
    BEGUN.set(Some(Instant::now()));
}

/// The time in the simulation on this thread, by the clock of the process whose task runs; none if there is none.
pub(crate) fn now_utc() -> Option<OffsetDateTime> {
    let ahead = process::current().map_or(Duration::ZERO, |process| process.ahead());
    Some(true_time()? + ahead)
}

/// The time of people and of Klaviyo.
fn true_time() -> Option<OffsetDateTime> {
    let begun = BEGUN.get()?;
    let start = OffsetDateTime::from_unix_timestamp(NOON.into()).ok()?;
    Some(start + begun.elapsed())
}

/// Spawns a task of the process whose task runs.
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    match process::current() {
        Some(process) => tokio::spawn(process.own(task)),
        None => tokio::spawn(task),
    }
}
