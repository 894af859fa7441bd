//! Entries of buckets that are read, changed, and written unless somebody else has written them meanwhile.

use super::broker::Bucket;
use super::connection::Queue;
use super::error::{QueueError, ask, to_json};
use crate::key::OptInKey;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a bucket has under a key.
pub(super) struct Entry<V> {
    /// None: there is no entry, or it was deleted.
    pub(super) value: Option<V>,
    /// 0 if there never was an entry. A deleted one leaves a mark, which has a revision of its own.
    pub(super) revision: u64,
}

impl Queue {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`QueueError::Unreadable`] is about this entry alone; all others are about the queue.
    pub(super) async fn read_entry<V: DeserializeOwned>(
        &self,
        bucket: &dyn Bucket,
        what: &'static str,
        key: &OptInKey,
    ) -> Result<Entry<V>, QueueError> {
        let found = ask(self.connection(), what, bucket.entry(key.to_string())).await?;
        let revision = found.as_ref().map_or(0, |entry| entry.revision);
        let value = match found.and_then(|entry| entry.value) {
            Some(value) => {
                let value = serde_json::from_slice(&value);
                Some(value.map_err(|_| QueueError::Unreadable(key.clone()))?)
            }
            None => None,
        };
        Ok(Entry { value, revision })
    }

    /// Writes an entry over the one of this revision. False: somebody else has written it since.
    pub(super) async fn write_entry<V: Serialize>(
        &self,
        bucket: &dyn Bucket,
        what: &'static str,
        key: &OptInKey,
        value: &V,
        revision: u64,
    ) -> Result<bool, QueueError> {
        // The semaphore is never closed.
        let _permit = self.outcome_permits.acquire().await;
        let update = bucket.update(key.to_string(), to_json("an entry", value)?.into(), revision);
        Ok(ask(self.connection(), what, update).await?.is_some())
    }

    /// Changes an entry, and returns what the change does. The change is made again if somebody else has written the
    /// entry meanwhile; what changes nothing is not written.
    ///
    /// # Errors
    /// As [`Queue::read_entry`].
    pub(super) async fn change_entry<V: DeserializeOwned + Serialize + Default + Clone + PartialEq, T>(
        &self,
        bucket: &dyn Bucket,
        what: &'static str,
        key: &OptInKey,
        change: impl Fn(&mut V) -> T,
    ) -> Result<T, QueueError> {
        loop {
            let Entry { value, revision } = self.read_entry::<V>(bucket, what, key).await?;
            let known = value.unwrap_or_default();
            let mut changed = known.clone();
            let result = change(&mut changed);
            if changed == known || self.write_entry(bucket, what, key, &changed, revision).await? {
                return Ok(result);
            }
        }
    }
}
