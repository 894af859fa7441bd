//! What a request gets when it is known whose it is: one of the door's places, and memory.
//!
//! Both are shared among accounts by the rule of [`klaviyo_host::fair`], so that whoever takes much leaves as much: one busy
//! account gets half of it, two a third each, and an account that has nothing yet finds something.

use super::body::Body;
use super::reply::Rejection;
use crate::account::Account;
use crate::ops::{Connection, InUse};
use klaviyo_host::fair::{Place, Places};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many bytes are held for a byte of a body at most: it itself, the opt-ins that it is parsed into, and the messages that
/// wait for the queue.
const BYTES_PER_BYTE: usize = 4;

/// The places and the memory of a door.
pub(super) struct Admission {
    places: Arc<Places<Account>>,
    memory: Arc<Memory>,
}

struct Memory {
    most: usize,
    held: Mutex<MemoryInUse>,
}

#[derive(Default)]
struct MemoryInUse {
    total: usize,
    by_account: HashMap<Account, usize>,
}

/// Memory that counts until it is dropped.
struct Reservation {
    memory: Arc<Memory>,
    account: Account,
    bytes: usize,
}

/// The place and the memory of a request that is worked on, until this is dropped.
pub(super) struct Admitted {
    _share: Reservation,
    _place: Place<Account>,
    _in_use: Option<InUse>,
}

impl Admission {
    /// With so many places, and so many bytes.
    pub(super) fn new(places: usize, bytes: usize) -> Self {
        let memory = Arc::new(Memory { most: bytes, held: Mutex::default() });
        Self { places: Places::new(places), memory }
    }

    /// Lets a request in whose signature is the account's. Returns its body.
    pub(super) fn admit(&self, account: &Account, body: Body) -> Result<(Vec<u8>, Admitted), Rejection> {
        let in_use = body.connection().map(Connection::in_use);
        let place = self.places.try_take(account).ok_or_else(|| {
            Rejection::overloaded(
                "this door works on as many requests of the account as it can; repeat it later",
            )
        })?;
        let share = self.memory.take(account, BYTES_PER_BYTE * body.len()).ok_or_else(|| {
            Rejection::overloaded("this door holds as many bytes of the account as it can; repeat it later")
        })?;
        Ok((body.into_bytes(), Admitted { _share: share, _place: place, _in_use: in_use }))
    }
}

impl Memory {
    fn held(&self) -> MutexGuard<'_, MemoryInUse> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An account gets what it asks for if it then has no more than is left for the others.
    fn take(self: &Arc<Self>, account: &Account, bytes: usize) -> Option<Reservation> {
        let mut held = self.held();
        let own = held.by_account.get(account).copied().unwrap_or_default() + bytes;
        let left = self.most.checked_sub(held.total + bytes)?;
        if own > left && bytes > 0 {
            return None;
        }
        held.total += bytes;
        held.by_account.insert(account.clone(), own);
        Some(Reservation { memory: Arc::clone(self), account: account.clone(), bytes })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut held = self.memory.held();
        held.total -= self.bytes;
        if let Some(own) = held.by_account.get_mut(&self.account) {
            *own -= self.bytes;
            if *own == 0 {
                held.by_account.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> Account {
        name.parse().unwrap()
    }

    #[test]
    fn whoever_holds_much_leaves_as_much() {
        let memory = Arc::new(Memory { most: 1_000, held: Mutex::default() });
        let (noisy, quiet, other) = (account("noisy"), account("quiet"), account("other"));
        let take_all = |account: &Account| -> Vec<Reservation> {
            std::iter::from_fn(|| memory.take(account, 10)).collect()
        };
        let first = take_all(&noisy);
        assert_eq!(first.len(), 50);
        let second = take_all(&quiet);
        assert_eq!(second.len(), 25);
        // Nothing is needed for nothing.
        assert!(memory.take(&noisy, 0).is_some());
        let third = memory.take(&other, 120).unwrap();
        assert!(memory.take(&other, 20).is_none());
        drop(first);
        assert_eq!(take_all(&other).len(), 25);
        drop((second, third));
        let held = memory.held();
        assert!(held.total == 0 && held.by_account.is_empty());
    }
}
