//! Dead letters: opt-ins that could not be done, kept with the reason until an operator decides.

use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, to_json};
use super::lane::Lane;
use super::record::Record;
use super::scan::Scan;
use super::set_up::DEAD_SUBJECT;
use crate::account::Account;
use crate::data_subject;
use crate::id::OptInId;
use crate::key::OptInKey;
use crate::outcome::{Outcome, Reason};
use async_nats::HeaderMap;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, Value};
use tokio::time::Instant;

/// A dead letter, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetterBody {
    /// The opt-in, the opt-out, the resume or the event, as it was in the queue. Of a message that is no JSON, or is too long, it is
    /// a string: the base64 of its beginning.
    pub opt_in: Box<RawValue>,
    /// The lane that it was in, and goes back to when it is retried.
    #[serde(default)]
    pub lane: Lane,
    /// Why it is not done.
    pub error: Reason,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, in RFC 3339.
    pub since: String,
    /// The sequences at which front doors have accepted the opt-in. None if an older version, which did not
    /// store them, has written this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<u64>,
}

/// A dead letter, with its place in JetStream.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The key of its opt-in.
    pub key: OptInKey,
    /// Its sequence in the stream of dead letters.
    pub sequence: u64,
    /// What is stored.
    pub body: DeadLetterBody,
}

impl DeadLetter {
    /// The id under which the opt-in was accepted.
    #[must_use]
    pub fn id(&self) -> OptInId {
        OptInId { key: self.key.clone(), sequence: self.body.sequences.first().copied() }
    }

    /// All that an operator is shown of it, as JSON.
    #[must_use]
    pub fn document(&self) -> Value {
        let DeadLetterBody { opt_in, lane, error, attempts, since, sequences: _ } = &self.body;
        // JSON that is deeper, or has larger numbers, than most programs can read becomes a string.
        let opt_in = serde_json::from_str(opt_in.get()).unwrap_or_else(|_| Value::from(opt_in.get()));
        json!({
            "id": self.id().to_string(), "lane": lane, "opt_in": opt_in, "error": error, "attempts": attempts,
            "since": since,
        })
    }
}

impl Queue {
    /// Writes a dead letter. Writing it again replaces it.
    pub(crate) async fn write_dead_letter(
        &self,
        key: &OptInKey,
        body: &DeadLetterBody,
    ) -> Result<(), QueueError> {
        let letter = to_json("a dead letter", body)?;
        // The semaphore is never closed.
        let _permit = self.outcome_permits.acquire().await;
        let written = self.broker.publish(subject(key), HeaderMap::new(), letter.into());
        ask(self.connection(), "keep a dead letter", written).await.map(drop)
    }

