//! The messages that a worker has taken from the queue and not settled, and the pauses before another attempt.

use super::budget::Room;
use crate::queue::{Delivery, QueueError};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// How many acknowledgements are under way at once.
const AT_ONCE: usize = 256;
/// How long a nak of all messages may take. JetStream delivers the others again all the same, a little later.
const NAK_ALL: Duration = Duration::from_secs(5);

/// The messages of a lane of one account that are being worked on, by their sequences in the stream. Those that are in
/// here when the work ends go back to the queue.
#[derive(Default)]
pub(super) struct InFlight(Mutex<Messages>);

#[derive(Default)]
struct Messages {
    deliveries: BTreeMap<u64, Arc<Delivery>>,
    /// How often each message was tried and failed, before a nak too. Deliveries do not count: a message may
    /// have been naked without an attempt.
    failures: HashMap<u64, u32>,
    /// What the messages take of the worker's budget.
    room: Room,
    /// When the last message that was naked with a delay is due.
    last_redelivery: Option<Instant>,
}

impl Messages {
    /// A nak with this delay is about to be sent.
    fn redelivers_after(&mut self, delay: Duration) {
        self.last_redelivery = self.last_redelivery.max(Some(Instant::now() + delay));
    }

    fn remove(&mut self, sequence: u64) -> Option<Arc<Delivery>> {
        let delivery = self.deliveries.remove(&sequence);
        if self.deliveries.is_empty() {
            self.room = Room::default();
        }
        delivery
    }
}

impl InFlight {
    /// Adds messages, with the room that was reserved for them.
    pub(super) fn add(&self, deliveries: Vec<Delivery>, mut room: Room) {
        room.keep(deliveries.iter().map(|delivery| delivery.payload().len()));
        let deliveries = deliveries.into_iter().map(|delivery| (delivery.sequence(), Arc::new(delivery)));
        let mut messages = self.0.lock();
        messages.deliveries.extend(deliveries);
        messages.room = room;
    }

    /// A message, as long as it is in here.
    pub(super) fn get(&self, sequence: u64) -> Option<Arc<Delivery>> {
        self.0.lock().deliveries.get(&sequence).map(Arc::clone)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().deliveries.is_empty()
    }

    /// At most so many messages, those with the fewest failures first. Each comes with how often it is tried, this
    /// attempt included.
    pub(super) fn next(&self, most: usize) -> Vec<(Arc<Delivery>, u32)> {
        let messages = self.0.lock();
        let failures = |sequence: &u64| messages.failures.get(sequence).copied().unwrap_or_default();
        let mut all: Vec<(u32, &Arc<Delivery>)> =
            messages.deliveries.iter().map(|(sequence, delivery)| (failures(sequence), delivery)).collect();
        all.sort_by_key(|(failures, _)| *failures);
        let next = all.into_iter().take(most);
        next.map(|(failures, delivery)| (Arc::clone(delivery), failures.saturating_add(1))).collect()
    }

    /// Counts a failed attempt for each of these.
    pub(super) fn failed(&self, sequences: &[u64]) {
        let mut messages = self.0.lock();
        for sequence in sequences {
            let failures = messages.failures.entry(*sequence).or_default();
            *failures = failures.saturating_add(1);
        }
    }

    /// Acknowledges a message that is settled: JetStream removes it.
    pub(super) async fn ack(&self, sequence: u64) -> Result<(), QueueError> {
        let delivery = {
            let mut messages = self.0.lock();
            messages.failures.remove(&sequence);
            messages.remove(sequence)
        };
        match delivery {
            Some(delivery) => delivery.ack().await,
            None => Ok(()),
        }
    }

    /// When the last message that was naked with a delay is due.
    pub(super) fn last_redelivery(&self) -> Option<Instant> {
        self.0.lock().last_redelivery
    }

    /// Returns a message to the queue, which delivers it again after the delay.
    pub(super) async fn nak(&self, sequence: u64, delay: Duration) {
        let delivery = {
            let mut messages = self.0.lock();
            messages.redelivers_after(delay);
            messages.remove(sequence)
        };
        if let Some(delivery) = delivery {
            nak(&delivery, delay).await;
        }
    }

    /// Returns all messages to the queue. The result is the room that they took.
    pub(super) async fn nak_all(&self, delay: Duration) -> Room {
        let (deliveries, room) = {
            let mut messages = self.0.lock();
            messages.redelivers_after(delay);
            (std::mem::take(&mut messages.deliveries), std::mem::take(&mut messages.room))
        };
        let all = stream::iter(deliveries.into_values());
        let all = all.for_each_concurrent(AT_ONCE, async |delivery| nak(&delivery, delay).await);
        if timeout(NAK_ALL, all).await.is_err() {
            debug!("opt-ins are not given back");
        }
        room
    }

    /// Keeps JetStream from delivering the messages again, until this is dropped.
    pub(super) async fn extend_forever(&self) {
        loop {
            tokio::time::sleep(Delivery::EXTEND_EVERY).await;
            let all: Vec<_> = self.0.lock().deliveries.values().map(Arc::clone).collect();
            let extend = async |delivery: &Arc<Delivery>| {
                // A message that is delivered again is found to be settled if it was.
                if let Err(error) = delivery.extend().await {
                    debug!(%error, "an opt-in is not kept");
                }
            };
            stream::iter(&all).for_each_concurrent(AT_ONCE, extend).await;
        }
    }
}

async fn nak(delivery: &Delivery, delay: Duration) {
    // Without it JetStream delivers the message again when its time is over.
    if let Err(error) = delivery.nak(delay).await {
        debug!(%error, "an opt-in is not given back");
    }
}

const LONGEST: Duration = Duration::from_secs(5 * 60);
/// The pause after so many attempts: a second, and twice as long each time. It is up to a quarter shorter or
/// longer, so that not all retries come at once.
pub(super) fn pause(attempts: u32) -> Duration {
    let doubled = Duration::from_secs(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.75 + 0.5 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        for (attempts, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (u32::MAX, 300)] {
            let pause = pause(attempts).as_secs_f64() / f64::from(seconds);
            assert!((0.75..1.25).contains(&pause), "{attempts}: {pause}");
        }
    }
}
