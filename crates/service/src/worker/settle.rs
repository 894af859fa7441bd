//! Outcomes on their way into the queue's bucket.

use super::budget::Room;
use super::in_flight::{InFlight, pause};
use super::status::Status;
use crate::account::Account;
use crate::key::OptInKey;
use crate::outcome::Outcome;
use crate::queue::{DeadLetterBody, Lane, Queue, QueueError, Record};
use crate::reply::{Replier, Reply, ReplyEnd};
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

/// How many outcomes are written at once.
const AT_ONCE: usize = 256;
/// For how long after one outcome was written the bucket counts as writable.
const FRESH: Duration = Duration::from_secs(5);
/// Bytes of an outcome with what JetStream stores beside it. Most take less.
const OUTCOME_BYTES: usize = 512;

/// The outcome of one opt-in, to be written.
pub(super) struct Settled {
    /// The sequence of its message in the stream.
    pub(super) sequence: u64,
    pub(super) key: OptInKey,
    pub(super) record: Record,
    /// The dead letter that goes with the outcome.
    pub(super) dead_letter: Option<DeadLetterBody>,
}

/// The outcomes of a worker that are not written yet, by account and lane. Klaviyo has already done what they say. So
/// they are written before Klaviyo is asked for anything else of the account, even if the work was
/// interrupted.
#[derive(Default)]
pub(super) struct Unwritten {
    accounts: Mutex<HashMap<(Account, Lane), UnwrittenOfLane>>,
    /// When an outcome was written the last time; none if the last attempt failed.
    written: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct UnwrittenOfLane {
    /// By the sequences of their messages.
    settled: BTreeMap<u64, Arc<Settled>>,
    /// What they take of the worker's budget when their messages are not in flight any more.
    _room: Room,
}

impl Unwritten {
    fn add(&self, account: &Account, lane: Lane, settled: Vec<Settled>) {
        if settled.is_empty() {
            // An entry is removed with its last outcome, so an empty one would stay.
            return;
        }
        let settled = settled.into_iter().map(|settled| (settled.sequence, Arc::new(settled)));
        self.accounts.lock().entry((account.clone(), lane)).or_default().settled.extend(settled);
    }

    fn of(&self, account: &Account, lane: Lane) -> Vec<Arc<Settled>> {
        let accounts = self.accounts.lock();
        accounts
            .get(&(account.clone(), lane))
            .map(|own| own.settled.values().cloned().collect())
            .unwrap_or_default()
    }

    fn remove(&self, account: &Account, lane: Lane, sequence: u64) {
        let key = (account.clone(), lane);
        let mut accounts = self.accounts.lock();
        if let Some(own) = accounts.get_mut(&key) {
            own.settled.remove(&sequence);
            if own.settled.is_empty() {
                accounts.remove(&key);
            }
        }
    }

    /// Keeps the room of messages that are in flight no more, as long as an outcome of the account is not
    /// written.
    pub(super) fn keep_room(&self, account: &Account, lane: Lane, room: Room) {
        if let Some(own) = self.accounts.lock().get_mut(&(account.clone(), lane)) {
            own._room = room;
        }
    }
}

/// Writes the outcomes of a lane of one account.
#[derive(Clone, Copy)]
pub(super) struct Settler<'a> {
    pub(super) queue: &'a Queue,
    pub(super) account: &'a Account,
    pub(super) lane: Lane,
    pub(super) in_flight: &'a InFlight,
    pub(super) status: &'a Status,
    pub(super) unwritten: &'a Unwritten,
    pub(super) replier: &'a Replier,
}

