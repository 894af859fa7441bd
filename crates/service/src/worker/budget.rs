//! How much of the queue a worker holds: a budget in bytes over all of its accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that the messages of all accounts together may take, beside one message of each account.
const BYTES: usize = 384 << 20;
/// What a byte of a message takes while it is worked on: parsed, as a contact, in the sandbox, and in the request.
const A_BYTE: usize = 12;
/// What a message takes however short it is: its headers, subjects and sequences in tables.
const A_MESSAGE: usize = 1_536;
/// What one account takes at most: as many bytes as go into one import, and as many messages as are taken at once.
const LARGEST: usize = 2 * A_BYTE * 5_000_000;
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
pub(super) struct BudgetShare<'a>(&'a Budget);

/// Bytes that may be taken. They are given back when this is dropped.
#[derive(Default)]
pub(super) struct Room(Option<OwnedSemaphorePermit>);

impl Budget {
    pub(super) fn share(&self) -> BudgetShare<'_> {
        self.accounts.fetch_add(1, Ordering::Relaxed);
        BudgetShare(self)
    }
}

impl BudgetShare<'_> {
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

impl Drop for BudgetShare<'_> {
    fn drop(&mut self) {
        self.0.accounts.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Room {
    fn all(&self) -> usize {
        self.0.as_ref().map_or(0, |permit| permit.num_permits() * UNIT)
    }

    /// How many messages there is room for, in half of it.
    pub(super) fn messages(&self) -> usize {
        self.all() / 2 / A_MESSAGE
    }

    /// How many bytes they may have together: there is room for them in the other half.
    pub(super) fn bytes(&self) -> usize {
        self.all() / 2 / A_BYTE
    }

    /// Gives back what messages of these lengths do not take.
    pub(super) fn keep(&mut self, lengths: impl Iterator<Item = usize>) {
        let taken: usize = lengths.map(|length| A_MESSAGE + A_BYTE * length).sum();
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
        assert_eq!(room.all(), (1_000 * (A_MESSAGE + 100 * A_BYTE)).div_ceil(UNIT) * UNIT);
        room.keep(std::iter::repeat_n(5_000_000, 1_000));
        assert_eq!(room.all(), (1_000 * (A_MESSAGE + 100 * A_BYTE)).div_ceil(UNIT) * UNIT);
        // As much as is taken at once always fits.
        let mut room = share.room();
        let (messages, bytes) = (room.messages(), room.bytes());
        let before = room.all();
        room.keep(std::iter::repeat_n(bytes / messages, messages));
        assert!(room.all() <= before);
    }
}
