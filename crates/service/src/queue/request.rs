//! Waiting for NATS, never without end.

use super::error::{QueueError, failed};
use async_nats::{Client, connection};
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The longest time for an answer of NATS, except in [`Queue::put`](super::Queue::put).
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Waits for NATS until a time, and not at all without a connection: the client would keep the request and
/// send it when NATS is back, when nobody waits for the answer any more.
pub(super) async fn until<F: Future>(
    client: &Client,
    what: &'static str,
    end: Instant,
    answer: F,
) -> Result<F::Output, QueueError> {
    if client.connection_state() != connection::State::Connected {
        return Err(QueueError::Away);
    }
    timeout_at(end, answer).await.map_err(|_| QueueError::TimedOut(what))
}

/// Waits for NATS at most as long as [`ANSWER`].
pub(super) async fn within<F: Future>(
    client: &Client,
    what: &'static str,
    answer: F,
) -> Result<F::Output, QueueError> {
    until(client, what, Instant::now() + ANSWER, answer).await
}

/// The same, where every error of the client is a failure.
pub(super) async fn ask<T, E: Into<Box<dyn Error + Send + Sync>>>(
    client: &Client,
    what: &'static str,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, QueueError> {
    within(client, what, answer).await?.map_err(failed(what))
}
