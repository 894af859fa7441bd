//! What became of opt-ins, written to the queue.

use super::held::Held;
use super::pause;
use super::status::Status;
use crate::account::Account;
use crate::opt_in::Key;
use crate::queue::{Dead, Queue, QueueError, Record};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// The place of its message in the stream.
    pub(super) place: u64,
    pub(super) key: Key,
    /// The outcome, as it is to be written.
    pub(super) record: Record,
    /// The dead letter that goes with the outcome.
    pub(super) letter: Option<Dead>,
}

/// The outcomes of a worker that could not be written yet, by account. Klaviyo has done what they say, so before
/// Klaviyo is asked for more of that account, they are written.
#[derive(Default)]
pub(super) struct Unwritten {
    accounts: Mutex<HashMap<Account, Vec<Settled>>>,
    /// When one was written the last time; none when writing failed since.
    written: Mutex<Option<Instant>>,
}

impl Unwritten {
    fn accounts(&self) -> MutexGuard<'_, HashMap<Account, Vec<Settled>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Option<Instant>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what became of the opt-ins of one account.
#[derive(Clone, Copy)]
pub(super) struct Settler<'a> {
    pub(super) queue: &'a Queue,
    pub(super) account: &'a Account,
    pub(super) held: &'a Held,
    pub(super) status: &'a Status,
    pub(super) unwritten: &'a Unwritten,
}

impl Settler<'_> {
    /// Writes the outcome, then takes the message off the queue. An outcome that cannot be written is kept, and comes
    /// first the next time.
    pub(super) async fn settle(&self, settled: Settled) -> Result<(), QueueError> {
        match self.queue.settle(&settled.key, &settled.record).await {
            Ok(true) => *self.unwritten.written() = Some(Instant::now()),
            Ok(false) => {
                // Somebody else has, or it was dropped or put back: it is looked at anew.
                self.held.give_back(settled.place, Duration::ZERO).await;
                return Ok(());
            }
            Err(error) => {
                *self.unwritten.written() = None;
                self.unwritten.accounts().entry(self.account.clone()).or_default().push(settled);
                return Err(error);
            }
        }
        let Settled { place, key, letter, .. } = settled;
        match letter {
            Some(letter) => self.bury(place, &key, &letter).await,
            None => {
                self.status.ended("done");
                self.held.acknowledge(place).await
            }
        }
    }

    /// Writes a dead letter, then takes the message off the queue. A letter that cannot be written holds up itself and
    /// nothing else: it comes again later.
    pub(super) async fn bury(&self, place: u64, key: &Key, letter: &Dead) -> Result<(), QueueError> {
        if let Err(error) = self.queue.bury(key, letter).await {
            warn!(
                account = %self.account, %key, error = &error as &dyn Error,
                "a dead letter cannot be written, and is tried again; has KLAVIYO_DEAD room for it?"
            );
            self.status.ended("unwritten");
            self.held.give_back(place, pause(letter.attempts)).await;
            return Ok(());
        }
        self.status.ended("dead");
        self.held.acknowledge(place).await
    }

    /// Writes what could not be written before.
    pub(super) async fn catch_up(&self) -> Result<(), QueueError> {
        let unwritten = self.unwritten.accounts().remove(self.account).unwrap_or_default();
        // Those that cannot be written now are kept again.
        let written = stream::iter(unwritten).map(|settled| self.settle(settled)).buffer_unordered(AT_ONCE);
        let results: Vec<Result<(), QueueError>> = written.collect().await;
        results.into_iter().collect()
    }

    /// Whether the outcomes of so many opt-ins could be written now. Klaviyo is not asked for what could not be noted.
    pub(super) async fn prove(&self, count: usize) -> Result<(), QueueError> {
        let is_fresh = self.unwritten.written().is_some_and(|at| at.elapsed() < FRESH);
        if is_fresh {
            return Ok(());
        }
        self.queue.prove(self.account, count.saturating_mul(OUTCOME_BYTES)).await?;
        *self.unwritten.written() = Some(Instant::now());
        Ok(())
    }
}
