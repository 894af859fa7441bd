//! Messages that are put into the queue, and whether the queue accepts them, for `/readyz`.

use super::reply::{OptInResponse, Rejection, ReplyState};
use crate::id::OptInId;
use crate::key::OptInKey;
use crate::queue::{Accepted, Lane, Queue, QueueError};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{debug, info, warn};

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
    if lane != Lane::Events {
        health.note(&put);
    }
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

/// How often the queue is asked for its health.
const EVERY: Duration = Duration::from_secs(5);

/// Whether the queue accepts opt-ins.
#[derive(Default)]
pub(super) struct QueueHealth {
    /// The last write failed.
    refuses: AtomicBool,
}

impl QueueHealth {
    /// Whether opt-ins can be put into the queue, and the state of the queue in a word.
    pub(super) fn state(&self, queue: &Queue) -> (bool, &'static str) {
        match (queue.is_connected(), self.refuses.load(Ordering::Relaxed)) {
            (false, _) => (false, "away"),
            (true, true) => (false, "refusing"),
            (true, false) => (true, "connected"),
        }
    }

    /// Learns from a put.
    pub(super) fn note(&self, put: &[Result<Accepted, QueueError>]) {
        match put.iter().find_map(|put| put.as_ref().err()) {
            Some(error) => self.failed(error),
            None => self.succeeded(),
        }
    }

    /// Asks the queue again and again: a door that is not ready gets no opt-ins that could show that the
    /// queue is back.
    pub(super) async fn watch(&self, queue: &Queue) {
        let mut was_away = false;
        loop {
            let health = queue.health().await;
            let is_away = matches!(health, Err(QueueError::Away));
            match health {
                Ok(()) => self.succeeded(),
                Err(error) => self.failed(&error),
            }
            match (was_away, is_away) {
                (false, true) => warn!("the queue is away; waiting for it"),
                (true, false) => info!("the queue is back"),
                _ => {}
            }
            was_away = is_away;
            sleep(EVERY).await;
        }
    }

    fn succeeded(&self) {
        if self.refuses.swap(false, Ordering::Relaxed) {
            info!("the queue takes opt-ins again");
        }
    }

    fn failed(&self, error: &QueueError) {
        // A missing connection is seen by itself, and is over as soon as there is one.
        if !matches!(error, QueueError::Away) && !self.refuses.swap(true, Ordering::Relaxed) {
            warn!(error = error as &dyn Error, "the queue does not take opt-ins");
        }
    }
}
