//! What was answered already, so that nothing is answered twice.

use crate::key::OptInKey;
use crate::queue::{Queue, QueueError};
use parking_lot::Mutex;
use std::collections::{HashSet, VecDeque};

/// Remembers which replies are sent or may be.
pub(crate) trait Ledger {
    /// Claims a reply, before it is sent. False: it is claimed already, and is not to be sent.
    fn claim(&self, key: &OptInKey) -> impl Future<Output = Result<bool, QueueError>> + Send;

    /// Gives a claim back: the reply was certainly not sent.
    fn release(&self, key: &OptInKey) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// The bucket of replies: all processes share it.
impl Ledger for Queue {
    async fn claim(&self, key: &OptInKey) -> Result<bool, QueueError> {
        self.claim_reply(key).await
    }

    async fn release(&self, key: &OptInKey) -> Result<(), QueueError> {
        self.release_reply(key).await
    }
}

/// The memory of one process: it knows the last [`MemoryLedger::MOST`] replies, since it started.
#[derive(Debug, Default)]
pub(crate) struct MemoryLedger(Mutex<(HashSet<OptInKey>, VecDeque<OptInKey>)>);

impl MemoryLedger {
    /// Some 20 MB.
    const MOST: usize = 100_000;
}

impl Ledger for MemoryLedger {
    async fn claim(&self, key: &OptInKey) -> Result<bool, QueueError> {
        let mut known = self.0.lock();
        let (claimed, order) = &mut *known;
        if !claimed.insert(key.clone()) {
            return Ok(false);
        }
        order.push_back(key.clone());
        if order.len() > Self::MOST
            && let Some(oldest) = order.pop_front()
        {
            claimed.remove(&oldest);
        }
        Ok(true)
    }

    async fn release(&self, key: &OptInKey) -> Result<(), QueueError> {
        let mut known = self.0.lock();
        known.0.remove(key);
        known.1.retain(|claimed| claimed != key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    #[tokio::test]
    async fn the_memory_has_an_end_and_knows_the_last_ones() {
        let ledger = MemoryLedger::default();
        let key = |n: usize| OptInKey::new(&Account::default(), &n.to_string());
        for n in 0..=MemoryLedger::MOST {
            assert!(ledger.claim(&key(n)).await.unwrap());
        }
        assert!(!ledger.claim(&key(1)).await.unwrap());
        ledger.release(&key(1)).await.unwrap();
        assert!(ledger.claim(&key(1)).await.unwrap());
        // The first one is forgotten.
        assert!(ledger.claim(&key(0)).await.unwrap());
        let known = ledger.0.lock();
        assert_eq!(known.0.len(), known.1.len());
    }
}
