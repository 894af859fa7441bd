//! The bucket of outcomes: one entry for each opt-in that has an outcome.

use super::connection::Queue;
use super::entry::Entry;
use super::error::{QueueError, ask};
use super::lane::Lane;
use super::put::is_put_as;
use crate::account::Account;
use crate::key::OptInKey;
use crate::outcome::Outcome;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// The most sequences of an opt-in that are kept.
const MAX_SEQUENCES: usize = 32;
/// The size of a probe, in bytes: more than the mark that it leaves, and less than a message may have.
const PROBE: std::ops::RangeInclusive<usize> = 1 << 10..=512 << 10;

const FIND: &str = "find an outcome";

/// The outcome of an opt-in, and the sequences at which it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The sequences in the stream of opt-ins at which front doors have accepted it. None if an older
    /// version, which did not store them, has written this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sequences: Vec<u64>,
    /// The marks of the person: see [`marks`](crate::data_subject::marks). Neither the key nor the outcome tells whose it
    /// is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) people: Vec<String>,
    /// How often it was tried until it was given up. None of one that was not given up, or if an older version, which did
    /// not store it, has written this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u32>,
    /// The revision of the entry in the bucket; 0 if there is none yet.
    #[serde(skip)]
    pub(crate) revision: u64,
}

impl Record {
    /// Whether the opt-in was accepted at this sequence.
    pub(crate) fn is_of(&self, sequence: u64) -> bool {
        self.sequences.is_empty() || self.sequences.contains(&sequence)
    }

    /// The record with one more sequence, unless there are [`MAX_SEQUENCES`] already.
    pub(crate) fn accepted_at(mut self, sequence: u64) -> Self {
        if !self.is_of(sequence) && self.sequences.len() < MAX_SEQUENCES {
            self.sequences.push(sequence);
        }
        self
    }
}

impl Queue {
    /// The outcome of an opt-in that was accepted at this sequence of the stream; none if no opt-in was, or
    /// if its outcome is older than a week.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn outcome(&self, key: &OptInKey, sequence: u64) -> Result<Option<Outcome>, QueueError> {
        let record = self.find_record(key).await?;
        if let Some(record) = record.as_ref().filter(|record| record.is_of(sequence)) {
            return Ok(Some(record.outcome.clone()));
        }
        if self.waits(key, sequence).await? {
            // If it has an outcome, it was accepted once more; the worker adds this sequence soon.
            return Ok(Some(record.map_or(Outcome::Waiting, |record| record.outcome)));
        }
        // It may have been settled between the two questions.
        let record = self.find_record(key).await?.filter(|record| record.is_of(sequence));
        Ok(record.map(|record| record.outcome))
    }

    /// Whether the message at this sequence, of opt-ins or of opt-outs, is this one, as a front door has put it.
    async fn waits(&self, key: &OptInKey, sequence: u64) -> Result<bool, QueueError> {
        if sequence == 0 {
            // Sequences begin with 1, and JetStream takes 0 for a question without one.
            return Ok(false);
        }
        for lane in [Lane::OptIns, Lane::OptOuts] {
            let message = self.lanes.stream(lane).at(sequence);
            let message = ask(self.connection(), "find an opt-in", message).await?;
            if message.is_some_and(|message| is_put_as(&message.headers, key)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The record of an opt-in, if it has an outcome.
    ///
    /// # Errors
    /// [`QueueError::Unreadable`] is about this opt-in alone; all others are about the queue.
    pub(crate) async fn find_record(&self, key: &OptInKey) -> Result<Option<Record>, QueueError> {
        let Entry { value, revision } = self.read_entry(self.outcomes.as_ref(), FIND, key).await?;
        Ok(value.map(|record: Record| Record { revision, ..record }))
    }

    /// Writes the outcome of an opt-in over the one of its revision. False: another process has settled it
    /// since.
    pub(crate) async fn settle(&self, key: &OptInKey, record: &Record) -> Result<bool, QueueError> {
        if self.update(key, record, record.revision).await? {
            return Ok(true);
        }
        if record.revision != 0 {
            return Ok(false);
        }
        match self.read_entry::<IgnoredAny>(self.outcomes.as_ref(), FIND, key).await? {
            Entry { value: None, revision } => self.update(key, record, revision).await,
            Entry { value: Some(IgnoredAny), .. } => Ok(false),
        }
    }

    async fn update(&self, key: &OptInKey, record: &Record, revision: u64) -> Result<bool, QueueError> {
        self.write_entry(self.outcomes.as_ref(), "keep an outcome", key, record, revision).await
    }

    /// Adds a sequence to the record of a settled opt-in, so that callers can ask for it by that id too.
    /// False: the record has changed since it was read.
    pub(crate) async fn add_sequence(
        &self,
        key: &OptInKey,
        record: &Record,
        sequence: u64,
    ) -> Result<bool, QueueError> {
        let added = record.clone().accepted_at(sequence);
        if added == *record { Ok(true) } else { self.settle(key, &added).await }
    }

    /// Fails if so many bytes of outcomes could not be written for an account: they are written and removed
    /// again. So Klaviyo is not asked for anything whose outcome would be lost.
    pub(crate) async fn probe_outcomes(&self, account: &Account, bytes: usize) -> Result<(), QueueError> {
        // No opt-in has this key. The mark that a probe leaves is smaller than a probe, so a full bucket does
        // not take the next probe in its place.
        let key = format!("{account}.proof");
        let room = Bytes::from(vec![b' '; bytes.clamp(*PROBE.start(), *PROBE.end())]);
        ask(self.connection(), "keep an outcome", self.outcomes.put(key.clone(), room)).await?;
        ask(self.connection(), "take a proof away", self.outcomes.purge(key)).await
    }
}
