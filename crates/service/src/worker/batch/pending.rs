//! Which deliveries are still to be done: each is read, and settled at once if it has an outcome or cannot be
//! done.

use super::attempt::{AT_ONCE, Batch, Stop};
use super::item::{Item, dead_letter};
use crate::data_subject;
use crate::delivery_event::DeliveryEvent;
use crate::key::OptInKey;
use crate::opt_out::{OptOut, Resume};
use crate::outcome::{Outcome, Reason};
use crate::queue::{Delivery, QueueEntry, QueueError, Record};
use crate::renaming::Renaming;
use crate::worker::in_flight::pause;
use crate::worker::settle::{Settled, Settler};
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_host::types::Code;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// What is to be done, by its kind.
#[derive(Default)]
pub(super) struct AllPending {
    pub(super) opt_ins: Vec<Item>,
    pub(super) opt_outs: Vec<Item<OptOut>>,
    pub(super) resumes: Vec<Item<Resume>>,
    pub(super) events: Vec<Item<DeliveryEvent>>,
    pub(super) renamings: Vec<Item<Renaming>>,
}

/// An item that is to be done.
enum Pending {
    OptIn(Box<Item>),
    OptOut(Item<OptOut>),
    Resume(Item<Resume>),
    Event(Item<DeliveryEvent>),
    Renaming(Item<Renaming>),
}

impl Pending {
    fn key_sequence_and_attempts(&self) -> (&OptInKey, u64, u32) {
        match self {
            Self::OptIn(item) => (&item.key, item.sequence, item.attempts),
            Self::OptOut(item) => (&item.key, item.sequence, item.attempts),
            Self::Resume(item) => (&item.key, item.sequence, item.attempts),
            Self::Event(item) => (&item.key, item.sequence, item.attempts),
            Self::Renaming(item) => (&item.key, item.sequence, item.attempts),
        }
    }
}

