//! Erasure: removing what the queue keeps of one person.

use super::connection::Queue;
use super::error::{QueueError, ask, failed, within};
use super::lane::Lane;
use super::record::Record;
use super::scan::Scan;
use super::set_up::{CHANGES_DEAD_SUBJECT, DEAD_SUBJECT};
use crate::account::Account;
use crate::data_subject::{DataSubject, is_opt_out};
use crate::key::OptInKey;
use crate::outcome::Outcome;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{DeleteMessageErrorKind, Stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use strum::{Display, EnumIter, IntoEnumIterator};

/// A place where the queue keeps something of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Display, EnumIter, Serialize)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Place {
    /// Opt-outs and resumes that wait.
    OptOuts,
    /// Opt-ins that wait.
    OptIns,
    /// Delivery events that wait.
    Events,
    /// Replies that wait.
    Replies,
    /// Dead letters.
    DeadLetters,
    /// Changes that a platform refused.
    ChangesDeadLetters,
    /// Outcomes.
    Outcomes,
    /// The last words of people.
    People,
}

impl From<Lane> for Place {
    fn from(lane: Lane) -> Self {
        match lane {
            Lane::OptOuts => Self::OptOuts,
            Lane::OptIns => Self::OptIns,
            Lane::Events => Self::Events,
            Lane::Replies => Self::Replies,
        }
    }
}

/// How much an erasure does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasureSettings {
    /// Remove opt-outs too: those that wait, those that are dead letters, and when the person has opted out. Without this
    /// they stay: Klaviyo is still to be told of the first two, and the last one stands against opt-ins that come late.
    pub opt_outs: bool,
    /// Only count.
    pub is_dry: bool,
}

/// What an erasure has found of a person, by place: every place is in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// How much it removed or, of a dry one, would remove.
    pub removed: BTreeMap<Place, u64>,
    /// How much stays: opt-outs. An entry of [`Place::People`] of which a part was removed is in both.
    pub kept: BTreeMap<Place, u64>,
}

impl Erasure {
    fn new() -> Self {
        let none: BTreeMap<Place, u64> = Place::iter().map(|place| (place, 0)).collect();
        Self { removed: none.clone(), kept: none }
    }

    fn remove(&mut self, place: Place) {
        *self.removed.entry(place).or_default() += 1;
    }

    fn keep(&mut self, place: Place) {
        *self.kept.entry(place).or_default() += 1;
    }
}

/// Something that was found in a stream that keeps its messages.
enum Found {
    Kept,
    Removable(u64),
}

impl Queue {
    /// Removes what the queue keeps of a person in an account. Doing it again, also after a failure, removes what is
    /// left and what has come since.
    ///
    /// A message that a worker has in hand is removed from its lane, and the worker may still bring it to its end, with
    /// all that comes of it: its outcome, a dead letter, a reply, the person's last word.
    ///
    /// # Errors
    /// When JetStream cannot be asked, or a newer version wrote the person's last word. A part may be removed then.
    pub async fn erase(
        &self,
        account: &Account,
        subject: &DataSubject,
        settings: ErasureSettings,
    ) -> Result<Erasure, QueueError> {
        let mut erasure = Erasure::new();
        // In the order in which one comes of another.
        for lane in [Lane::OptIns, Lane::OptOuts, Lane::Events, Lane::Replies] {
            self.erase_waiting(account, lane, subject, settings, &mut erasure).await?;
        }
        self.erase_dead_letters(account, subject, settings, &mut erasure).await?;
        self.erase_changes(account, subject, settings, &mut erasure).await?;
        self.erase_outcomes(account, subject, settings, &mut erasure).await?;
        for identifier in subject.identifiers() {
            let (is_removed, is_kept) = self.forget_person(account, identifier, settings).await?;
            if is_removed {
                erasure.remove(Place::People);
            }
            if is_kept {
                erasure.keep(Place::People);
            }
        }
        Ok(erasure)
    }

    async fn erase_waiting(
        &self,
        account: &Account,
        lane: Lane,
        subject: &DataSubject,
        settings: ErasureSettings,
        erasure: &mut Erasure,
    ) -> Result<(), QueueError> {
        let is_kept = |message: &[u8]| lane == Lane::OptOuts && !settings.opt_outs && is_opt_out(message);
        let kept = AtomicU64::new(0);
        let found = self.find_waiting(account, lane, |message| {
            let is_found = subject.is_of_message(&message.payload);
            let stays = is_found && is_kept(&message.payload);
            kept.fetch_add(stays.into(), Ordering::Relaxed);
            is_found && !stays
        });
        for sequence in found.await? {
            if !settings.is_dry {
                self.delete(self.lanes.stream(lane), sequence).await?;
            }
            erasure.remove(lane.into());
        }
        erasure.kept.insert(lane.into(), kept.into_inner());
        Ok(())
    }

