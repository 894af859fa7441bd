//! A message that JetStream has delivered to a worker.

use super::entry::QueueEntry;
use super::error::QueueError;
use super::put::is_put_as;
use super::request::ask;
use crate::key::OptInKey;
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use std::time::Duration;

/// How long after a delivery JetStream delivers a message again, unless it is extended, acknowledged or
/// naked.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(15);
/// The longest delay of a nak.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(5 * 60);

/// A message that was delivered and is not settled.
pub struct Delivery(pub(super) Message);

impl Delivery {
    /// How often a message has to be extended, so that JetStream does not deliver it again.
    pub const EXTEND_EVERY: Duration = Duration::from_secs(ACK_WAIT.as_secs() / 3);

    /// Parses the message. None: no front door has written it.
    #[must_use]
    pub fn read(&self) -> Option<(OptInKey, QueueEntry)> {
        QueueEntry::read(&self.0.payload, self.0.subject.rsplit('.').next().unwrap_or_default())
    }

    /// Whether a front door has put it into the queue under this key. Otherwise it is a dead letter that was
    /// retried.
    pub(crate) fn is_accepted_as(&self, key: &OptInKey) -> bool {
        self.0.headers.as_ref().is_some_and(|headers| is_put_as(headers, key))
    }

    /// The message as it is in the stream.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.0.payload
    }

    /// Its sequence in the stream.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.info().map_or(0, |info| info.stream_sequence)
    }

    /// How often it was delivered, this delivery included.
    #[must_use]
    pub fn deliveries(&self) -> u32 {
        self.0.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(u32::MAX))
    }

    /// Acknowledges the message: JetStream removes it from the queue.
    ///
    /// # Errors
    /// When there is no connection. The message is delivered again then, and found to be settled.
    pub async fn ack(&self) -> Result<(), QueueError> {
        ask(&self.0.context.client(), "take an acknowledgement", self.0.ack()).await
    }

    /// Returns the message to the queue. It is delivered again after the delay, which is five minutes at
    /// most.
    ///
    /// # Errors
    /// When there is no connection. The message is delivered again all the same.
    pub async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        let nak = self.0.ack_with(AckKind::Nak(Some(delay.min(LONGEST_DELAY))));
        ask(&self.0.context.client(), "take an opt-in back", nak).await
    }

    /// Tells JetStream that the message is still being worked on.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn extend(&self) -> Result<(), QueueError> {
        ask(&self.0.context.client(), "wait for an opt-in", self.0.ack_with(AckKind::Progress)).await
    }
}
