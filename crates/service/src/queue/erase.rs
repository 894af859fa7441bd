//! Erasure: removing what the queue keeps of one person.

use super::broker::{Bucket, MessageStream};
use super::connection::Queue;
use super::error::{QueueError, ask};
use super::lane::Lane;
use super::record::Record;
use super::replies::Told;
use super::scan::Scan;
use super::set_up::{CHANGES_DEAD_SUBJECT, CHANGES_RETRY, DEAD_SUBJECT};
use crate::account::Account;
use crate::data_subject::{DataSubject, is_opt_out};
use crate::key::OptInKey;
use crate::outcome::Outcome;
use crate::renaming::Renaming;
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
    /// What people were answered and asked, and told last.
    Answers,
    /// Dead letters.
    DeadLetters,
    /// Changes that a platform refused.
    ChangesDeadLetters,
    /// Outcomes, and changes of WhatsApp's ids.
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
        let dead = (self.dead_letters.as_ref(), format!("{DEAD_SUBJECT}.{account}.*"));
        let is_of = |message: &[u8]| subject.is_of_message(message);
        self.erase_dead(dead, is_of, settings, (Place::DeadLetters, &mut erasure)).await?;
        let refused = format!("{CHANGES_DEAD_SUBJECT}.{account}.*");
        // Last: an operator may put one of the others there meanwhile.
        let to_retry = format!("{refused}.{CHANGES_RETRY}");
        for filter in [refused, to_retry] {
            let is_of = |message: &[u8]| subject.is_of_change(message);
            let place = (Place::ChangesDeadLetters, &mut erasure);
            self.erase_dead((self.changes_dead.as_ref(), filter), is_of, settings, place).await?;
        }
        let is_of = |key: &OptInKey, entry: &[u8]| is_outcome_of(subject, key, entry);
        let place = (Place::Outcomes, &mut erasure);
        self.erase_entries(self.outcomes.as_ref(), account, is_of, settings, place).await?;
        let is_of = |key: &OptInKey, entry: &[u8]| {
            let told = serde_json::from_slice::<Told>(entry);
            told.is_ok_and(|told| subject.has_mark(key, &told.people))
        };
        let place = (Place::Answers, &mut erasure);
        self.erase_entries(self.replies.as_ref(), account, is_of, settings, place).await?;
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

    /// Removes dead letters of a stream, on the subjects of a filter. `is_of` tells whether the message in one is the
    /// person's.
    async fn erase_dead(
        &self,
        (stream, filter): (&dyn MessageStream, String),
        is_of: impl Fn(&[u8]) -> bool,
        settings: ErasureSettings,
        (place, erasure): (Place, &mut Erasure),
    ) -> Result<(), QueueError> {
        /// A dead letter may be of a newer version.
        #[derive(Deserialize)]
        struct Letter {
            #[serde(alias = "opt_in")]
            message: Box<RawValue>,
        }
        let mut scan = Scan::begin(self.connection(), stream, filter, "read the dead letters").await?;
        loop {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            for (sequence, message) in page {
                let letter = serde_json::from_slice::<Letter>(&message.payload);
                let dead =
                    letter.as_ref().map_or(&*message.payload, |letter| letter.message.get().as_bytes());
                if !is_of(dead) {
                    continue;
                }
                if !settings.opt_outs && is_opt_out(dead) {
                    erasure.keep(place);
                    continue;
                }
                if !settings.is_dry {
                    self.delete(stream, sequence).await?;
                }
                erasure.remove(place);
            }
        }
        scan.end().await;
        Ok(())
    }

    /// Removes entries of a bucket. `is_of` tells whether the one under a key is the person's.
    async fn erase_entries(
        &self,
        bucket: &dyn Bucket,
        account: &Account,
        is_of: impl Fn(&OptInKey, &[u8]) -> bool,
        settings: ErasureSettings,
        (place, erasure): (Place, &mut Erasure),
    ) -> Result<(), QueueError> {
        let filter = format!("{}{account}.*", bucket.prefix());
        let mut scan = Scan::begin(self.connection(), bucket.stream(), filter, "read the entries").await?;
        loop {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            for (sequence, message) in page {
                let key = message.subject.strip_prefix(bucket.prefix());
                let Some(key) = key.and_then(|key| key.parse::<OptInKey>().ok()) else { continue };
                // The mark of a deleted entry is empty.
                if message.payload.is_empty() || !is_of(&key, &message.payload) {
                    continue;
                }
                if settings.is_dry || self.purge(bucket, &key.to_string(), sequence).await? {
                    erasure.remove(place);
                }
            }
        }
        scan.end().await;
        Ok(())
    }

    /// Deletes a message, whose bytes JetStream overwrites. It may be gone already.
    async fn delete(&self, stream: &dyn MessageStream, sequence: u64) -> Result<(), QueueError> {
        ask(self.connection(), "remove a message", stream.delete(sequence)).await.map(drop)
    }

    /// Removes the entry of a bucket with this revision, and leaves no mark in its place. False: it is gone, or has a newer
    /// revision, which stays.
    pub(super) async fn purge(
        &self,
        bucket: &dyn Bucket,
        key: &str,
        revision: u64,
    ) -> Result<bool, QueueError> {
        let subject = format!("{}{key}", bucket.prefix());
        let purge = bucket.stream().purge_below(subject, revision.saturating_add(1));
        Ok(ask(self.connection(), "remove an entry", purge).await? > 0)
    }
}

/// Whether an entry of the bucket of outcomes is about a person.
fn is_outcome_of(subject: &DataSubject, key: &OptInKey, entry: &[u8]) -> bool {
    let Ok(Record { outcome, people, .. }) = serde_json::from_slice(entry) else {
        return match serde_json::from_slice::<Renaming>(entry) {
            Ok(_) => subject.is_of_message(entry),
            Err(_) => subject.is_in_text(entry),
        };
    };
    let profile = match &outcome {
        Outcome::Done(receipt) => receipt.profile_id.as_deref(),
        Outcome::OptedOut(receipt) => receipt.profile_id.as_deref(),
        Outcome::Resumed(receipt) => receipt.profile_id.as_deref(),
        Outcome::Dead(_) | Outcome::Waiting | Outcome::Dropped => None,
    };
    subject.has_mark(key, &people) || profile.is_some_and(|id| subject.is_profile(id))
}
