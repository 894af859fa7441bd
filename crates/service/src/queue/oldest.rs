//! When the oldest messages of a lane were accepted.

use super::connection::Queue;
use super::error::{QueueError, ask};
use super::lane::Lane;
use crate::account::Account;
use crate::moment::Moment;

const WHAT: &str = "find the oldest message";

impl Queue {
    /// When the oldest message of an account in a lane was accepted; none if there is no message.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn oldest(&self, account: &Account, lane: Lane) -> Result<Option<Moment>, QueueError> {
        let first = self.lanes.stream(lane).first_of(lane.subject_of(account), 1);
        Ok(ask(self.connection(), WHAT, first).await?.map(|message| Moment::of(message.time)))
    }

    /// When the oldest message in a lane was accepted; none if there is no message.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub(crate) async fn oldest_of_all(&self, lane: Lane) -> Result<Option<Moment>, QueueError> {
        let state = ask(self.connection(), WHAT, self.lanes.stream(lane).state()).await?;
        Ok((state.messages > 0).then(|| Moment::of(state.first_timestamp)))
    }
}
