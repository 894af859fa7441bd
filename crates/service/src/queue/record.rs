//! What the bucket of outcomes has of an opt-in.

use super::{Queue, QueueError, ask, failed, within};
use crate::key::OptInKey;
use crate::outcome::Outcome;
use async_nats::jetstream::kv::{self, Operation};
use serde::{Deserialize, Serialize};

/// How many sequences are kept of an opt-in.
const MAX_SEQUENCES: usize = 32;

/// The outcome of an opt-in, and which ids it was accepted under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// Where it was in the stream of opt-ins, each time that a front door accepted it. None: an older version has written
    /// this, and did not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sequences: Vec<u64>,
    /// Of the entry in the bucket; 0: there is none yet.
    #[serde(skip)]
    pub(crate) revision: u64,
}

impl Record {
    /// Whether the opt-in was accepted at this sequence.
    pub(crate) fn is_of(&self, sequence: u64) -> bool {
        self.sequences.is_empty() || self.sequences.contains(&sequence)
    }

    /// With this sequence among those that it was accepted at. Who repeats an opt-in very often asks by one of the first.
    pub(crate) fn accepted_at(mut self, sequence: u64) -> Self {
        if !self.is_of(sequence) && self.sequences.len() < MAX_SEQUENCES {
            self.sequences.push(sequence);
        }
        self
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, QueueError> {
        serde_json::to_vec(self).map_err(failed("get an outcome that can be written"))
    }
}

impl Queue {
    /// The outcome of an opt-in, if it has one.
    ///
    /// # Errors
    /// [`QueueError::Unreadable`] is about this opt-in alone; all others are about the queue.
    pub(crate) async fn find_record(&self, key: &OptInKey) -> Result<Option<Record>, QueueError> {
        let Some(entry) = self.entry(key).await?.filter(|entry| entry.operation == Operation::Put) else {
            return Ok(None);
        };
        let record: Record =
            serde_json::from_slice(&entry.value).map_err(|_| QueueError::Unreadable(key.clone()))?;
        Ok(Some(Record { revision: entry.revision, ..record }))
    }

    /// Writes the outcome of an opt-in, if it has none but the one of this revision. Otherwise somebody else has settled
    /// it; that is false.
    pub(crate) async fn settle(&self, key: &OptInKey, record: &Record) -> Result<bool, QueueError> {
        if self.update(key, record, record.revision).await? {
            return Ok(true);
        }
        // An entry that somebody has deleted leaves a mark, with a revision of its own.
        let mark = if record.revision == 0 { self.entry(key).await? } else { None };
        match mark.filter(|entry| entry.operation != Operation::Put) {
            Some(mark) => self.update(key, record, mark.revision).await,
            None => Ok(false),
        }
    }

    async fn update(&self, key: &OptInKey, record: &Record, revision: u64) -> Result<bool, QueueError> {
        // It is never closed.
        let _turn = self.outcome_permits.acquire().await;
        let update = self.outcomes.update(key.to_string(), record.to_json()?.into(), revision);
        match within(&self.client(), "keep an outcome", update).await? {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(failed("keep an outcome")(error)),
        }
    }

    async fn entry(&self, key: &OptInKey) -> Result<Option<kv::Entry>, QueueError> {
        ask(&self.client(), "find an outcome", self.outcomes.entry(key.to_string())).await
    }

    /// Notes that a settled opt-in was accepted at this sequence too, so that it can be asked for by that id. False: it is
    /// settled otherwise by now, and is to be looked at anew.
    pub(crate) async fn add_sequence(
        &self,
        key: &OptInKey,
        record: &Record,
        sequence: u64,
    ) -> Result<bool, QueueError> {
        let noted = record.clone().accepted_at(sequence);
        if noted == *record { Ok(true) } else { self.settle(key, &noted).await }
    }
}
