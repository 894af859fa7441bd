//! A simulation of the service: real doors and workers, with a JetStream, a network and a Klaviyo whose faults follow
//! from a seed, on one thread, in a time of its own. The same seed makes the same history.
//!
//! `KLAVIYO_SIMULATION=FIRST-LAST` runs other seeds than the few of a test run, and `KLAVIYO_SIMULATION=SEED` one, whose
//! history it prints.

mod broker;
mod contract;
mod klaviyo;
mod network;
mod server;
mod whatsapp;
mod world;

use std::cell::Cell;
use time::OffsetDateTime;
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

/// The time in the simulation on this thread; none if there is none.
pub(crate) fn now_utc() -> Option<OffsetDateTime> {
    let begun = BEGUN.get()?;
    let start = OffsetDateTime::from_unix_timestamp(NOON.into()).ok()?;
    Some(start + begun.elapsed())
}
