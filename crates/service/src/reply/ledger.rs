//! What was answered already, so that nothing is answered twice.

use super::answered::Answered;
use super::pending::Reply;
use crate::key::OptInKey;
use crate::queue::{Queue, QueueError};
use lru::LruCache;
use parking_lot::Mutex;

/// Whether a reply may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// By whoever asked, and by nobody else.
    Made,
    /// It was claimed before.
    Repeated,
    /// The person was told the opposite about a later message.
    Outdated,
}

/// Remembers which replies are sent or may be, and what each person was told last.
pub(crate) trait Ledger {
    /// Claims a reply, before it is sent.
    fn claim(&self, reply: &Reply) -> impl Future<Output = Result<Claim, QueueError>> + Send;

    /// Gives a claim back: the reply was certainly not sent.
    fn release(&self, reply: &Reply) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// The bucket of replies: all processes share it.
impl Ledger for Queue {
    async fn claim(&self, reply: &Reply) -> Result<Claim, QueueError> {
        if !self.note_answer(reply).await? {
            return Ok(Claim::Outdated);
        }
        let is_first = self.claim_reply(reply).await?;
        Ok(if is_first { Claim::Made } else { Claim::Repeated })
    }

    async fn release(&self, reply: &Reply) -> Result<(), QueueError> {
        self.release_reply(&reply.key()).await
    }
}

/// The memory of one process: it knows the last [`MemoryLedger::MOST`] replies, and so many people, since it started.
#[derive(Debug)]
pub(crate) struct MemoryLedger(Mutex<Known>);

#[derive(Debug)]
struct Known {
    claimed: LruCache<OptInKey, ()>,
    /// By person.
    answered: LruCache<OptInKey, Answered>,
}

impl MemoryLedger {
    /// Some 40 MB.
    const MOST: usize = 100_000;
}

impl Default for MemoryLedger {
    fn default() -> Self {
        // Neither takes its room before it is needed.
        let known = Known { claimed: LruCache::unbounded(), answered: LruCache::unbounded() };
        Self(Mutex::new(known))
    }
}

/// Adds an entry, and forgets the one that was used least lately if there are too many.
fn put<V>(cache: &mut LruCache<OptInKey, V>, key: OptInKey, value: V) {
    cache.put(key, value);
    if cache.len() > MemoryLedger::MOST {
        cache.pop_lru();
    }
}

impl Ledger for MemoryLedger {
    async fn claim(&self, reply: &Reply) -> Result<Claim, QueueError> {
        let (mut known, key, person) = (self.0.lock(), reply.key(), reply.person_key());
        let mut answered = known.answered.get(&person).cloned().unwrap_or_default();
        if !answered.add(reply) {
            return Ok(Claim::Outdated);
        }
        put(&mut known.answered, person, answered);
        if known.claimed.contains(&key) {
            return Ok(Claim::Repeated);
        }
        put(&mut known.claimed, key, ());
        Ok(Claim::Made)
    }

    async fn release(&self, reply: &Reply) -> Result<(), QueueError> {
        self.0.lock().claimed.pop(&reply.key());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::conversation::Conversation;
    use crate::moment::Moment;
    use crate::reply::{Details, ReplyKind};

    fn reply(id: usize, kind: ReplyKind, at: i64) -> Reply {
        let number = Some(format!("9198{id}"));
        Reply {
            account: Account::default(),
            id: format!("wamid.{id}.{at}"),
            kind,
            at: Moment::from_unix_ms(at),
            conversation: Box::new(Conversation { number, ..Conversation::default() }),
            first_name: None,
            address: None,
            details: Details::default(),
        }
    }

    #[tokio::test]
    async fn the_memory_has_an_end_and_knows_the_last_ones() {
        let ledger = MemoryLedger::default();
        let claim = async |id, kind, at| ledger.claim(&reply(id, kind, at)).await.unwrap();
        for id in 0..=MemoryLedger::MOST {
            assert_eq!(claim(id, ReplyKind::OptedOut, 2).await, Claim::Made);
        }
        assert_eq!(claim(1, ReplyKind::OptedOut, 2).await, Claim::Repeated);
        assert_eq!(claim(1, ReplyKind::OnList, 1).await, Claim::Outdated);
        ledger.release(&reply(1, ReplyKind::OptedOut, 2)).await.unwrap();
        assert_eq!(claim(1, ReplyKind::OptedOut, 2).await, Claim::Made);
        // The first one is forgotten.
        assert_eq!(claim(0, ReplyKind::OnList, 1).await, Claim::Made);
        assert_eq!(claim(0, ReplyKind::OptedOut, 2).await, Claim::Made);
        let known = ledger.0.lock();
        assert_eq!((known.claimed.len(), known.answered.len()), (MemoryLedger::MOST, MemoryLedger::MOST));
    }
}
