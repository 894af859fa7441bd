//! What became of opt-ins, written to the queue.

use super::budget::Room;
use super::in_flight::InFlight;
use super::pause;
use super::status::Status;
use crate::account::Account;
use crate::opt_in::OptInKey;
use crate::queue::{DeadLetterBody, Queue, QueueError, Record};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// How many are written at once.
const AT_ONCE: usize = 256;
/// How long after an outcome was written it is taken for granted that another one can be.
const FRESH: Duration = Duration::from_secs(5);
/// More than most outcomes have, with what JetStream keeps beside them.
const OUTCOME_BYTES: usize = 512;

/// What became of one opt-in.
pub(super) struct Settled {
    /// The sequence of its message in the stream.
    pub(super) sequence: u64,
    pub(super) key: OptInKey,
    /// The outcome, as it is to be written.
    pub(super) record: Record,
    /// The dead letter that goes with the outcome.
    pub(super) dead_letter: Option<DeadLetterBody>,
}

/// The outcomes of a worker that are not written yet, by account. Klaviyo has done what they say, so before Klaviyo is asked
/// for more of that account, they are written, whatever has interrupted the work since.
#[derive(Default)]
pub(super) struct Unwritten {
    accounts: Mutex<HashMap<Account, Kept>>,
    /// When one was written the last time; none when writing failed since.
    written: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Kept {
    /// By the sequences of their messages.
    settled: BTreeMap<u64, Arc<Settled>>,
    /// What they take of the worker's budget, when their messages are not held any more.
    _room: Room,
}

impl Unwritten {
    fn accounts(&self) -> MutexGuard<'_, HashMap<Account, Kept>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Option<Instant>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, account: &Account, settled: Vec<Settled>) {
        if settled.is_empty() {
            // What is kept of an account is taken away when the last of it is written.
            return;
        }
        let settled = settled.into_iter().map(|settled| (settled.sequence, Arc::new(settled)));
        self.accounts().entry(account.clone()).or_default().settled.extend(settled);
    }

    fn of(&self, account: &Account) -> Vec<Arc<Settled>> {
        self.accounts().get(account).map(|kept| kept.settled.values().cloned().collect()).unwrap_or_default()
    }

    fn forget(&self, account: &Account, sequence: u64) {
        let mut accounts = self.accounts();
        if let Some(kept) = accounts.get_mut(account) {
            kept.settled.remove(&sequence);
            if kept.settled.is_empty() {
                accounts.remove(account);
            }
        }
    }

    /// Keeps the room of messages that are held no more, as long as something of the account is not written.
    pub(super) fn keep_room(&self, account: &Account, room: Room) {
        if let Some(kept) = self.accounts().get_mut(account) {
            kept._room = room;
        }
    }
}

/// Writes what became of the opt-ins of one account.
#[derive(Clone, Copy)]
pub(super) struct Settler<'a> {
    pub(super) queue: &'a Queue,
    pub(super) account: &'a Account,
    pub(super) in_flight: &'a InFlight,
    pub(super) status: &'a Status,
    pub(super) unwritten: &'a Unwritten,
}

impl Settler<'_> {
    /// Writes outcomes, and takes their messages off the queue. Those that cannot be written, or are not when the work is
    /// broken off, come first the next time.
    pub(super) async fn settle(&self, settled: Vec<Settled>) -> Result<(), QueueError> {
        self.unwritten.keep(self.account, settled);
        self.catch_up().await
    }

    /// Writes what is not written yet. It ends with the first failure: the others would fail too, each after a while.
    pub(super) async fn catch_up(&self) -> Result<(), QueueError> {
        let unwritten = stream::iter(self.unwritten.of(self.account));
        unwritten.map(|settled| self.write(settled)).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn write(&self, settled: Arc<Settled>) -> Result<(), QueueError> {
        let Settled { sequence, key, record, dead_letter } = settled.as_ref();
        let is_first = self.queue.settle(key, record).await;
        *self.unwritten.written() = is_first.is_ok().then(Instant::now);
        let is_first = is_first?;
        self.unwritten.forget(self.account, *sequence);
        match dead_letter {
            // Somebody else has settled it, or it was dropped or put back: it is looked at anew.
            _ if !is_first => {
                self.in_flight.nak(*sequence, Duration::ZERO).await;
                Ok(())
            }
            Some(dead_letter) => self.write_dead_letter(*sequence, key, dead_letter).await,
            None => {
                self.status.ended("done");
                self.in_flight.ack(*sequence).await
            }
        }
    }

    /// Writes a dead dead_letter, then takes the message off the queue. A letter that cannot be written holds up itself and
    /// nothing else: it comes again later.
    pub(super) async fn write_dead_letter(
        &self,
        sequence: u64,
        key: &OptInKey,
        dead_letter: &DeadLetterBody,
    ) -> Result<(), QueueError> {
        if let Err(error) = self.queue.write_dead_letter(key, dead_letter).await {
            warn!(
                account = %self.account, %key, error = &error as &dyn Error,
                "a dead letter cannot be written, and is tried again; has KLAVIYO_DEAD room for it?"
            );
            self.status.ended("unwritten");
            self.in_flight.nak(sequence, pause(dead_letter.attempts)).await;
            return Ok(());
        }
        self.status.ended("dead");
        self.in_flight.ack(sequence).await
    }

    /// Whether the outcomes of so many opt-ins could be written now. Klaviyo is not asked for what could not be noted.
    pub(super) async fn probe_outcomes(&self, count: usize) -> Result<(), QueueError> {
        let is_fresh = self.unwritten.written().is_some_and(|at| at.elapsed() < FRESH);
        if is_fresh {
            return Ok(());
        }
        self.queue.probe_outcomes(self.account, count.saturating_mul(OUTCOME_BYTES)).await?;
        *self.unwritten.written() = Some(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_an_account_with_nothing_unwritten_is_not_kept() {
        let (unwritten, account) = (Unwritten::default(), Account::default());
        unwritten.keep(&account, Vec::new());
        unwritten.keep_room(&account, Room::default());
        assert!(unwritten.accounts().is_empty());
    }
}
