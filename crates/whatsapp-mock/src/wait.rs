//! Waiting for a change of the state.

use crate::shared::Shared;
use std::time::{Duration, Instant};

/// Waits until something is true, which is asked after each change; false if it is not true after this time.
pub(crate) fn until(shared: &Shared, timeout: Duration, is_true: impl Fn() -> bool) -> bool {
    let end = Instant::now().checked_add(timeout);
    loop {
        let seen = shared.world.lock().version;
        // Without the lock, which the question may need.
        if is_true() {
            return true;
        }
        let mut world = shared.world.lock();
        while world.version == seen {
            let ended = match end {
                Some(end) => shared.changed.wait_until(&mut world, end).timed_out(),
                None => {
                    shared.changed.wait(&mut world);
                    false
                }
            };
            if ended {
                drop(world);
                return is_true();
            }
        }
    }
}
