//! What waits: how much of each account, and one lane of one account, as a worker takes its messages.

use super::broker::{BrokerError, Consumer, Delivered, Pull};
use super::connection::Queue;
use super::delivery::{ACK_WAIT, Delivery, LONGEST_DELAY};
use super::error::{QueueError, ask, failed};
use super::lane::Lane;
use crate::account::Account;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tracing::debug;

/// The messages in the queue, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many of each account wait or are under way, by lane. A lane without any is not in it.
    pub accounts: BTreeMap<Account, BTreeMap<Lane, usize>>,
    /// How many there are of each subject that is no account's. No worker takes them.
    pub strays: BTreeMap<String, usize>,
}

impl Waiting {
    /// Whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.strays.is_empty()
    }

    /// How many messages of all accounts wait or are under way, in all lanes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.accounts.values().flat_map(BTreeMap::values).sum()
    }
}

impl Queue {
    /// How many messages of each account wait or are under way, in all lanes.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn waiting(&self) -> Result<Waiting, QueueError> {
        let mut waiting = Waiting::default();
        for lane in Lane::ALL {
            for (subject, count) in self.waiting_in(lane).await? {
                match subject.rsplit('.').next().and_then(|name| name.parse().ok()) {
                    Some(account) => drop(waiting.accounts.entry(account).or_default().insert(lane, count)),
                    None => drop(waiting.strays.insert(subject, count)),
                }
            }
        }
        Ok(waiting)
    }

    /// How many messages of each subject are in a lane.
    async fn waiting_in(&self, lane: Lane) -> Result<Vec<(String, usize)>, QueueError> {
        let what = "count what waits";
        // All subjects are asked for, even where one account is meant: a NATS 2.9 that was killed tells of no
        // message if it is asked for a single subject.
        ask(self.connection(), what, self.lanes.stream(lane).subjects(lane.subject("*"))).await
    }
}

/// The most opt-ins that are taken at once: the contacts of one import.
pub const MAX_BATCH: usize = 10_000;
/// The time for the network, added to the time that JetStream waits for a message.
const MARGIN: Duration = Duration::from_secs(2);
/// The most messages of an account that are with workers: a whole batch, and the messages of workers that
/// were killed.
const MAX_IN_FLIGHT: i64 = 50_000;

/// A lane of one account. Only the worker that holds the account's lease takes messages from it.
pub struct AccountQueue {
    queue: Queue,
    account: Account,
    lane: Lane,
    consumer: Arc<dyn Consumer>,
}

/// What a lane of an account holds although it delivered nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// Nothing.
    Empty,
    /// Messages that were naked with a delay, or that a worker had when it was killed.
    Later,
    /// Messages that would not have been delivered. The consumer was made anew and delivers them.
    Recreated,
}

impl Queue {
    /// A lane of one account.
    ///
    /// # Errors
    /// When its consumer cannot be made.
    pub async fn account(&self, account: &Account, lane: Lane) -> Result<AccountQueue, QueueError> {
        let consumer = consumer(self, account, lane).await?;
        Ok(AccountQueue { queue: self.clone(), account: account.clone(), lane, consumer })
    }
}

/// Opens the consumer of an account, or makes it.
async fn consumer(queue: &Queue, account: &Account, lane: Lane) -> Result<Arc<dyn Consumer>, QueueError> {
    let config = pull::Config {
        durable_name: Some(account.to_string()),
        description: Some(start_of(queue)),
        filter_subject: lane.subject_of(account),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: MAX_IN_FLIGHT,
        // The worker decides when to give up, and makes a dead letter.
        max_deliver: -1,
        ..pull::Config::default()
    };
    let consumer = queue.lanes.stream(lane).open_consumer(config);
    ask(queue.connection(), "open an account's queue", consumer).await
}

