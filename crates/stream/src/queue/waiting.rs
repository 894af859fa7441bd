//! The opt-ins of one account, as a worker takes them.

use super::{OPT_INS_SUBJECT, QueueError, counts, failed};
use crate::account::Account;
use crate::opt_in::{Key, OptIn};
use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::timeout;

/// What is taken at once: as many contacts, and bytes, as go into one import.
pub const MOST: usize = 10_000;
const MOST_BYTES: usize = 5_000_000;
/// For the way, beyond the time that JetStream waits for a message.
const MARGIN: Duration = Duration::from_secs(2);

/// How many messages of an account may be under way to workers: a whole batch, and what a worker that was killed had.
const UNDER_WAY: i64 = 50_000;
/// When what a killed worker had is given to another.
const UNANSWERED: Duration = Duration::from_secs(15);

/// The queue of an account. Only the worker that holds the account's lease takes from it.
pub struct AccountQueue {
    client: Client,
    stream: Stream,
    consumer: Consumer<pull::Config>,
}

/// A message that was taken, and is to be settled.
pub struct Taken {
    message: Message,
}

impl AccountQueue {
    pub(super) async fn open(client: Client, stream: Stream, account: &Account) -> Result<Self, QueueError> {
        let config = pull::Config {
            durable_name: Some(account.to_string()),
            description: Some(start_of(&client)),
            filter_subject: format!("{OPT_INS_SUBJECT}.{account}"),
            ack_policy: AckPolicy::Explicit,
            ack_wait: UNANSWERED,
            max_ack_pending: UNDER_WAY,
            // Giving up is the worker's decision, which keeps what was given up.
            max_deliver: -1,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(account.as_str(), config).await;
        let consumer = consumer.map_err(failed("open an account's queue"))?;
        Ok(Self { client, stream, consumer })
    }

    /// Whether there may be opt-ins that are never given out; they are after this, when the queue is opened again.
    ///
    /// A server that was killed can come back with opt-ins in the stream that its consumer remembers as acknowledged, and
    /// waiting for the acknowledgement of others that are gone: it writes the two down one after the other. Seen with
    /// NATS 2.9. So a consumer that is older than the server's last start, and gives out nothing of what there is, is
    /// made anew, once. To be asked when nothing was given out, by who alone takes from the queue.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn forgets(&self) -> Result<bool, QueueError> {
        let consumer = self.consumer.cached_info();
        if consumer.config.description.as_ref() == Some(&start_of(&self.client)) {
            return Ok(false);
        }
        let counts = counts(&self.stream, consumer.config.filter_subject.clone()).await?;
        let forgets = !counts.is_empty();
        if forgets {
            // A new one begins with the first that is there. What was done is found among the outcomes.
            let deleted = self.stream.delete_consumer(&consumer.name).await;
            deleted.map_err(failed("open an account's queue anew"))?;
        }
        Ok(forgets)
    }

    /// Takes what waits, `most` of it and no more than [`MOST`]; waits for the first one as long as `patience`.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn take(&self, most: usize, patience: Duration) -> Result<Vec<Taken>, QueueError> {
        let mut taken = Vec::new();
        let first = self.consumer.batch().max_messages(1).expires(patience).messages().await;
        collect(first.map_err(failed("give opt-ins"))?, patience, &mut taken).await?;
        let more = most.min(MOST).saturating_sub(1);
        if taken.is_empty() || more == 0 {
            return Ok(taken);
        }
        let rest = self.consumer.fetch().max_messages(more).max_bytes(MOST_BYTES).messages().await;
        // What was taken is worked on even if there is no more to be had.
        if let Ok(rest) = rest {
            let _ = collect(rest, Duration::ZERO, &mut taken).await;
        }
        Ok(taken)
    }
}

/// The server's id, which is another one whenever it starts.
fn start_of(client: &Client) -> String {
    format!("made by the server {}", client.server_info().server_id)
}

async fn collect(
    mut batch: pull::Batch,
    patience: Duration,
    taken: &mut Vec<Taken>,
) -> Result<(), QueueError> {
    // A connection that breaks ends the batch only by the clock.
    while let Ok(Some(message)) = timeout(patience + MARGIN, batch.next()).await {
        taken.push(Taken { message: message.map_err(failed("give opt-ins"))? });
    }
    Ok(())
}

impl Taken {
    /// How often within its time a message has to be touched, so that it is not given to anybody else.
    pub const TOUCH: Duration = Duration::from_secs(UNANSWERED.as_secs() / 3);

    /// The opt-in, and its key; none when the message is not one that a front door has written.
    #[must_use]
    pub fn opt_in(&self) -> Option<(Key, OptIn)> {
        let opt_in: OptIn = serde_json::from_slice(&self.message.payload).ok()?;
        let key = Key::new(&opt_in.account, opt_in.id.as_deref()?);
        let is_its = self.message.subject.rsplit('.').next() == Some(opt_in.account.as_str());
        is_its.then_some((key, opt_in))
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
    pub fn attempts(&self) -> u32 {
        self.message.info().map_or(1, |info| u32::try_from(info.delivered).unwrap_or(u32::MAX))
    }

    /// It is settled: removes it from the queue.
    ///
    /// # Errors
    /// When there is no connection. It is given out again then, and found to be settled.
    pub async fn acknowledge(&self) -> Result<(), QueueError> {
        self.message.ack().await.map_err(failed("take an acknowledgement"))
    }

    /// Gives it back; it is given out again after this time.
    ///
    /// # Errors
    /// When there is no connection. It is given out again all the same.
    pub async fn give_back(&self, delay: Duration) -> Result<(), QueueError> {
        self.message.ack_with(AckKind::Nak(Some(delay))).await.map_err(failed("take an opt-in back"))
    }

    /// It is still being worked on.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn touch(&self) -> Result<(), QueueError> {
        self.message.ack_with(AckKind::Progress).await.map_err(failed("wait for an opt-in"))
    }
}
