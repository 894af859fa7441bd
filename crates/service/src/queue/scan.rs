//! Reading all messages of a stream, without taking any: page after page from a stream that keeps its messages, and by
//! their places from a lane, which gives its messages to workers alone.

use super::connection::Queue;
use super::error::{QueueError, ask, failed, within};
use super::lane::Lane;
use crate::account::Account;
use async_nats::Client;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use futures_util::{StreamExt, TryStreamExt, stream};
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
    client: Client,
    stream: &'a Stream,
    consumer: Consumer<pull::Config>,
    /// What it is for, in an error.
    what: &'static str,
    /// How many messages are left.
    left: u64,
}

impl<'a> Scan<'a> {
    pub(super) async fn begin(
        client: Client,
        stream: &'a Stream,
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
        let consumer = ask(&client, what, stream.create_consumer(config)).await?;
        let left = consumer.cached_info().num_pending;
        Ok(Self { client, stream, consumer, what, left })
    }

    /// The next messages, each with its sequence in the stream; none at the end.
    pub(super) async fn next_page(&mut self) -> Result<Vec<(u64, Message)>, QueueError> {
        let mut read = Vec::new();
        while read.is_empty() && self.left > 0 {
            let page = self.consumer.fetch().max_messages(PAGE).max_bytes(PAGE_BYTES).messages();
            let mut page = ask(&self.client, self.what, page).await?;
            while let Some(message) = within(&self.client, self.what, page.next()).await? {
                let message = message.map_err(failed(self.what))?;
                let (sequence, left) = {
                    let info = message.info().map_err(failed(self.what))?;
                    (info.stream_sequence, info.pending)
                };
                self.left = left;
                read.push((sequence, message));
            }
            if read.is_empty() {
                // Those that were left may have been removed meanwhile.
                let info = within(&self.client, self.what, self.consumer.get_info()).await?;
                let left = info.map_err(failed(self.what))?.num_pending;
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
        let delete = self.stream.delete_consumer(&self.consumer.cached_info().name);
        let _ = within(&self.client, self.what, delete).await;
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
        let state = ask(&self.client(), what, self.lanes.stream(lane).get_info()).await?.state;
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
            let message =
                self.lanes.stream(lane).get_first_raw_message_by_subject(lane.subject_of(account), next);
            let message = match within(&self.client(), what, message).await? {
                Ok(message) => message,
                Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => break,
                Err(error) => return Err(failed(what)(error)),
            };
            if message.sequence <= end && is_it(&message) {
                found.push(message.sequence);
            }
            next = message.sequence.saturating_add(1);
        }
        Ok(found)
    }
}