    /// The dead letters, of one account or all, oldest first.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead(&self, account: Option<&Account>) -> Result<Vec<DeadLetter>, QueueError> {
        self.first_dead(account, usize::MAX).await
    }

    /// The same, and no more than so many.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn first_dead(
        &self,
        account: Option<&Account>,
        most: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let filter = format!("{DEAD_SUBJECT}.{}.*", account.map_or("*", Account::as_str));
        let mut scan =
            Scan::begin(self.connection(), self.dead_letters.as_ref(), filter, "read the dead letters")
                .await?;
        let mut letters = Vec::new();
        while letters.len() < most {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            letters.extend(
                page.iter()
                    .filter_map(|(sequence, message)| letter(&message.subject, &message.payload, *sequence)),
            );
        }
        scan.end().await;
        letters.truncate(most);
        Ok(letters)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead_letter(&self, key: &OptInKey) -> Result<Option<DeadLetter>, QueueError> {
        let last = self.dead_letters.last_of(subject(key));
        let last = ask(self.connection(), "find a dead letter", last).await?;
        Ok(last.and_then(|last| letter(&last.subject, &last.payload, last.sequence)))
    }

    /// The dead letter of an opt-in by the id under which it was accepted.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn find_dead_letter(&self, id: &OptInId) -> Result<Option<DeadLetter>, QueueError> {
        // A dead letter that an older version wrote does not have the sequence of its opt-in.
        let is_its = |letter: &DeadLetter| {
            let sequences = &letter.body.sequences;
            id.sequence.is_none_or(|sequence| sequences.is_empty() || sequences.contains(&sequence))
        };
        Ok(self.dead_letter(&id.key).await?.filter(is_its))
    }

    /// The number of dead letters.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead_letters(&self) -> Result<u64, QueueError> {
        Ok(ask(self.connection(), "count the dead letters", self.dead_letters.state()).await?.messages)
    }

    /// Puts the opt-in of a dead letter into the queue again. If this is interrupted, it can be repeated: the
    /// dead letter is removed last. False: someone else has decided about it since it was read.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn retry(&self, letter: &DeadLetter) -> Result<bool, QueueError> {
        // The outcome comes first: a worker that finds this opt-in settled removes it from the queue.
        let is_open = self.decide(letter, &Outcome::Waiting).await?;
        if is_open {
            let opt_in = Bytes::copy_from_slice(letter.body.opt_in.get().as_bytes());
            // A second retry of this dead letter is a duplicate. The opt-in itself, with its own id, is none.
            let id = format!("{}/{}", letter.key, letter.sequence);
            self.publish(letter.body.lane, &letter.key, &id, opt_in, Instant::now() + PUT).await?;
        }
        self.remove(letter).await?;
        Ok(is_open)
    }

    /// Drops a dead letter. False: someone else has decided about it since it was read.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn give_up(&self, letter: &DeadLetter) -> Result<bool, QueueError> {
        let is_open = self.decide(letter, &Outcome::Dropped).await?;
        self.remove(letter).await?;
        Ok(is_open)
    }

    /// Writes the decision about a dead letter as the outcome of its opt-in. False: the dead letter is gone,
    /// or the opt-in has another outcome since. A late decision changes neither.
    async fn decide(&self, letter: &DeadLetter, decision: &Outcome) -> Result<bool, QueueError> {
        loop {
            // A second dead letter of the opt-in may have replaced this one.
            let letters = self.dead_letter(&letter.key).await?;
            if letters.is_none_or(|there| there.sequence != letter.sequence) {
                return Ok(false);
            }
            let now = self.find_record(&letter.key).await?;
            match now.as_ref().map(|now| &now.outcome) {
                // The same decision was interrupted before it removed the dead letter.
                Some(now) if now == decision => return Ok(true),
                // An outcome is deleted after a week, a dead letter is not.
                Some(Outcome::Dead(_)) | None => {}
                // A retry was interrupted before the opt-in was in the queue, or before the dead letter was
                // removed.
                Some(Outcome::Waiting) => {}
                Some(Outcome::Done(_) | Outcome::OptedOut(_) | Outcome::Resumed(_) | Outcome::Dropped) => {
                    return Ok(false);
                }
            }
            let outcome = decision.clone();
            let decided = match now {
                Some(now) => Record { outcome, ..now },
                None => {
                    let people = data_subject::marks(&letter.key, letter.body.opt_in.get().as_bytes());
                    let sequences = letter.body.sequences.clone();
                    Record { outcome, sequences, people, attempts: None, revision: 0 }
                }
            };
            if self.settle(&letter.key, &decided).await? {
                return Ok(true);
            }
        }
    }

    async fn remove(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        // Someone else may have removed it.
        ask(self.connection(), "remove a dead letter", self.dead_letters.delete(letter.sequence))
            .await
            .map(drop)
    }
}

fn subject(key: &OptInKey) -> String {
    format!("{DEAD_SUBJECT}.{key}")
}

/// The dead letter in a message; none if it cannot be read.
fn letter(subject: &str, payload: &[u8], sequence: u64) -> Option<DeadLetter> {
    let key = subject.strip_prefix(DEAD_SUBJECT)?.strip_prefix('.')?.parse().ok()?;
    Some(DeadLetter { key, sequence, body: serde_json::from_slice(payload).ok()? })
}
