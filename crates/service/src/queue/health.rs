//! Whether opt-ins would be written.

use super::{Queue, QueueError, failed, until};
use async_nats::jetstream::stream::Info;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

/// How long JetStream may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is written to see that something can be. It is no signature's key.
const PROBE: &str = "probe";
/// A stream with less room than this, in bytes, is full: no opt-in is larger in the stream.
const LEAST_ROOM: u64 = 128 << 10;

impl Queue {
    /// Whether opt-ins would be written now: JetStream answers, the stream of opt-ins has room, and a few bytes beside it
    /// are written. It takes two seconds at most.
    ///
    /// # Errors
    /// When they would not be, or it is not known.
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

    /// Whether the stream of opt-ins takes no more.
    pub(super) fn is_full(&self, info: &Info) -> bool {
        let bound = |most: i64| u64::try_from(most).ok().filter(|most| *most > 0);
        let bytes = bound(info.config.max_bytes)
            .is_some_and(|most| info.state.bytes > most.saturating_sub(LEAST_ROOM.min(most / 10)));
        bytes
            || bound(info.config.max_messages).is_some_and(|most| info.state.messages >= most)
            || self.bound.is_some_and(|most| info.state.bytes >= most)
    }
}
