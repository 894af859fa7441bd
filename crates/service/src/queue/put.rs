//! Putting opt-ins into the queue.

use super::connection::{PUT, Queue};
use super::error::{QueueError, failed};
use super::request::until;
use super::set_up::OPT_INS_SUBJECT;
use crate::key::OptInKey;
use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use tokio::time::Instant;

/// How many opt-ins of one put are under way at once.
const AT_ONCE: usize = 256;

/// An opt-in is written to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// It was in the stream already.
    pub duplicate: bool,
}

impl Queue {
    /// Puts opt-ins into the queue, as the messages that [`OptIn::to_json`](crate::opt_in::OptIn::to_json)
    /// makes. The results have the same order. If one failed, its opt-in may be written all the same; to put
    /// it again is safe. It takes ten seconds at most.
    pub async fn put(&self, opt_ins: Vec<(OptInKey, Bytes)>) -> Vec<Result<Accepted, QueueError>> {
        let end = Instant::now() + PUT;
        if self.max_bytes.is_some()
            && let Err(full) = self.has_room(end).await
        {
            let full = Arc::new(full);
            return opt_ins.iter().map(|_| Err(QueueError::Refused(Arc::clone(&full)))).collect();
        }
        stream::iter(opt_ins)
            .map(|(key, opt_in)| async move { self.publish(&key, &key.to_string(), opt_in, end).await })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// Fails if the stream of opt-ins is full.
    async fn has_room(&self, end: Instant) -> Result<(), QueueError> {
        let what = "tell of the opt-ins";
        let info = until(&self.client(), what, end, self.opt_ins.get_info()).await?.map_err(failed(what))?;
        if self.is_full(&info) { Err(QueueError::Full) } else { Ok(()) }
    }

    /// Publishes an opt-in. JetStream drops another one with the same message id for ten minutes.
    pub(super) async fn publish(
        &self,
        key: &OptInKey,
        message_id: &str,
        opt_in: Bytes,
        end: Instant,
    ) -> Result<Accepted, QueueError> {
        let subject = format!("{OPT_INS_SUBJECT}.{}", key.account);
        let message = PublishMessage::build().payload(opt_in).message_id(message_id);
        let published = async {
            // The semaphore is never closed.
            let _permit = self.put_permits.acquire().await;
            self.context.send_publish(subject, message).await?.await
        };
        let what = "acknowledge an opt-in";
        let written = until(&self.client(), what, end, published).await?.map_err(failed(what))?;
        Ok(Accepted { sequence: written.sequence, duplicate: written.duplicate })
    }
}

/// Whether a front door has put a message under this key. The message id of a retried dead letter is longer.
pub(super) fn is_put_as(headers: &HeaderMap, key: &OptInKey) -> bool {
    let id = headers.get(async_nats::header::NATS_MESSAGE_ID).map(|id| id.as_str());
    id == Some(key.to_string().as_str())
}
