//! What can fail at the queue.

use crate::key::OptInKey;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

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
    /// The stream of opt-ins is full.
    #[error(
        "the stream KLAVIYO_OPT_INS is full; let workers empty it, or give it more room (max_bytes, or --queue-bytes)"
    )]
    Full,
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
