//! Replies: those that wait to be sent, and those that are claimed.

use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, failed, to_json, until, within};
use super::lane::Lane;
use crate::key::OptInKey;
use crate::reply::{Answered, Reply};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::kv::{CreateErrorKind, UpdateErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use tokio::time::Instant;

impl Queue {
    /// Puts a reply into the lane of replies, where it waits to be sent. Put again within ten minutes it is the same one,
    /// and later the claim tells that it was sent.
    ///
    /// # Errors
    /// [`QueueError::Full`] when the stream does not take it.
    pub(crate) async fn put_reply(&self, reply: &Reply) -> Result<(), QueueError> {
        let what = "take a reply";
        let message = PublishMessage::build().payload(reply.to_json()).message_id(reply.key().to_string());
        let published = async {
            // The semaphore is never closed.
            let _permit = self.put_permits.acquire().await;
            self.context.send_publish(Lane::Replies.subject_of(&reply.account), message).await?.await
        };
        match until(&self.client(), what, Instant::now() + PUT, published).await? {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == PublishErrorKind::TimedOut => Err(QueueError::TimedOut(what)),
            Err(error) if error.kind() == PublishErrorKind::BrokenPipe => Err(QueueError::Away),
            Err(_) => Err(QueueError::Full(Lane::Replies)),
        }
    }

    /// Claims a reply: whoever does may send it. False: it is claimed already.
    ///
    /// # Errors
    /// When JetStream cannot be asked. The reply may be claimed all the same.
    pub(crate) async fn claim_reply(&self, key: &OptInKey) -> Result<bool, QueueError> {
        let what = "keep that a reply is sent";
        match within(&self.client(), what, self.replies.create(key.to_string(), Bytes::new())).await? {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(what)(error)),
        }
    }

    /// Notes that a person is about to be told this. False: about a later message the person was told the opposite.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn note_answer(&self, reply: &Reply) -> Result<bool, QueueError> {
        let (what, key) = ("keep what a person was told", reply.person_key().to_string());
        loop {
            let entry = ask(&self.client(), what, self.replies.entry(key.clone())).await?;
            let revision = entry.as_ref().map_or(0, |entry| entry.revision);
            // A newer version may have written it in another way.
            let known = entry.and_then(|entry| serde_json::from_slice::<Answered>(&entry.value).ok());
            let known = known.unwrap_or_default();
            let mut answered = known.clone();
            if !answered.add(reply) {
                return Ok(false);
            }
            if answered == known {
                return Ok(true);
            }
            let update = self.replies.update(&key, to_json(what, &answered)?.into(), revision);
            match within(&self.client(), what, update).await? {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {}
                Err(error) => return Err(failed(what)(error)),
            }
        }
    }

    /// Gives back the claim of a reply that was certainly not sent.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn release_reply(&self, key: &OptInKey) -> Result<(), QueueError> {
        ask(&self.client(), "take back that a reply is sent", self.replies.delete(key.to_string())).await
    }
}
