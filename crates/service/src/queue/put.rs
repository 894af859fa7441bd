//! What front doors do with the queue: they put messages into its lanes, ask whether it would take them, and remember
//! signatures.

use super::broker::StreamState;
use super::connection::{PUT, Queue};
use super::error::{QueueError, ask, failed, until};
use super::lane::Lane;
use crate::account::Account;
use crate::key::OptInKey;
use crate::request_id::{QUEUE_HEADER, RequestId};
use crate::trace_context;
use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many opt-ins of one put are under way at once.
const AT_ONCE: usize = 256;

/// A message is written to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// It was in the stream already.
    pub duplicate: bool,
}

impl Queue {
    /// Puts messages into a lane, as [`OptIn::to_json`](crate::opt_in::OptIn::to_json) and its like make them.
    /// The results have the same order. If one failed, its message may be written all the same; to put it again
    /// is safe. It takes ten seconds at most.
    pub async fn put(
        &self,
        lane: Lane,
        messages: Vec<(OptInKey, Bytes)>,
    ) -> Vec<Result<Accepted, QueueError>> {
        let end = Instant::now() + PUT;
        if self.max_bytes.is_some()
            && let Err(full) = self.has_room(lane, end).await
        {
            let full = Arc::new(full);
            return messages.iter().map(|_| Err(QueueError::Refused(Arc::clone(&full)))).collect();
        }
        stream::iter(messages)
            .map(|(key, message)| async move {
                self.publish(lane, &key, &key.to_string(), message, end).await
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// Fails if the stream of a lane is full.
    async fn has_room(&self, lane: Lane, end: Instant) -> Result<(), QueueError> {
        let what = "tell of what waits";
        let state = self.lanes.stream(lane).state();
        let state = until(self.connection(), what, end, state).await?.map_err(failed(what))?;
        if self.is_full(lane, &state) { Err(QueueError::Full(lane)) } else { Ok(()) }
    }

    /// Publishes a message. JetStream drops another one with the same message id for ten minutes.
    pub(super) async fn publish(
        &self,
        lane: Lane,
        key: &OptInKey,
        message_id: &str,
        message: Bytes,
        end: Instant,
    ) -> Result<Accepted, QueueError> {
        let subject = lane.subject_of(&key.account);
        let mut headers = self::message_id(message_id);
        if let Some(request) = RequestId::current() {
            headers.insert(QUEUE_HEADER, request.as_str());
        }
        for (name, value) in trace_context::headers() {
            headers.insert(name, value);
        }
        let published = async {
            // The semaphore is never closed.
            let _permit = self.put_permits.acquire().await;
            self.broker.publish(subject, headers, message).await
        };
        let what = "acknowledge an opt-in";
        let written = until(self.connection(), what, end, published).await?.map_err(failed(what))?;
        Ok(Accepted { sequence: written.sequence, duplicate: written.is_duplicate })
    }
}

/// The header by which JetStream drops a second message with this id.
pub(super) fn message_id(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, id);
    headers
}

/// Whether a front door has put a message under this key. The message id of a retried dead letter is longer.
pub(super) fn is_put_as(headers: &HeaderMap, key: &OptInKey) -> bool {
    let id = headers.get(NATS_MESSAGE_ID).map(|id| id.as_str());
    id == Some(key.to_string().as_str())
}

/// The longest time for the check.
const PATIENCE: Duration = Duration::from_secs(2);
/// The key of an entry that is written as a test. No signature has it.
const PROBE: &str = "probe";
/// A stream with less room than this, in bytes, is full. No opt-in takes more.
const LEAST_ROOM: u64 = 128 << 10;

impl Queue {
    /// Checks that JetStream answers, and that a test entry can be written. Returns those of these lanes that are
    /// full. It takes two seconds at most.
    ///
    /// # Errors
    /// When nothing would be accepted, or it is not known.
    pub async fn full(&self, lanes: &[Lane]) -> Result<Vec<Lane>, QueueError> {
        let check = async {
            let mut full = Vec::new();
            for lane in lanes {
                let state = self.lanes.stream(*lane).state().await.map_err(failed("tell of what waits"))?;
                full.extend(self.is_full(*lane, &state).then_some(*lane));
            }
            let written = self.signatures.put(PROBE.to_owned(), Bytes::new()).await;
            written.map_err(failed("write"))?;
            Ok(full)
        };
        until(self.connection(), "say that it is well", Instant::now() + PATIENCE, check).await?
    }

    /// Whether the stream of a lane is full.
    pub(super) fn is_full(&self, lane: Lane, state: &StreamState) -> bool {
        let bound = |most: i64| u64::try_from(most).ok().filter(|most| *most > 0);
        let bytes = bound(state.max_bytes)
            .is_some_and(|most| state.bytes > most.saturating_sub(LEAST_ROOM.min(most / 10)));
        bytes
            || bound(state.max_messages).is_some_and(|most| state.messages >= most)
            || self.max_bytes.is_some_and(|most| state.bytes >= lane.bytes(most))
    }
}

impl Queue {
    /// Whether a front door remembers this signature: see [`Queue::remember`].
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn remembers(&self, signature: &str) -> Result<bool, QueueError> {
        let entry = self.signatures.entry(entry_key(signature));
        Ok(ask(self.connection(), "look for a signature", entry).await?.is_some())
    }

    /// Has all front doors remember a signature, for ten minutes.
    ///
    /// # Errors
    /// When JetStream cannot be asked. The signature may be remembered all the same.
    pub async fn remember(&self, signature: &str) -> Result<(), QueueError> {
        let put = self.signatures.put(entry_key(signature), Bytes::new());
        ask(self.connection(), "remember a signature", put).await.map(drop)
    }
}

/// A signature is base64, which has characters that the key of an entry may not have.
fn entry_key(signature: &str) -> String {
    OptInKey::new(&Account::default(), signature).to_string()
}
