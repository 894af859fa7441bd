//! How many bytes of messages a worker has in flight: a budget for all of its accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that the messages of all accounts may take together. One message of each account is always allowed.
const BYTES: usize = 384 << 20;
/// Bytes in memory for a byte of a message that is worked on: parsed, as a contact, in the sandbox, and in
/// the request.
const BYTES_PER_BYTE: usize = 12;
/// Bytes that any message takes beside its payload: headers, subjects and entries in tables.
const BYTES_PER_MESSAGE: usize = 1_536;
/// The most that one account takes: for the bytes of one import, and for the messages of one batch.
const LARGEST: usize = 2 * BYTES_PER_BYTE * 5_000_000;
/// Bytes of one permit.
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

/// An account's share of the budget, until it is dropped.
pub(super) struct BudgetShare<'a>(&'a Budget);

/// Reserved bytes. Dropping it frees them.
#[derive(Default)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Budget {
    pub(super) fn share(&self) -> BudgetShare<'_> {
        self.accounts.fetch_add(1, Ordering::Relaxed);
        BudgetShare(self)
    }
}

impl BudgetShare<'_> {
    /// Reserves an equal share, or the rest of the budget if that is less. An account never waits for room:
    /// without any, it takes one message at a time.
    pub(super) fn room(&self) -> Room {
        let Budget { free, accounts } = self.0;
        let equal = BYTES / accounts.load(Ordering::Relaxed).max(1);
        let units = (equal.min(LARGEST) / UNIT).min(free.available_permits());
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        Room(Arc::clone(free).try_acquire_many_owned(units).ok())
    }
}

impl Drop for BudgetShare<'_> {
    fn drop(&mut self) {
        self.0.accounts.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Room {
    fn all(&self) -> usize {
        self.0.as_ref().map_or(0, |permit| permit.num_permits() * UNIT)
    }

    /// How many messages fit into half of it.
    pub(super) fn messages(&self) -> usize {
        self.all() / 2 / BYTES_PER_MESSAGE
    }

    /// How many bytes of payloads fit into the other half.
    pub(super) fn bytes(&self) -> usize {
        self.all() / 2 / BYTES_PER_BYTE
    }

    /// Frees the bytes that messages with payloads of these lengths do not take.
    pub(super) fn keep(&mut self, lengths: impl Iterator<Item = usize>) {
        let taken: usize = lengths.map(|length| BYTES_PER_MESSAGE + BYTES_PER_BYTE * length).sum();
        if let Some(permit) = &mut self.0 {
            drop(permit.split(permit.num_permits().saturating_sub(taken.div_ceil(UNIT))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::MAX_BATCH;

    #[test]
    fn all_accounts_together_stay_within_the_budget_and_each_gets_its_part() {
        let budget = Budget::default();
        let alone = budget.share();
        let whole = alone.room();
        assert!(whole.messages() >= MAX_BATCH && (4_999_000..=5_000_000).contains(&whole.bytes()));
        drop(whole);
        let shares: Vec<_> = (0..63).map(|_| budget.share()).collect();
        let rooms: Vec<Room> = shares.iter().map(BudgetShare::room).collect();
        assert!(rooms.iter().all(|room| room.all() == BYTES / 64));
        assert_eq!(alone.room().all(), BYTES / 64);
        drop(rooms);
        drop(shares);
        let rooms: Vec<Room> = (0..100).map(|_| alone.room()).collect();
        assert_eq!(rooms.iter().map(Room::all).sum::<usize>(), BYTES);
        let none = alone.room();
        assert_eq!((none.messages(), none.bytes()), (0, 0));
    }

    #[test]
    fn messages_take_what_they_take_however_short_they_are() {
        let budget = Budget::default();
        let share = budget.share();
        let mut room = share.room();
        room.keep(std::iter::repeat_n(100, 1_000));
        assert_eq!(room.all(), (1_000 * (BYTES_PER_MESSAGE + 100 * BYTES_PER_BYTE)).div_ceil(UNIT) * UNIT);
        room.keep(std::iter::repeat_n(5_000_000, 1_000));
        assert_eq!(room.all(), (1_000 * (BYTES_PER_MESSAGE + 100 * BYTES_PER_BYTE)).div_ceil(UNIT) * UNIT);
        // A full batch always fits.
        let mut room = share.room();
        let (messages, bytes) = (room.messages(), room.bytes());
        let before = room.all();
        room.keep(std::iter::repeat_n(bytes / messages, messages));
        assert!(room.all() <= before);
    }
}
