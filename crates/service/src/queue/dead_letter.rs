//! Opt-ins that could not be done: kept with their reason until somebody decides.

use super::{DEAD_SUBJECT, PUT, Queue, QueueError, Record, ask, failed, within};
use crate::account::Account;
use crate::id::OptInId;
use crate::key::OptInKey;
use crate::outcome::{Outcome, Reason};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

/// How many letters are read at once.
const PAGE: usize = 1_000;

/// A dead letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetterBody {
    /// The opt-in, or the opt-out, as it was in the queue. A message that is no JSON, or is too long for a letter, is a
    /// string: the base64 of how it begins.
    pub opt_in: Box<RawValue>,
    /// Why it is not done.
    pub error: Reason,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up: RFC 3339.
    pub since: String,
    /// Where the opt-in was in the stream, each time that a front door accepted it. None: an older version has written
    /// this, and did not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<u64>,
}

/// A dead letter, and where it is.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its name.
    pub key: OptInKey,
    /// Its place in the stream.
    pub sequence: u64,
    /// What it says.
    pub body: DeadLetterBody,
}

impl DeadLetter {
    /// The id that the opt-in was accepted under.
    #[must_use]
    pub fn id(&self) -> OptInId {
        OptInId { key: self.key.clone(), sequence: self.body.sequences.first().copied() }
    }
}

impl Queue {
    /// Writes a dead letter. Writing it again replaces it.
    pub(crate) async fn write_dead_letter(
        &self,
        key: &OptInKey,
        dead: &DeadLetterBody,
    ) -> Result<(), QueueError> {
        let letter = serde_json::to_vec(dead).map_err(failed("get a dead letter that can be written"))?;
        let message = PublishMessage::build().payload(letter.into());
        // It is never closed.
        let _turn = self.outcome_permits.acquire().await;
        let written = async { self.context.send_publish(subject(key), message).await?.await };
        ask(&self.client(), "keep a dead letter", written).await.map(drop)
    }

    /// The dead letters, of one account or all, oldest first.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead(&self, account: Option<&Account>) -> Result<Vec<DeadLetter>, QueueError> {
        let account = account.map_or("*", Account::as_str);
        let config = pull::Config {
            filter_subject: format!("{DEAD_SUBJECT}.{account}.*"),
            ack_policy: AckPolicy::None,
            deliver_policy: DeliverPolicy::All,
            memory_storage: true,
            ..pull::Config::default()
        };
        let reading = "read the dead letters";
        let consumer = ask(&self.client(), reading, self.dead.create_consumer(config)).await?;
        let mut letters = Vec::new();
        loop {
            let before = letters.len();
            let page = consumer.fetch().max_messages(PAGE).messages();
            let mut page = ask(&self.client(), reading, page).await?;
            while let Some(message) = within(&self.client(), reading, page.next()).await? {
                let message = message.map_err(failed(reading))?;
                let sequence = message.info().map_err(failed("number a dead letter"))?.stream_sequence;
                letters.extend(letter(&message.subject, &message.payload, sequence));
            }
            if letters.len() == before {
                break;
            }
        }
        // It would be gone after five seconds by itself.
        let delete = self.dead.delete_consumer(&consumer.cached_info().name);
        let _ = within(&self.client(), reading, delete).await;
        Ok(letters)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead_letter(&self, key: &OptInKey) -> Result<Option<DeadLetter>, QueueError> {
        let subject = subject(key);
        let last = self.dead.get_last_raw_message_by_subject(&subject);
        match within(&self.client(), "find a dead letter", last).await? {
            Ok(StreamMessage { subject, payload, sequence, .. }) => Ok(letter(&subject, &payload, sequence)),
            Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
            Err(error) => Err(failed("find a dead letter")(error)),
        }
    }

    /// How many there are.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead_letters(&self) -> Result<u64, QueueError> {
        let info = ask(&self.client(), "count the dead letters", self.dead.get_info()).await?;
        Ok(info.state.messages)
    }

    /// Puts a dead letter's opt-in into the queue again. Interrupted anywhere, it can be repeated: the opt-in is a dead
    /// letter until it waits. False: somebody else has decided about the letter since it was read.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn retry(&self, letter: &DeadLetter) -> Result<bool, QueueError> {
        // First the outcome: a worker that finds this opt-in settled drops it from the queue.
        let is_open = self.decide(letter, &Outcome::Waiting).await?;
        if is_open {
            let opt_in = Bytes::copy_from_slice(letter.body.opt_in.get().as_bytes());
            // The same letter again is a duplicate, but the opt-in is not one of what it was before.
            let id = format!("{}/{}", letter.key, letter.sequence);
            self.publish(&letter.key, &id, opt_in, Instant::now() + PUT).await?;
        }
        self.forget(letter).await?;
        Ok(is_open)
    }

    /// Gives a dead letter up. False: somebody else has decided about it since it was read.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn give_up(&self, letter: &DeadLetter) -> Result<bool, QueueError> {
        let is_open = self.decide(letter, &Outcome::Dropped).await?;
        self.forget(letter).await?;
        Ok(is_open)
    }

    /// Writes what was decided about a letter in the place of its outcome. False: the letter is not there any more, or
    /// its opt-in has ended since, and neither is to be changed by who comes late.
    async fn decide(&self, letter: &DeadLetter, decision: &Outcome) -> Result<bool, QueueError> {
        loop {
            // A second letter may have taken the place of this one.
            let letters = self.dead_letter(&letter.key).await?;
            if letters.is_none_or(|there| there.sequence != letter.sequence) {
                return Ok(false);
            }
            let now = self.find_record(&letter.key).await?;
            match now.as_ref().map(|now| &now.outcome) {
                // By who was interrupted then, before the letter was removed.
                Some(now) if now == decision => return Ok(true),
                // An outcome is forgotten after a week, a letter is not.
                Some(Outcome::Dead(_)) | None => {}
                // Who put it back was interrupted before it was in the queue, or before the letter was removed.
                Some(Outcome::Waiting) => {}
                Some(Outcome::Done(_) | Outcome::OptedOut(_) | Outcome::Dropped) => return Ok(false),
            }
            let outcome = decision.clone();
            let decided = match now {
                Some(now) => Record { outcome, ..now },
                None => Record { outcome, sequences: letter.body.sequences.clone(), revision: 0 },
            };
            if self.settle(&letter.key, &decided).await? {
                return Ok(true);
            }
        }
    }

    async fn forget(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        use async_nats::jetstream::stream::DeleteMessageErrorKind;
        let delete = self.dead.delete_message(letter.sequence);
        match within(&self.client(), "remove a dead letter", delete).await? {
            Ok(_) => Ok(()),
            // Somebody else was quicker.
            Err(error) if matches!(error.kind(), DeleteMessageErrorKind::JetStream(_)) => Ok(()),
            Err(error) => Err(failed("remove a dead letter")(error)),
        }
    }
}

fn subject(key: &OptInKey) -> String {
    format!("{DEAD_SUBJECT}.{key}")
}

/// None for what is no dead letter.
fn letter(subject: &str, payload: &[u8], sequence: u64) -> Option<DeadLetter> {
    let key = subject.strip_prefix(DEAD_SUBJECT)?.strip_prefix('.')?.parse().ok()?;
    Some(DeadLetter { key, sequence, body: serde_json::from_slice(payload).ok()? })
}
