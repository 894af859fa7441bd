//! Opt-ins that could not be done: kept with their reason until somebody decides.

use super::{DEAD_SUBJECT, Queue, QueueError, failed};
use crate::account::Account;
use crate::opt_in::Key;
use crate::outcome::{Outcome, Reason};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many letters are read at once.
const PAGE: usize = 1_000;

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dead {
    /// The opt-in, as it was in the queue.
    pub opt_in: Value,
    /// Why it is not done.
    pub error: Reason,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up: RFC 3339.
    pub since: String,
}

/// A dead letter, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// Its name.
    pub key: Key,
    /// Its place in the stream.
    pub sequence: u64,
    /// What it says.
    pub dead: Dead,
}

impl Queue {
    /// Writes a dead letter. Writing it again replaces it.
    pub(crate) async fn bury(&self, key: &Key, dead: &Dead) -> Result<(), QueueError> {
        let letter = serde_json::to_vec(dead).map_err(failed("get a dead letter that can be written"))?;
        let message = PublishMessage::build().payload(letter.into());
        let written = self.context.send_publish(subject(key), message).await;
        written.map_err(failed("take a dead letter"))?.await.map_err(failed("keep a dead letter"))?;
        Ok(())
    }

    /// The dead letters, of one account or all, oldest first.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead(&self, account: Option<&Account>) -> Result<Vec<Letter>, QueueError> {
        let account = account.map_or("*", Account::as_str);
        let config = pull::Config {
            filter_subject: format!("{DEAD_SUBJECT}.{account}.*"),
            ack_policy: AckPolicy::None,
            deliver_policy: DeliverPolicy::All,
            memory_storage: true,
            ..pull::Config::default()
        };
        let reading = "read the dead letters";
        let consumer = self.dead.create_consumer(config).await.map_err(failed(reading))?;
        let mut letters = Vec::new();
        loop {
            let before = letters.len();
            let mut page = consumer.fetch().max_messages(PAGE).messages().await.map_err(failed(reading))?;
            while let Some(message) = page.next().await {
                let message = message.map_err(failed(reading))?;
                let sequence = message.info().map_err(failed("number a dead letter"))?.stream_sequence;
                letters.extend(letter(&message.subject, &message.payload, sequence));
            }
            if letters.len() == before {
                break;
            }
        }
        // It would be gone after five seconds by itself.
        let _ = self.dead.delete_consumer(&consumer.cached_info().name).await;
        Ok(letters)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn dead_letter(&self, key: &Key) -> Result<Option<Letter>, QueueError> {
        match self.dead.get_last_raw_message_by_subject(&subject(key)).await {
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
        let info = self.dead.get_info().await.map_err(failed("count the dead letters"))?;
        Ok(info.state.messages)
    }

    /// Puts a dead letter's opt-in into the queue again. Interrupted anywhere, it can be repeated: the opt-in is a dead
    /// letter until it waits.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn retry(&self, letter: &Letter) -> Result<(), QueueError> {
        // First the outcome: a worker that finds this opt-in settled drops it from the queue.
        self.decide(letter, &Outcome::Waiting).await?;
        let opt_in =
            serde_json::to_vec(&letter.dead.opt_in).map_err(failed("get an opt-in that can be written"))?;
        // The same letter again is a duplicate, but the opt-in is not one of what it was before.
        let id = format!("{}/{}", letter.key, letter.sequence);
        let written = self.publish(&letter.key, &id, opt_in.into()).await?;
        written.await.map_err(failed("acknowledge an opt-in"))?;
        self.forget(letter).await
    }

    /// Gives a dead letter up.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn give_up(&self, letter: &Letter) -> Result<(), QueueError> {
        self.decide(letter, &Outcome::Dropped).await?;
        self.forget(letter).await
    }

    async fn decide(&self, letter: &Letter, outcome: &Outcome) -> Result<(), QueueError> {
        let value = serde_json::to_vec(outcome).map_err(failed("get an outcome that can be written"))?;
        let put = self.outcomes.put(letter.key.to_string(), value.into()).await;
        put.map(|_| ()).map_err(failed("keep an outcome"))
    }

    async fn forget(&self, letter: &Letter) -> Result<(), QueueError> {
        use async_nats::jetstream::stream::DeleteMessageErrorKind;
        match self.dead.delete_message(letter.sequence).await {
            Ok(_) => Ok(()),
            // Somebody else was quicker.
            Err(error) if matches!(error.kind(), DeleteMessageErrorKind::JetStream(_)) => Ok(()),
            Err(error) => Err(failed("remove a dead letter")(error)),
        }
    }
}

fn subject(key: &Key) -> String {
    format!("{DEAD_SUBJECT}.{key}")
}

/// None for what is no dead letter.
fn letter(subject: &str, payload: &[u8], sequence: u64) -> Option<Letter> {
    let key = subject.strip_prefix(DEAD_SUBJECT)?.strip_prefix('.')?.parse().ok()?;
    Some(Letter { key, sequence, dead: serde_json::from_slice(payload).ok()? })
}
