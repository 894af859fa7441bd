//! Replies: those that wait to be sent, and those that are claimed.

use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, to_json, until};
use super::lane::Lane;
use super::put::message_id;
use crate::data_subject;
use crate::key::OptInKey;
use crate::reply::{Answered, Reply};
use async_nats::jetstream::context::PublishErrorKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tokio::time::Instant;

/// An entry of the bucket of replies: a claim, or what a person was told last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(flatten)]
    answered: Answered,
    /// The marks of the person: see [`data_subject::marks`].
    #[serde(default)]
    pub(super) people: BTreeSet<String>,
}

/// The marks of the person of a reply.
fn marks(key: &OptInKey, reply: &Reply) -> BTreeSet<String> {
    data_subject::marks(key, &reply.to_json()).into_iter().collect()
}

impl Queue {
    /// Puts a reply into the lane of replies, where it waits to be sent. Put again within ten minutes it is the same one,
    /// and later the claim tells that it was sent.
    ///
    /// # Errors
    /// [`QueueError::Full`] when the stream does not take it.
    pub(crate) async fn put_reply(&self, reply: &Reply) -> Result<(), QueueError> {
        let what = "take a reply";
        let (subject, headers) =
            (Lane::Replies.subject_of(&reply.account), message_id(&reply.key().to_string()));
        let published = async {
            // The semaphore is never closed.
            let _permit = self.put_permits.acquire().await;
            self.broker.publish(subject, headers, reply.to_json()).await
        };
        match until(self.connection(), what, Instant::now() + PUT, published).await? {
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
    pub(crate) async fn claim_reply(&self, reply: &Reply) -> Result<bool, QueueError> {
        let (what, key) = ("keep that a reply is sent", reply.key());
        let claim = Told { answered: Answered::default(), people: marks(&key, reply) };
        let create = self.replies.create(key.to_string(), to_json("a claim", &claim)?.into());
        Ok(ask(self.connection(), what, create).await?.is_some())
    }

    /// Notes that a person is about to be told this. False: about a later message the person was told the opposite.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn note_answer(&self, reply: &Reply) -> Result<bool, QueueError> {
        let (what, key) = ("keep what a person was told", reply.person_key());
        let add = |told: &mut Told| {
            let before = told.answered.clone();
            let is_true = told.answered.add(reply);
            if told.answered != before {
                told.people.extend(marks(&key, reply));
            }
            is_true
        };
        match self.change_entry(self.replies.as_ref(), what, &key, add).await {
            // A newer version has written it in another way.
            Err(QueueError::Unreadable(_)) => Ok(true),
            is_true => is_true,
        }
    }

    /// Gives back the claim of a reply that was certainly not sent.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn release_reply(&self, key: &OptInKey) -> Result<(), QueueError> {
        ask(self.connection(), "take back that a reply is sent", self.replies.delete(key.to_string(), None))
            .await
    }
}
