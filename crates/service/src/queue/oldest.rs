//! When the oldest messages of a lane were accepted.

use super::connection::Queue;
use super::error::{QueueError, ask, failed, within};
use super::lane::Lane;
use crate::account::Account;
use crate::moment::Moment;
use async_nats::jetstream::stream::RawMessageErrorKind;

const WHAT: &str = "find the oldest message";

impl Queue {
    /// When the oldest message of an account in a lane was accepted; none if there is no message.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn oldest(&self, account: &Account, lane: Lane) -> Result<Option<Moment>, QueueError> {
        let stream = self.lanes.stream(lane);
        let first = stream.get_first_raw_message_by_subject(lane.subject_of(account), 1);
        match within(&self.client(), WHAT, first).await? {
            Ok(message) => Ok(Some(Moment::of(message.time))),
            Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
            Err(error) => Err(failed(WHAT)(error)),
        }
    }

    /// When the oldest message in a lane was accepted; none if there is no message.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn oldest_of_all(&self, lane: Lane) -> Result<Option<Moment>, QueueError> {
        let info = ask(&self.client(), WHAT, self.lanes.stream(lane).get_info()).await?;
        Ok((info.state.messages > 0).then(|| Moment::of(info.state.first_timestamp)))
    }
}
