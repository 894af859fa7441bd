//! What the feeds of changes keep of where each reading goes on; and the wakes that front doors send when Klaviyo's webhook
//! comes, and operators when a change is to be sent again.

use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, failed, until};
use super::put::message_id;
use super::set_up::CHANGES_SUBJECT;
use crate::account::Account;
use bytes::Bytes;
use futures_util::stream::BoxStream;
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
        let entry = ask(self.connection(), what, self.changes.entry(format!("{account}.{source}"))).await?;
        let Some((value, revision)) = entry.and_then(|entry| Some((entry.value?, entry.revision))) else {
            return Ok(None);
        };
        Ok(Some((serde_json::from_slice(&value).map_err(failed(what))?, revision)))
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
        let written = match revision {
            // An entry that an operator has deleted leaves a mark, which has a revision of its own.
            0 => self.changes.create(key, entry.into()),
            revision => self.changes.update(key, entry.into(), revision),
        };
        let written = ask(self.connection(), what, written).await?;
        written.ok_or_else(|| failed(what)("another worker has written it meanwhile"))
    }

    /// Publishes a message about a change. It is done when a stream of the platform's has written it, which drops a
    /// second message with the same id while its window for duplicates lasts.
    pub(crate) async fn publish_change(
        &self,
        subject: &str,
        id: &str,
        body: Bytes,
    ) -> Result<(), QueueError> {
        let published = self.broker.publish(subject.to_owned(), message_id(id), body);
        let what = "acknowledge a change";
        until(self.connection(), what, Instant::now() + PUT, published).await?.map(drop).map_err(failed(what))
    }

    /// Asks the worker of an account to look for changes now. Nothing comes of it where no worker listens.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn wake_changes(&self, account: &Account) -> Result<(), QueueError> {
        let subject = format!("{CHANGES_SUBJECT}.{account}");
        ask(self.connection(), "pass a wake on", self.broker.notify(subject)).await
    }

    /// The wakes of an account from now on.
    pub(crate) async fn changes_wakes(
        &self,
        account: &Account,
    ) -> Result<BoxStream<'static, ()>, QueueError> {
        let subject = format!("{CHANGES_SUBJECT}.{account}");
        ask(self.connection(), "pass wakes on", self.broker.listen(subject)).await
    }
}
