//! What can fail at the queue, and waiting for NATS, never without end.

use super::broker::Connection;
use super::lane::Lane;
use crate::key::OptInKey;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A failure at the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The file with the credentials cannot be read.
    #[error("cannot read the credentials for NATS in {}", .0.display())]
    Credentials(PathBuf, #[source] std::io::Error),
    /// The file with the certificates cannot be read.
    #[error("cannot read the certificates for NATS in {}", .0.display())]
    Certificates(PathBuf, #[source] std::io::Error),
    /// The address is invalid. The sentence does not repeat it, because it can contain a password.
    #[error("the address of NATS cannot be read; write nats://127.0.0.1:4222, say, or several with commas")]
    Address,
    /// NATS does not answer at this address.
    #[error("cannot connect to NATS at {0}; is it running there, and are the credentials right?")]
    Connect(String, #[source] Box<dyn Error + Send + Sync>),
    /// JetStream is off, or a stream or a bucket cannot be made.
    #[error(
        "cannot make or open {0} in JetStream; is it on (nats-server -js), allowed for this user, and has it room for \
         --queue-bytes?"
    )]
    SetUp(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// The stream of a lane is full.
    #[error("the stream {} is full; let workers empty it, or give it more room (max_bytes, or --queue-bytes)", .0.stream())]
    Full(Lane),
    /// There is no connection now.
    #[error("there is no connection to NATS at the moment")]
    Away,
    /// The put was not tried, for this reason.
    #[error(transparent)]
    Refused(Arc<QueueError>),
    /// This version cannot read the outcome of an opt-in.
    #[error("the outcome of {0} cannot be read; a newer version has written it, perhaps: update this one")]
    Unreadable(OptInKey),
    /// A value cannot be written as JSON: a defect in this program.
    #[error("{0} cannot be written as JSON; report it")]
    Unwritable(&'static str, #[source] serde_json::Error),
    /// NATS has not answered in time. It may have done what it was asked for.
    #[error("NATS did not {0} in time")]
    TimedOut(&'static str),
    /// JetStream answered that it did not do what it was asked for.
    #[error("JetStream did not {0}")]
    Failed(&'static str, #[source] Box<dyn Error + Send + Sync>),
}

/// Makes a failure of one of the client's many errors.
pub(super) fn failed<E: Into<Box<dyn Error + Send + Sync>>>(
    what: &'static str,
) -> impl FnOnce(E) -> QueueError {
    move |error| QueueError::Failed(what, error.into())
}

/// A value as JSON. `what` names the value.
pub(super) fn to_json(what: &'static str, value: &impl serde::Serialize) -> Result<Vec<u8>, QueueError> {
    serde_json::to_vec(value).map_err(|error| QueueError::Unwritable(what, error))
}

/// The longest time for an answer of NATS, except in [`Queue::put`](super::Queue::put).
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Waits for NATS until a time, and not at all without a connection: the client would keep the request and
/// send it when NATS is back, when nobody waits for the answer any more.
pub(super) async fn until<F: Future>(
    connection: &(impl Connection + ?Sized),
    what: &'static str,
    end: Instant,
    answer: F,
) -> Result<F::Output, QueueError> {
    if !connection.is_connected() {
        return Err(QueueError::Away);
    }
    timeout_at(end, answer).await.map_err(|_| QueueError::TimedOut(what))
}

/// Waits for NATS at most as long as [`ANSWER`].
pub(super) async fn within<F: Future>(
    connection: &(impl Connection + ?Sized),
    what: &'static str,
    answer: F,
) -> Result<F::Output, QueueError> {
    until(connection, what, Instant::now() + ANSWER, answer).await
}

/// The same, where every error of the client is a failure.
pub(super) async fn ask<T, E: Into<Box<dyn Error + Send + Sync>>>(
    connection: &(impl Connection + ?Sized),
    what: &'static str,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, QueueError> {
    within(connection, what, answer).await?.map_err(failed(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_value_that_is_no_json_is_not_jetstreams_failure() {
        let value = BTreeMap::from([((1, 2), 3)]);
        let error = to_json("an outcome", &value).unwrap_err();
        assert_eq!(error.to_string(), "an outcome cannot be written as JSON; report it");
    }
}