impl AccountQueue {
    /// Makes the consumer anew if the server has started since it was made. Only the worker of the account may ask, when
    /// it has none of its messages.
    ///
    /// A server that was killed writes the stream and the consumer down one after the other. It can come back
    /// with messages that the consumer remembers as acknowledged, or with a consumer that waits for the
    /// acknowledgement of messages that are gone (seen with NATS 2.9). What else is delivered hides that.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn follow_server(&mut self) -> Result<(), QueueError> {
        if self.consumer.description() == Some(start_of(&self.queue).as_str()) {
            return Ok(());
        }
        debug!(account = %self.account, lane = %self.lane, "the server has started; the account's consumer is made anew");
        self.recreate().await
    }

    /// Makes the consumer anew if it has stopped delivering messages that are still in the stream. Only the worker of
    /// the account may ask, when it has none of its messages and got none for `quiet`.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn recreate_if_stalled(&mut self, quiet: Duration) -> Result<Backlog, QueueError> {
        let subject = self.lane.subject_of(&self.account);
        let waiting = self.queue.waiting_in(self.lane).await?;
        let Some((_, count)) = waiting.into_iter().find(|(of, _)| *of == subject) else {
            return Ok(Backlog::Empty);
        };
        let what = "describe an account's queue";
        let known = match ask(self.queue.connection(), what, self.consumer.state()).await? {
            Some(now) => now.pending.saturating_add(now.ack_pending as u64),
            // An operator has deleted it.
            None => 0,
        };
        // A message that was naked is delivered after the longest delay at the latest.
        let is_stalled = (count as u64) > known;
        let patience = if is_stalled { ACK_WAIT } else { 2 * LONGEST_DELAY };
        if quiet <= patience {
            return Ok(Backlog::Later);
        }
        self.recreate().await?;
        Ok(Backlog::Recreated)
    }

    /// Deletes the consumer and makes it anew. It begins with the first message in the stream. Those that were done have
    /// outcomes.
    async fn recreate(&mut self) -> Result<(), QueueError> {
        let delete = self.queue.lanes.stream(self.lane).delete_consumer(self.account.to_string());
        // This fails if it is gone already. If it is still there, it is opened as it is, and this comes
        // again.
        if let Err(error) = ask(self.queue.connection(), "delete a consumer", delete).await {
            debug!(account = %self.account, %error, "an account's consumer is not deleted");
        }
        self.consumer = consumer(&self.queue, &self.account, self.lane).await?;
        Ok(())
    }

    /// Takes at most `most` messages, and no more than [`MAX_BATCH`]. It waits for the first one as long as
    /// `patience`; the others have at most so many `bytes`.
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
        let connection = self.queue.connection();
        let first = Pull { most: 1, bytes: None, patience: Some(patience) };
        let first = ask(connection, what, self.consumer.pull(first));
        collect(first.await?, patience, &mut taken).await?;
        let more = most.min(MAX_BATCH).saturating_sub(1);
        if taken.is_empty() || more == 0 || bytes == 0 {
            return Ok(taken);
        }
        let rest = Pull { most: more, bytes: Some(bytes), patience: None };
        let rest = ask(connection, what, self.consumer.pull(rest));
        // If this fails, the messages that were taken are worked on all the same.
        if let Ok(rest) = rest.await {
            let _ = collect(rest, Duration::ZERO, &mut taken).await;
        }
        Ok(taken)
    }
}

async fn collect(
    mut batch: BoxStream<'static, Result<Delivered, BrokerError>>,
    patience: Duration,
    taken: &mut Vec<Delivery>,
) -> Result<(), QueueError> {
    // If the connection breaks, only the clock ends the batch.
    while let Ok(Some(message)) = timeout(patience + MARGIN, batch.next()).await {
        taken.push(Delivery(message.map_err(failed("give opt-ins"))?));
    }
    Ok(())
}

/// The description of a consumer that is made now. It has the server's id, which changes whenever the server starts.
fn start_of(queue: &Queue) -> String {
    format!("made by the server {}", queue.broker.server_id())
}
