//! The opt-ins of one account, as a worker takes them.

use super::{OPT_INS_SUBJECT, Queue, QueueError, ask, failed, is_of, within};
use crate::account::Account;
use crate::key::OptInKey;
use crate::queue::QueueEntry;
use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::timeout;
use tracing::debug;

/// How many opt-ins are taken at once: as many contacts as go into one import.
pub const MAX_BATCH: usize = 10_000;
/// For the way, beyond the time that JetStream waits for a message.
const MARGIN: Duration = Duration::from_secs(2);

/// How many messages of an account may be under way to workers: a whole batch, and what a worker that was killed had.
const UNDER_WAY: i64 = 50_000;
/// When what a killed worker had is given to another.
const UNANSWERED: Duration = Duration::from_secs(15);

/// How long a message may be given back for.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(5 * 60);

/// The queue of an account. Only the worker that holds the account's lease takes from it.
pub struct AccountQueue {
    queue: Queue,
    account: Account,
    consumer: Consumer<pull::Config>,
}

/// A message that was taken, and is to be settled.
pub struct Delivery {
    message: Message,
}

/// What there is in the queue of an account when nothing was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// There is nothing.
    Empty,
    /// There are opt-ins, which were given back for later, or which another worker had when it was killed.
    Later,
    /// There were opt-ins that would not have been given out. They are from now on.
    Recreated,
}

impl AccountQueue {
    pub(super) async fn open(queue: Queue, account: &Account) -> Result<Self, QueueError> {
        let config = pull::Config {
            durable_name: Some(account.to_string()),
            description: Some(start_of(&queue.client())),
            filter_subject: format!("{OPT_INS_SUBJECT}.{account}"),
            ack_policy: AckPolicy::Explicit,
            ack_wait: UNANSWERED,
            max_ack_pending: UNDER_WAY,
            // Giving up is the worker's decision, which keeps what was given up.
            max_deliver: -1,
            ..pull::Config::default()
        };
        let consumer = queue.opt_ins.get_or_create_consumer(account.as_str(), config);
        let consumer = ask(&queue.client(), "open an account's queue", consumer).await?;
        let account = account.clone();
        Ok(Self { queue, account, consumer })
    }

    /// What there is, when nothing was given out for as long as `quiet`. To be asked by who alone takes from the queue,
    /// and holds nothing of it.
    ///
    /// A consumer that has stopped to give out what is in the stream is made anew. A server that was killed, for
    /// example, can come back with opt-ins in the stream that the consumer remembers as acknowledged, or with a consumer
    /// that waits for the acknowledgement of others that are gone: it writes the two down one after the other (seen with
    /// NATS 2.9).
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn recreate_if_stalled(&mut self, quiet: Duration) -> Result<Backlog, QueueError> {
        let waiting = self.queue.waiting().await?;
        let Some(count) = waiting.accounts.get(&self.account) else { return Ok(Backlog::Empty) };
        let what = "describe an account's queue";
        let (is_older, known) = match within(&self.queue.client(), what, self.consumer.get_info()).await? {
            Ok(now) => {
                let is_older = now.config.description != Some(start_of(&self.queue.client()));
                (is_older, now.num_pending.saturating_add(now.num_ack_pending as u64))
            }
            // Somebody has deleted it.
            Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => (true, 0),
            Err(error) => return Err(failed(what)(error)),
        };
        // What was given back for later is given out after the longest delay at the latest.
        let is_forgotten = is_older || (*count as u64) > known;
        let patience = if is_forgotten { UNANSWERED } else { 2 * LONGEST_DELAY };
        if quiet <= patience {
            return Ok(Backlog::Later);
        }
        // A new one begins with the first that is there. What was done is found among the outcomes.
        let delete = self.queue.opt_ins.delete_consumer(self.account.as_str());
        // One that is gone already cannot be deleted; one that still is there is opened as it is, and this comes again.
        if let Err(error) = ask(&self.queue.client(), "delete a consumer", delete).await {
            debug!(account = %self.account, %error, "an account's consumer is not deleted");
        }
        self.consumer = Self::open(self.queue.clone(), &self.account).await?.consumer;
        Ok(Backlog::Recreated)
    }

    /// Takes what waits, `most` of it and no more than [`MAX_BATCH`], and after the first one no more than so many `bytes`;
    /// waits for the first one as long as `patience`.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn take(
        &self,
        most: usize,
        bytes: usize,
        patience: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let mut taken = Vec::new();
        let what = "give opt-ins";
        let client = self.queue.client();
        let first = ask(&client, what, self.consumer.batch().max_messages(1).expires(patience).messages());
        self.collect(first.await?, patience, &mut taken).await?;
        let more = most.min(MAX_BATCH).saturating_sub(1);
        if taken.is_empty() || more == 0 || bytes == 0 {
            return Ok(taken);
        }
        let rest = ask(&client, what, self.consumer.fetch().max_messages(more).max_bytes(bytes).messages());
        // What was taken is worked on even if there is no more to be had.
        if let Ok(rest) = rest.await {
            let _ = self.collect(rest, Duration::ZERO, &mut taken).await;
        }
        Ok(taken)
    }

    async fn collect(
        &self,
        mut batch: pull::Batch,
        patience: Duration,
        taken: &mut Vec<Delivery>,
    ) -> Result<(), QueueError> {
        // A connection that breaks ends the batch only by the clock.
        while let Ok(Some(message)) = timeout(patience + MARGIN, batch.next()).await {
            let message = message.map_err(failed("give opt-ins"))?;
            taken.push(Delivery { message });
        }
        Ok(())
    }
}

/// The server's id, which is another one whenever it starts.
fn start_of(client: &Client) -> String {
    format!("made by the server {}", client.server_info().server_id)
}

impl Delivery {
    /// How often within its time a message has to be touched, so that it is not given to anybody else.
    pub const EXTEND_EVERY: Duration = Duration::from_secs(UNANSWERED.as_secs() / 3);

    /// What the message says.
    #[must_use]
    pub fn read(&self) -> QueueEntry {
        QueueEntry::read(&self.message.payload, self.message.subject.rsplit('.').next().unwrap_or_default())
    }

    /// Whether a front door has put it there, under this key, and not who put a dead letter back.
    pub(crate) fn is_accepted_as(&self, key: &OptInKey) -> bool {
        self.message.headers.as_ref().is_some_and(|headers| is_of(headers, key))
    }

    /// As it is in the stream.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.message.payload
    }

    /// Its place in the stream.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.message.info().map_or(0, |info| info.stream_sequence)
    }

    /// How often it was given out, this time included.
    #[must_use]
    pub fn deliveries(&self) -> u32 {
        self.message.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(u32::MAX))
    }

    /// It is settled: removes it from the queue.
    ///
    /// # Errors
    /// When there is no connection. It is given out again then, and found to be settled.
    pub async fn ack(&self) -> Result<(), QueueError> {
        ask(&self.message.context.client(), "take an acknowledgement", self.message.ack()).await
    }

    /// Gives it back; it is given out again after this time, or after [`LONGEST_DELAY`], whichever is sooner.
    ///
    /// # Errors
    /// When there is no connection. It is given out again all the same.
    pub async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        let back = self.message.ack_with(AckKind::Nak(Some(delay.min(LONGEST_DELAY))));
        ask(&self.message.context.client(), "take an opt-in back", back).await
    }

    /// It is still being worked on.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn extend(&self) -> Result<(), QueueError> {
        ask(&self.message.context.client(), "wait for an opt-in", self.message.ack_with(AckKind::Progress))
            .await
    }
}