impl Batch<'_> {
    /// The items that are to be done, each key once. `deliveries` are messages with how often each was tried,
    /// this attempt included.
    pub(super) async fn parse_and_dedupe(
        &self,
        deliveries: Vec<(Arc<Delivery>, u32)>,
    ) -> Result<AllPending, Stop> {
        let all = stream::iter(deliveries);
        let all = all.map(|(delivery, attempts)| self.pending(delivery, attempts)).buffered(AT_ONCE);
        let all: Vec<Pending> = all.try_filter_map(async |pending| Ok(pending)).try_collect().await?;
        let (mut seen, mut found) = (HashSet::new(), AllPending::default());
        for pending in all {
            let (key, sequence, attempts) = pending.key_sequence_and_attempts();
            if !seen.insert(key.clone()) {
                // When this message is delivered again, the first one with its key has an outcome.
                self.settler.in_flight.nak(sequence, pause(attempts)).await;
                continue;
            }
            match pending {
                Pending::OptIn(item) => found.opt_ins.push(*item),
                Pending::OptOut(item) => found.opt_outs.push(item),
                Pending::Resume(item) => found.resumes.push(item),
                Pending::Event(item) => found.events.push(item),
                Pending::Renaming(item) => found.renamings.push(item),
            }
        }
        Ok(found)
    }

    /// The item of a delivery; none if there is nothing to do any more.
    async fn pending(&self, delivery: Arc<Delivery>, attempts: u32) -> Result<Option<Pending>, Stop> {
        let Settler { account, in_flight, .. } = self.settler;
        let sequence = delivery.sequence();
        let Some((key, entry)) = delivery.read() else {
            return self.give_up_foreign(&delivery, attempts).await.map(|()| None);
        };
        let (accepted, deliveries) = (delivery.published(), delivery.deliveries());
        if let QueueEntry::Event(request) = entry {
            // It has no outcome.
            let (revision, sequences) = (0, vec![sequence]);
            let item = Item { sequence, key, request, revision, sequences, accepted, attempts, deliveries };
            return Ok(Some(Pending::Event(item)));
        }
        if let QueueEntry::Renaming(request) = entry {
            let (revision, sequences) = (0, vec![sequence]);
            let item = Item { sequence, key, request, revision, sequences, accepted, attempts, deliveries };
            return Ok(Some(Pending::Renaming(item)));
        }
        let Some((revision, sequences)) = self.accepted_at(&key, &delivery, attempts).await? else {
            return Ok(None);
        };
        let reason = match entry {
            QueueEntry::OptIn(request) => {
                let request = *request;
                let item =
                    Item { sequence, key, request, revision, sequences, accepted, attempts, deliveries };
                return Ok(Some(Pending::OptIn(Box::new(item))));
            }
            QueueEntry::OptOut(request) => {
                let item =
                    Item { sequence, key, request, revision, sequences, accepted, attempts, deliveries };
                return Ok(Some(Pending::OptOut(item)));
            }
            QueueEntry::Resume(request) => {
                let item =
                    Item { sequence, key, request, revision, sequences, accepted, attempts, deliveries };
                return Ok(Some(Pending::Resume(item)));
            }
            QueueEntry::Event(_) | QueueEntry::Renaming(_) => return Ok(None),
            QueueEntry::Invalid(invalid) => Reason::new(Code::InvalidInput, invalid.to_string()),
            QueueEntry::Newer if attempts < self.max_attempts.get() => {
                in_flight.failed(&[sequence]);
                warn!(%account, %key, "an opt-in says what this version does not know; update this worker");
                in_flight.nak(sequence, pause(attempts)).await;
                return Ok(None);
            }
            QueueEntry::Newer => {
                let message = "the opt-in says what this version of the worker does not know; update the workers to \
                               the version of the front doors, then retry it";
                Reason::new(Code::InvalidInput, message)
            }
        };
        let body =
            dead_letter(delivery.payload(), self.settler.lane, reason.clone(), attempts, sequences.clone());
        let people = data_subject::marks(&key, delivery.payload());
        let (outcome, attempts) = (Outcome::Dead(reason), Some(attempts));
        let record = Record { outcome, sequences, people, attempts, revision };
        self.settler.settle(vec![Settled { sequence, key, record, dead_letter: Some(body) }]).await?;
        Ok(None)
    }

    /// The revision of a message's outcome, and the sequences at which it was accepted. None: it has a final
    /// outcome, or one that this version cannot read, and is off this batch.
    async fn accepted_at(
        &self,
        key: &OptInKey,
        delivery: &Delivery,
        attempts: u32,
    ) -> Result<Option<(u64, Vec<u64>)>, Stop> {
        let Settler { queue, account, in_flight, .. } = self.settler;
        let sequence = delivery.sequence();
        let record = match queue.find_record(key).await {
            // A newer version wrote it and can read it. The other items do not wait for that.
            Err(error @ QueueError::Unreadable(_)) => {
                warn!(%account, %error, "an opt-in is left for later");
                in_flight.nak(sequence, pause(attempts)).await;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
            Ok(None) => return Ok(Some((0, vec![sequence]))),
            Ok(Some(record @ Record { outcome: Outcome::Waiting, .. })) => {
                // A retried dead letter has a sequence that no front door has told anybody.
                let accepted = delivery.is_accepted_as(key);
                let Record { revision, sequences, .. } =
                    if accepted { record.accepted_at(sequence) } else { record };
                return Ok(Some((revision, sequences)));
            }
            Ok(Some(record)) => record,
        };
        // If this fails with an error, the opt-in is settled all the same; only the id with this sequence is
        // unknown.
        if let Ok(false) = queue.add_sequence(key, &record, sequence).await {
            in_flight.nak(sequence, Duration::ZERO).await;
            return Ok(None);
        }
        // The worker that wrote this outcome may have ended before it replied.
        self.settler.reply(sequence, &record.outcome).await?;
        match record {
            // The worker that wrote this outcome may have ended before it wrote the dead letter. This worker
            // may not be allowed to read dead letters, and writes it again, with its reason and its attempts: a
            // consumer that was made anew since has counted from the beginning.
            Record { outcome: Outcome::Dead(reason), sequences, attempts: tried, .. } => {
                let attempts = tried.unwrap_or(attempts);
                let body = dead_letter(delivery.payload(), self.settler.lane, reason, attempts, sequences);
                self.settler.write_dead_letter(sequence, key, &body).await?;
            }
            Record { .. } => in_flight.ack(sequence).await?,
        }
        Ok(None)
    }

    /// Makes a dead letter of a message that no front door has written.
    async fn give_up_foreign(&self, delivery: &Delivery, attempts: u32) -> Result<(), Stop> {
        let sequence = delivery.sequence();
        // The text is longer than the id of any opt-in, so that no opt-in has this key.
        let key = OptInKey::new(self.settler.account, &format!("message {sequence:0>200}"));
        let message =
            "the message is not an opt-in that a front door has written; find out who writes to the queue";
        let reason = Reason::new(Code::InvalidInput, message);
        let body = dead_letter(delivery.payload(), self.settler.lane, reason, attempts, vec![sequence]);
        Ok(self.settler.write_dead_letter(sequence, &key, &body).await?)
    }
}