impl Settler<'_> {
    /// Writes outcomes and acknowledges their messages. Outcomes that are not written, because the queue
    /// fails or the work is interrupted, are written first the next time.
    pub(super) async fn settle(&self, settled: Vec<Settled>) -> Result<(), QueueError> {
        self.unwritten.add(self.account, self.lane, settled);
        self.catch_up().await
    }

    /// Writes the outcomes that are not written yet. It ends with the first failure: the others would fail
    /// too, each after a while.
    pub(super) async fn catch_up(&self) -> Result<(), QueueError> {
        let unwritten = stream::iter(self.unwritten.of(self.account, self.lane));
        unwritten.map(|settled| self.write(settled)).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn write(&self, settled: Arc<Settled>) -> Result<(), QueueError> {
        let Settled { sequence, key, record, dead_letter } = settled.as_ref();
        let is_first = self.queue.settle(key, record).await;
        *self.unwritten.written.lock() = is_first.is_ok().then(Instant::now);
        let is_first = is_first?;
        self.unwritten.remove(self.account, self.lane, *sequence);
        match dead_letter {
            // Another worker settled it, or it was dropped or retried: it is read again.
            _ if !is_first => {
                self.in_flight.nak(*sequence, Duration::ZERO).await;
                Ok(())
            }
            Some(body) => {
                self.reply(*sequence, &record.outcome).await?;
                self.write_dead_letter(*sequence, key, body).await
            }
            None => {
                self.reply(*sequence, &record.outcome).await?;
                self.ended("done", *sequence);
                self.in_flight.ack(*sequence).await
            }
        }
    }

    /// Puts the replies to a message with an outcome into their lane, before the message is acknowledged: it is delivered
    /// again if that fails. The lane takes a reply twice only after ten minutes, and then it is known that it was sent.
    pub(super) async fn reply(&self, sequence: u64, outcome: &Outcome) -> Result<(), QueueError> {
        if self.replier.business_number(self.account).is_none() {
            return Ok(());
        }
        // A message that is in flight no more is delivered again, and replied to then.
        let Some(delivery) = self.in_flight.get(sequence) else { return Ok(()) };
        for reply in Reply::to(self.account, delivery.payload(), delivery.published(), outcome) {
            match self.queue.put_reply(&reply).await {
                Ok(()) => {}
                // Opt-ins do not wait for room for replies.
                Err(error @ QueueError::Full(_)) => {
                    warn!(account = %self.account, %error, "a reply is not sent");
                    self.status.ended(Lane::Replies, ReplyEnd::Dropped.into(), None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes a dead letter, then acknowledges the message. If the letter cannot be written, the message is
    /// delivered again later, and no other one waits for it.
    pub(super) async fn write_dead_letter(
        &self,
        sequence: u64,
        key: &OptInKey,
        body: &DeadLetterBody,
    ) -> Result<(), QueueError> {
        if let Err(error) = self.queue.write_dead_letter(key, body).await {
            warn!(
                account = %self.account, %key, error = &error as &dyn Error,
                "a dead letter cannot be written, and is tried again; has KLAVIYO_DEAD room for it?"
            );
            self.status.ended(self.lane, "unwritten", None);
            self.in_flight.nak(sequence, pause(body.attempts)).await;
            return Ok(());
        }
        let delivery = self.in_flight.get(sequence);
        let request = delivery.as_ref().and_then(|delivery| delivery.request_id());
        warn!(
            account = %self.account, lane = %self.lane, %key, request, code = body.error.code,
            "a dead letter: `klaviyo-connector dead` shows it, retries it or drops it"
        );
        self.status.died(self.lane, &body.error);
        self.ended("dead", sequence);
        self.in_flight.ack(sequence).await
    }

    /// Counts a message that is about to be acknowledged.
    pub(super) fn ended(&self, state: &'static str, sequence: u64) {
        let delivery = self.in_flight.get(sequence);
        let request = delivery.as_ref().and_then(|delivery| delivery.request_id());
        debug!(account = %self.account, lane = %self.lane, sequence, request, state, "a message has its outcome");
        self.status.ended(self.lane, state, delivery.as_ref().map(|delivery| delivery.published()));
    }

    /// Fails if the outcomes of so many opt-ins could not be written now: Klaviyo is not asked for anything
    /// whose outcome would be lost.
    pub(super) async fn probe_outcomes(&self, count: usize) -> Result<(), QueueError> {
        let is_fresh = self.unwritten.written.lock().is_some_and(|at| at.elapsed() < FRESH);
        if is_fresh {
            return Ok(());
        }
        self.queue.probe_outcomes(self.account, count.saturating_mul(OUTCOME_BYTES)).await?;
        *self.unwritten.written.lock() = Some(Instant::now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_an_account_with_nothing_unwritten_is_not_kept() {
        let (unwritten, account) = (Unwritten::default(), Account::default());
        unwritten.add(&account, Lane::OptIns, Vec::new());
        unwritten.keep_room(&account, Lane::OptIns, Room::default());
        assert!(unwritten.accounts.lock().is_empty());
    }
}
