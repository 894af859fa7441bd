//! The health of the queue: whether it would accept opt-ins.

use super::connection::Queue;
use super::error::{QueueError, failed};
use super::request::until;
use async_nats::jetstream::stream::Info;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// The longest time for the check.
const PATIENCE: Duration = Duration::from_secs(2);
/// The key of an entry that is written as a test. No signature has it.
const PROBE: &str = "probe";
/// A stream with less room than this, in bytes, is full. No opt-in takes more.
const LEAST_ROOM: u64 = 128 << 10;

impl Queue {
    /// Checks that opt-ins would be accepted now: JetStream answers, the stream of opt-ins has room, and a
    /// test entry can be written. It takes two seconds at most.
    ///
    /// # Errors
    /// When they would not be accepted, or it is not known.
    pub async fn health(&self) -> Result<(), QueueError> {
        let check = async {
            let info = self.opt_ins.get_info().await.map_err(failed("tell of the opt-ins"))?;
            if self.is_full(&info) {
                return Err(QueueError::Full);
            }
            let written = self.signatures.put(PROBE, Bytes::new()).await;
            written.map(|_| ()).map_err(failed("write"))
        };
        until(&self.client(), "say that it is well", Instant::now() + PATIENCE, check).await?
    }

    /// Whether the stream of opt-ins is full.
    pub(super) fn is_full(&self, info: &Info) -> bool {
        let bound = |most: i64| u64::try_from(most).ok().filter(|most| *most > 0);
        let bytes = bound(info.config.max_bytes)
            .is_some_and(|most| info.state.bytes > most.saturating_sub(LEAST_ROOM.min(most / 10)));
        bytes
            || bound(info.config.max_messages).is_some_and(|most| info.state.messages >= most)
            || self.max_bytes.is_some_and(|most| info.state.bytes >= most)
    }
}
