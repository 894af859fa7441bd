//! What the feeds of changes keep: where each reading goes on, and the dead letters of changes; and the wakes that front
//! doors send when Klaviyo's webhook comes.

use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, failed, to_json, until, within};
use super::scan::Scan;
use super::set_up::{CHANGES_DEAD_SUBJECT, CHANGES_SUBJECT};
use crate::account::Account;
use crate::outcome::Reason;
use async_nats::Subscriber;
use async_nats::jetstream::kv::{self, Operation};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::DeleteMessageErrorKind;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

/// A change that its destination refused, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangesDeadLetter {
    /// The `webhook-id` of the message.
    pub id: String,
    /// The message.
    pub message: Box<RawValue>,
    /// What the destination answered.
    pub error: Reason,
    /// How often it was sent.
    pub attempts: u32,
    /// When it was given up, in RFC 3339.
    pub since: String,
}

impl ChangesDeadLetter {
    /// The dead letter of a message that was given up now.
    pub(crate) fn new(
        id: String,
        message: &[u8],
        error: Reason,
        attempts: u32,
    ) -> Result<Self, serde_json::Error> {
        let since = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        Ok(Self { id, message: serde_json::from_slice(message)?, error, attempts, since })
    }
}

impl Queue {
    /// Where the reading of a source of changes, such as `profiles`, goes on, with the revision of the entry; none before it has begun.
    pub(crate) async fn changes_position<T: DeserializeOwned>(
        &self,
        account: &Account,
        source: &str,
    ) -> Result<Option<(T, u64)>, QueueError> {
        let what = "tell where the changes go on";
        let entry = ask(&self.client(), what, self.changes.entry(format!("{account}.{source}"))).await?;
        let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put) else { return Ok(None) };
        Ok(Some((serde_json::from_slice(&entry.value).map_err(failed(what))?, entry.revision)))
    }

    /// Writes where the reading of a source goes on over the entry of a revision, 0 for none. Returns the new revision.
    /// It fails where another worker has written meanwhile.
    pub(crate) async fn keep_changes_position(
        &self,
        account: &Account,
        source: &str,
        entry: Vec<u8>,
        revision: u64,
    ) -> Result<u64, QueueError> {
        let what = "keep where the changes go on";
        let key = format!("{account}.{source}");
        if revision == 0 {
            // An entry that an operator has deleted leaves a mark, which has a revision of its own.
            let create = self.changes.create(key, entry.into());
            return ask(&self.client(), what, create).await;
        }
        let update = self.changes.update(key, entry.into(), revision);
        within(&self.client(), what, update).await?.map_err(|error: kv::UpdateError| failed(what)(error))
    }

    /// Publishes a message about a change. It is done when a stream of the platform's has written it, which drops a
    /// second message with the same id while its window for duplicates lasts.
    pub(crate) async fn publish_change(
        &self,
        subject: &str,
        id: &str,
        body: Bytes,
    ) -> Result<(), QueueError> {
        let message = PublishMessage::build().payload(body).message_id(id);
        let published = async { self.context.send_publish(subject.to_owned(), message).await?.await };
        let what = "acknowledge a change";
        until(&self.client(), what, Instant::now() + PUT, published).await?.map(drop).map_err(failed(what))
    }

    /// Asks the worker of an account to look for changes now. Nothing comes of it where no worker listens.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn wake_changes(&self, account: &Account) -> Result<(), QueueError> {
        let subject = format!("{CHANGES_SUBJECT}.{account}");
        ask(&self.client(), "pass a wake on", self.client().publish(subject, Bytes::new())).await
    }

    /// The wakes of an account from now on.
    pub(crate) async fn changes_wakes(&self, account: &Account) -> Result<Subscriber, QueueError> {
        let subject = format!("{CHANGES_SUBJECT}.{account}");
        ask(&self.client(), "pass wakes on", self.client().subscribe(subject)).await
    }

    /// Writes the dead letter of a change. Writing it again replaces it.
    pub(crate) async fn write_changes_dead_letter(
        &self,
        account: &Account,
        letter: &ChangesDeadLetter,
    ) -> Result<(), QueueError> {
        let subject = format!("{CHANGES_DEAD_SUBJECT}.{account}.{}", letter.id);
        let message = PublishMessage::build().payload(to_json("a dead letter", letter)?.into());
        let written = async { self.context.send_publish(subject, message).await?.await };
        ask(&self.client(), "keep a dead letter", written).await.map(drop)
    }

    /// The dead letters of changes, of one account or all, oldest first, each with its account and its sequence in the
    /// stream.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn changes_dead(
        &self,
        account: Option<&Account>,
    ) -> Result<Vec<(Account, u64, ChangesDeadLetter)>, QueueError> {
        let filter = format!("{CHANGES_DEAD_SUBJECT}.{}.*", account.map_or("*", Account::as_str));
        let mut scan =
            Scan::begin(self.client(), &self.changes_dead, filter, "read the dead letters").await?;
        let mut letters = Vec::new();
        loop {
            let page = scan.next_page().await?;
            if page.is_empty() {
                break;
            }
            letters.extend(page.iter().filter_map(|(sequence, message)| {
                let account = message.subject.split('.').nth_back(1)?.parse().ok()?;
                Some((account, *sequence, serde_json::from_slice(&message.payload).ok()?))
            }));
        }
        scan.end().await;
        Ok(letters)
    }

    /// The number of dead letters of changes.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn changes_dead_letters(&self) -> Result<u64, QueueError> {
        let info = ask(&self.client(), "count the dead letters", self.changes_dead.get_info()).await?;
        Ok(info.state.messages)
    }

    /// Drops the dead letter of a change. False: it is gone already.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn drop_changes_dead_letter(&self, sequence: u64) -> Result<bool, QueueError> {
        let what = "remove a dead letter";
        match within(&self.client(), what, self.changes_dead.delete_message(sequence)).await? {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), DeleteMessageErrorKind::JetStream(_)) => Ok(false),
            Err(error) => Err(failed(what)(error)),
        }
    }
}
