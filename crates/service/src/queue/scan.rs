//! Reading all messages of a stream, without taking any: page after page from a stream that keeps its messages, and by
//! their places from a lane, which gives its messages to workers alone.

use super::broker::{Connection, Consumer, Delivered, MessageStream, Pull};
use super::connection::Queue;
use super::error::{QueueError, ask, failed, within};
use super::lane::Lane;
use crate::account::Account;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::StreamMessage;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use std::time::Duration;

/// The most messages, and bytes, of a page.
const PAGE: usize = 1_000;
const PAGE_BYTES: usize = 8 << 20;
/// How long JetStream keeps a scan that nobody goes on with.
const IDLE: Duration = Duration::from_secs(60);
/// How many parts of a lane are read at once.
const PARTS: u64 = 32;

/// The messages of a stream on some subjects, oldest first. Whoever reads to the end has seen every message that was there
/// at the beginning and still is.
pub(super) struct Scan<'a> {
    connection: &'a dyn Connection,
    stream: &'a dyn MessageStream,
    consumer: Arc<dyn Consumer>,
    /// What it is for, in an error.
    what: &'static str,
    /// How many messages are left.
    left: u64,
}

impl<'a> Scan<'a> {
    pub(super) async fn begin(
        connection: &'a dyn Connection,
        stream: &'a dyn MessageStream,
        filter: String,
        what: &'static str,
    ) -> Result<Self, QueueError> {
        let config = pull::Config {
            filter_subject: filter,
            ack_policy: AckPolicy::None,
            deliver_policy: DeliverPolicy::All,
            inactive_threshold: IDLE,
            memory_storage: true,
            ..pull::Config::default()
        };
        let consumer = ask(connection, what, stream.open_consumer(config)).await?;
        let left = consumer.pending_at_first();
        Ok(Self { connection, stream, consumer, what, left })
    }

    /// The next messages, each with its sequence in the stream; none at the end.
    pub(super) async fn next_page(&mut self) -> Result<Vec<(u64, Delivered)>, QueueError> {
        let mut read = Vec::new();
        while read.is_empty() && self.left > 0 {
            let page = Pull { most: PAGE, bytes: Some(PAGE_BYTES), patience: None };
            let mut page = ask(self.connection, self.what, self.consumer.pull(page)).await?;
            while let Some(message) = within(self.connection, self.what, page.next()).await? {
                let message = message.map_err(failed(self.what))?;
                self.left = message.pending;
                read.push((message.sequence, message));
            }
            if read.is_empty() {
                // Those that were left may have been removed meanwhile.
                let state = ask(self.connection, self.what, self.consumer.state()).await?;
                let left = state.ok_or(QueueError::TimedOut(self.what))?.pending;
                if left >= self.left {
                    return Err(QueueError::TimedOut(self.what));
                }
                self.left = left;
            }
        }
        Ok(read)
    }

    /// Ends the scan. JetStream would end it after a minute by itself.
    pub(super) async fn end(self) {
        let delete = self.stream.delete_consumer(self.consumer.name().to_owned());
        let _ = within(self.connection, self.what, delete).await;
    }
}

impl Queue {
    /// The sequences of the messages of an account that were in a lane at the beginning and of which `is_it` is true.
    pub(super) async fn find_waiting(
        &self,
        account: &Account,
        lane: Lane,
        is_it: impl Fn(&StreamMessage) -> bool,
    ) -> Result<Vec<u64>, QueueError> {
        let what = "tell of what waits";
        let state = ask(self.connection(), what, self.lanes.stream(lane).state()).await?;
        if state.messages == 0 {
            return Ok(Vec::new());
        }
        // A lane takes no second consumer of its subjects, and an answer has one message: many are asked for at once.
        let part = (state.last_sequence - state.first_sequence) / PARTS + 1;
        let begins = (0..PARTS).map(|n| state.first_sequence + n * part);
        let parts = begins.map(|begin| {
            let end = (begin + part - 1).min(state.last_sequence);
            self.find_in_part(account, lane, begin, end, &is_it)
        });
        let found = stream::iter(parts).buffered(usize::try_from(PARTS).unwrap_or(usize::MAX));
        let found: Vec<Vec<u64>> = found.try_collect().await?;
        Ok(found.concat())
    }

    /// The same for the messages between two sequences.
    async fn find_in_part(
        &self,
        account: &Account,
        lane: Lane,
        begin: u64,
        end: u64,
        is_it: impl Fn(&StreamMessage) -> bool,
    ) -> Result<Vec<u64>, QueueError> {
        let what = "read what waits";
        let (mut found, mut next) = (Vec::new(), begin);
        while next <= end {
            let message = self.lanes.stream(lane).first_of(lane.subject_of(account), next);
            let Some(message) = ask(self.connection(), what, message).await? else { break };
            if message.sequence <= end && is_it(&message) {
                found.push(message.sequence);
            }
            next = message.sequence.saturating_add(1);
        }
        Ok(found)
    }
}
