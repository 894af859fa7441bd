//! Messages that are put into the queue.

use super::health::QueueHealth;
use super::reply::{OptInResponse, Rejection, ReplyState};
use crate::id::OptInId;
use crate::key::OptInKey;
use crate::queue::{Lane, Queue, QueueError};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use std::error::Error;
use tracing::debug;

/// A message with its key, and the warnings for its reply.
type Message = ((OptInKey, Bytes), Vec<String>);

/// Puts messages into a lane of the queue. If only some are written, the rejection says which.
pub(super) async fn enqueue(
    queue: &Queue,
    health: &QueueHealth,
    lane: Lane,
    messages: Vec<Message>,
) -> Result<Vec<OptInResponse>, Rejection> {
    let (messages, warnings): (Vec<(OptInKey, Bytes)>, Vec<Vec<String>>) = messages.into_iter().unzip();
    let keys: Vec<(OptInKey, Vec<String>)> =
        messages.iter().map(|(key, _)| key.clone()).zip(warnings).collect();
    let put = queue.put(lane, messages).await;
    health.note(lane, &put);
    let (mut responses, mut states, mut failure) = (Vec::with_capacity(keys.len()), Vec::new(), None);
    for (index, ((key, warnings), accepted)) in keys.into_iter().zip(put).enumerate() {
        match accepted {
            Ok(accepted) => {
                let id = OptInId { key, sequence: Some(accepted.sequence) }.to_string();
                // The first of two duplicates waits, with its own warnings.
                let warnings = if accepted.duplicate { Vec::new() } else { warnings };
                states.push(written(index, &id, &warnings));
                let state = ReplyState::Accepted { duplicate: accepted.duplicate, warnings };
                responses.push(OptInResponse::new(id, state, StatusCode::ACCEPTED));
            }
            Err(error) => {
                states.push(json!({ "index": index, "state": "unknown" }));
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        None => Ok(responses),
        Some(error) if responses.is_empty() => Err(not_taken(lane, &error)),
        Some(error) => {
            debug!(error = &error as &dyn Error, "a request is written in part");
            Err(Rejection::partly(lane, responses.len(), states))
        }
    }
}

/// The entry of a message that is written, in the rejection of a request that is written in part.
fn written(index: usize, id: &str, warnings: &[String]) -> Value {
    let mut state = json!({ "index": index, "id": id, "state": "waiting" });
    if let (Some(state), false) = (state.as_object_mut(), warnings.is_empty()) {
        state.insert("warnings".to_owned(), warnings.into());
    }
    state
}

/// A lane failed, so nothing is accepted.
fn not_taken(lane: Lane, error: &QueueError) -> Rejection {
    debug!(%lane, error = error as &dyn Error, "the queue does not take a request");
    let message =
        format!("the queue takes no {lane} now; nothing is known to be accepted, repeat the request");
    Rejection::overloaded("queue", message)
}

/// The queue failed, so nothing is accepted or told.
pub(super) fn unavailable(error: &QueueError) -> Rejection {
    debug!(error = error as &dyn Error, "the queue does not answer");
    Rejection::overloaded("queue", "the queue cannot be asked now; repeat the request")
}
