//! The permit and the memory of a request whose signature was checked.
//!
//! Accounts share both by the rule of [`klaviyo_host::fair`], so that an account leaves as much as it takes:
//! one busy account gets half, two get a third each, and an account that has nothing yet gets some.

use super::body::Body;
use super::reply::Rejection;
use crate::account::Account;
use crate::ops::{Connection, InUse};
use klaviyo_host::fair::{FairPermit, FairSemaphore};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The most bytes in memory for a byte of a body: the body itself, the opt-ins that it is parsed into, and
/// the messages for the queue.
const BYTES_PER_BYTE: usize = 4;

/// The permits and the memory of a door.
pub(super) struct Admission {
    permits: Arc<FairSemaphore<Account>>,
    memory: Arc<Memory>,
}

struct Memory {
    most: usize,
    in_use: Mutex<MemoryInUse>,
}

#[derive(Default)]
struct MemoryInUse {
    total: usize,
    by_account: HashMap<Account, usize>,
}

/// Reserved memory, until it is dropped.
struct Reservation {
    memory: Arc<Memory>,
    account: Account,
    bytes: usize,
}

/// The permit and the memory of a request, until it is dropped.
pub(super) struct Admitted {
    _memory: Reservation,
    _permit: FairPermit<Account>,
    _in_use: Option<InUse>,
}

impl Admission {
    /// An admission with so many permits and so many bytes.
    pub(super) fn new(permits: usize, bytes: usize) -> Self {
        let memory = Arc::new(Memory { most: bytes, in_use: Mutex::default() });
        Self { permits: FairSemaphore::new(permits), memory }
    }

    /// Admits a request that the account has signed. Returns its body.
    pub(super) fn admit(&self, account: &Account, body: Body) -> Result<(Vec<u8>, Admitted), Rejection> {
        let in_use = body.connection().map(Connection::in_use);
        let permit = self.permits.try_acquire(account).ok_or_else(|| {
            Rejection::overloaded(
                "concurrency",
                "this door works on as many requests of the account as it can; repeat it later",
            )
        })?;
        let memory = self.memory.take(account, BYTES_PER_BYTE * body.len()).ok_or_else(|| {
            Rejection::overloaded(
                "memory",
                "this door holds as many bytes of the account as it can; repeat it later",
            )
        })?;
        Ok((body.into_bytes(), Admitted { _memory: memory, _permit: permit, _in_use: in_use }))
    }
}

impl Memory {
    /// Reserves bytes if the account then has no more than is left for the others.
    fn take(self: &Arc<Self>, account: &Account, bytes: usize) -> Option<Reservation> {
        let mut in_use = self.in_use.lock();
        let own = in_use.by_account.get(account).copied().unwrap_or_default() + bytes;
        let left = self.most.checked_sub(in_use.total + bytes)?;
        if own > left && bytes > 0 {
            return None;
        }
        in_use.total += bytes;
        in_use.by_account.insert(account.clone(), own);
        Some(Reservation { memory: Arc::clone(self), account: account.clone(), bytes })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut in_use = self.memory.in_use.lock();
        in_use.total -= self.bytes;
        if let Some(own) = in_use.by_account.get_mut(&self.account) {
            *own -= self.bytes;
            if *own == 0 {
                in_use.by_account.remove(&self.account);
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
        let memory = Arc::new(Memory { most: 1_000, in_use: Mutex::default() });
        let (noisy, quiet, other) = (account("noisy"), account("quiet"), account("other"));
        let take_all = |account: &Account| -> Vec<Reservation> {
            std::iter::from_fn(|| memory.take(account, 10)).collect()
        };
        let first = take_all(&noisy);
        assert_eq!(first.len(), 50);
        let second = take_all(&quiet);
        assert_eq!(second.len(), 25);
        // Zero bytes can always be reserved.
        assert!(memory.take(&noisy, 0).is_some());
        let third = memory.take(&other, 120).unwrap();
        assert!(memory.take(&other, 20).is_none());
        drop(first);
        assert_eq!(take_all(&other).len(), 25);
        drop((second, third));
        let in_use = memory.in_use.lock();
        assert!(in_use.total == 0 && in_use.by_account.is_empty());
    }
}
