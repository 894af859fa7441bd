//! How much of the queue a worker holds: a budget in bytes over all of its accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of messages that are held by all accounts together, beside one message of each. An opt-in takes up to fifteen
/// times its own size while it is worked on: parsed, as a contact, in the sandbox, and in the request.
const BYTES: usize = 32 << 20;
/// Bytes that one account takes at once: as much as goes into one import.
const LARGEST: usize = 5_000_000;
/// What permits count.
const UNIT: usize = 1 << 10;

/// The budget of a worker.
pub(super) struct Budget {
    free: Arc<Semaphore>,
    accounts: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(BYTES / UNIT)), accounts: AtomicUsize::new(0) }
    }
}

/// An account's part in the budget, as long as it is kept.
pub(super) struct Share<'a>(&'a Budget);

/// Bytes that may be taken. They are given back when this is dropped.
#[derive(Default)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Budget {
    pub(super) fn share(&self) -> Share<'_> {
        self.accounts.fetch_add(1, Ordering::Relaxed);
        Share(self)
    }
}

impl Share<'_> {
    /// As much as each account may have, or what is left of the budget if that is less. An account never waits for it:
    /// without any room it takes one message at a time.
    pub(super) fn room(&self) -> Room {
        let Budget { free, accounts } = self.0;
        let equal = BYTES / accounts.load(Ordering::Relaxed).max(1);
        let units = (equal.min(LARGEST) / UNIT).min(free.available_permits());
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Room(Arc::clone(free).try_acquire_many_owned(units).ok())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.0.accounts.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Room {
    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |permit| permit.num_permits() * UNIT)
    }

    /// Gives back what is more than this.
    pub(super) fn shrink(&mut self, bytes: usize) {
        if let Some(permit) = &mut self.0 {
            drop(permit.split(permit.num_permits().saturating_sub(bytes.div_ceil(UNIT))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_accounts_together_stay_within_the_budget_and_each_gets_its_part() {
        let budget = Budget::default();
        let alone = budget.share();
        assert_eq!(alone.room().bytes(), LARGEST / UNIT * UNIT);
        let shares: Vec<_> = (0..63).map(|_| budget.share()).collect();
        let rooms: Vec<Room> = shares.iter().map(Share::room).collect();
        assert!(rooms.iter().all(|room| room.bytes() == BYTES / 64));
        assert_eq!(alone.room().bytes(), BYTES / 64);
        drop(rooms);
        drop(shares);
        let mut rooms: Vec<Room> = (0..100).map(|_| alone.room()).collect();
        assert_eq!(rooms.iter().map(Room::bytes).sum::<usize>(), BYTES);
        assert_eq!(alone.room().bytes(), 0);
        rooms[0].shrink(10 * UNIT - 1);
        assert_eq!((rooms[0].bytes(), alone.room().bytes()), (10 * UNIT, (LARGEST / UNIT - 10) * UNIT));
        rooms[0].shrink(BYTES);
        assert_eq!(rooms[0].bytes(), 10 * UNIT);
    }
}
