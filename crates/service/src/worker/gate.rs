//! The gate between the calls of an account that give consent or membership and those that take them.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// Lets one such call of an account through at a time, in the order in which they ask. So an opt-out waits for no
/// more than the call that is under way, and no opt-in overtakes it.
#[derive(Default)]
pub(super) struct Gate {
    calls: Mutex<()>,
    opt_outs: AtomicU64,
}

/// The permission to make one call.
pub(super) type Pass<'a> = MutexGuard<'a, ()>;

impl Gate {
    /// Waits until no other call is under way.
    pub(super) async fn enter(&self) -> Pass<'_> {
        self.calls.lock().await
    }

    /// How often people have opted out. Those who were admitted at another number have to be looked at again.
    pub(super) fn opt_outs(&self) -> u64 {
        self.opt_outs.load(Ordering::Acquire)
    }

    /// Opt-outs, or ids that have changed, are written into the queue's buckets, and their call is about to ask for the gate.
    pub(super) fn opted_out(&self) {
        self.opt_outs.fetch_add(1, Ordering::AcqRel);
    }
}
