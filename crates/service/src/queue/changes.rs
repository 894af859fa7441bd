//! What the feeds of changes keep of where each reading goes on; and the wakes that front doors send when Klaviyo's webhook
//! comes, and operators when a change is to be sent again.

use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, failed, until, within};
use super::set_up::CHANGES_SUBJECT;
use crate::account::Account;
use async_nats::Subscriber;
use async_nats::jetstream::kv::{self, Operation};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

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
}
