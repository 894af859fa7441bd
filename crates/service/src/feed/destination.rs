//! Where messages go.

use super::endpoint::Endpoint;
use super::message::Message;
use super::verdict::Verdict;
use crate::queue::Queue;
use std::error::Error;
use std::sync::Arc;

/// Where messages go.
#[derive(Debug)]
pub enum Destination {
    /// To a platform over HTTP.
    Endpoint(Endpoint),
    /// To a subject of NATS. A message counts as delivered when a stream has written it.
    Subject(Arc<Queue>, String),
}

impl Destination {
    /// Sends a message once.
    pub(super) async fn send(&self, message: &Message) -> Verdict {
        match self {
            Self::Endpoint(endpoint) => endpoint.send(message).await,
            Self::Subject(queue, subject) => {
                match queue.publish_change(subject, &message.id, message.body.clone()).await {
                    Ok(()) => Verdict::Delivered,
                    Err(error) => {
                        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                        let reason = format!("no stream has taken a message to {subject}: {error}{cause}");
                        // Of a stream that has a largest size the message may be the reason.
                        Verdict::Hold { reason, after: None, by_message: true }
                    }
                }
            }
        }
    }
}