    async fn erase_dead_letters(
        &self,
        account: &Account,
        subject: &DataSubject,
        settings: ErasureSettings,
        erasure: &mut Erasure,
    ) -> Result<(), QueueError> {
        /// A dead letter may be of a newer version.
        #[derive(Deserialize)]
        struct Letter {
            opt_in: Box<RawValue>,
        }
        let filter = format!("{DEAD_SUBJECT}.{account}.*");
        let look = |payload: &[u8]| {
            let letter = serde_json::from_slice::<Letter>(payload);
            let message = letter.as_ref().map_or(payload, |letter| letter.opt_in.get().as_bytes());
            subject.is_of_message(message).then(|| !settings.opt_outs && is_opt_out(message))
        };
        self.erase_from(&self.dead_letters, filter, look, settings, (Place::DeadLetters, erasure)).await
    }

    async fn erase_changes(
        &self,
        account: &Account,
        subject: &DataSubject,
        settings: ErasureSettings,
        erasure: &mut Erasure,
    ) -> Result<(), QueueError> {
        #[derive(Deserialize)]
        struct Letter {
            message: Box<RawValue>,
        }
        let filter = format!("{CHANGES_DEAD_SUBJECT}.{account}.*");
        let look = |payload: &[u8]| {
            let letter = serde_json::from_slice::<Letter>(payload);
            let message = letter.as_ref().map_or(payload, |letter| letter.message.get().as_bytes());
            subject.is_of_change(message).then_some(false)
        };
        self.erase_from(&self.changes_dead, filter, look, settings, (Place::ChangesDeadLetters, erasure))
            .await
    }

    /// Removes messages from a stream that keeps them. `look` tells whether one is found, and whether it stays.
    async fn erase_from(
        &self,
        stream: &Stream,
        filter: String,
        look: impl Fn(&[u8]) -> Option<bool>,
        settings: ErasureSettings,
        (place, erasure): (Place, &mut Erasure),
    ) -> Result<(), QueueError> {
        let mut scan = Scan::begin(self.client(), stream, filter, "read the dead letters").await?;
        loop {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            let found = page.iter().filter_map(|(sequence, message)| {
                let is_kept = look(&message.payload)?;
                Some(if is_kept { Found::Kept } else { Found::Removable(*sequence) })
            });
            for found in found {
                match found {
                    Found::Kept => erasure.keep(place),
                    Found::Removable(sequence) => {
                        if !settings.is_dry {
                            self.delete(stream, sequence).await?;
                        }
                        erasure.remove(place);
                    }
                }
            }
        }
        scan.end().await;
        Ok(())
    }

    async fn erase_outcomes(
        &self,
        account: &Account,
        subject: &DataSubject,
        settings: ErasureSettings,
        erasure: &mut Erasure,
    ) -> Result<(), QueueError> {
        let stream = &self.outcomes.stream;
        let filter = format!("{}{account}.*", self.outcomes.prefix);
        let mut scan = Scan::begin(self.client(), stream, filter, "read the outcomes").await?;
        loop {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            for (sequence, message) in page {
                let key = message.subject.strip_prefix(self.outcomes.prefix.as_str());
                let Some(key) = key.and_then(|key| key.parse::<OptInKey>().ok()) else { continue };
                if !is_outcome_of(subject, &key, &message.payload) {
                    continue;
                }
                if settings.is_dry || self.purge(&self.outcomes, &key.to_string(), sequence).await? {
                    erasure.remove(Place::Outcomes);
                }
            }
        }
        scan.end().await;
        Ok(())
    }

    /// Deletes a message, whose bytes JetStream overwrites. It may be gone already.
    async fn delete(&self, stream: &Stream, sequence: u64) -> Result<(), QueueError> {
        let what = "remove a message";
        match within(&self.client(), what, stream.delete_message(sequence)).await? {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), DeleteMessageErrorKind::JetStream(_)) => Ok(()),
            Err(error) => Err(failed(what)(error)),
        }
    }

    /// Removes the entry of a bucket with this revision, and leaves no mark in its place. False: it is gone, or has a newer
    /// revision, which stays.
    pub(super) async fn purge(&self, bucket: &Store, key: &str, revision: u64) -> Result<bool, QueueError> {
        let subject = format!("{}{key}", bucket.prefix);
        let purge = bucket.stream.purge().filter(subject).sequence(revision.saturating_add(1));
        Ok(ask(&self.client(), "remove an entry", purge.into_future()).await?.purged > 0)
    }
}

/// Whether an entry of the bucket of outcomes is about a person.
fn is_outcome_of(subject: &DataSubject, key: &OptInKey, entry: &[u8]) -> bool {
    // The mark of a deleted entry is empty.
    if entry.is_empty() {
        return false;
    }
    let Ok(Record { outcome, people, .. }) = serde_json::from_slice(entry) else {
        return subject.is_in_text(entry);
    };
    let profile = match &outcome {
        Outcome::Done(receipt) => receipt.profile_id.as_deref(),
        Outcome::OptedOut(receipt) => receipt.profile_id.as_deref(),
        Outcome::Resumed(receipt) => receipt.profile_id.as_deref(),
        Outcome::Dead(_) | Outcome::Waiting | Outcome::Dropped => None,
    };
    subject.is_of_outcome(key, &people, profile)
}
