//! The messages that a worker has taken and not settled.

use super::budget::Room;
use crate::queue::{Delivery, QueueError};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// How many acknowledgements are on their way at once.
const AT_ONCE: usize = 256;
/// How long giving back may take. What is not given back then is given out again all the same, a little later.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// The messages of one account that are being worked on, by their sequences in the stream. What is in here when the work
/// ends, however it does, is given back.
#[derive(Default)]
pub(super) struct InFlight(Mutex<Messages>);

#[derive(Default)]
struct Messages {
    messages: BTreeMap<u64, Arc<Delivery>>,
    /// How often each was tried in vain, also before it was given back. That it was given out is not counted: it may have
    /// been given back without being tried.
    tries: HashMap<u64, u32>,
    /// Those that go before all others.
    first: HashSet<u64>,
    /// What they take of the worker's budget.
    room: Room,
    /// When the last one of those that were given back for later comes again.
    later: Option<Instant>,
}

impl InFlight {
    /// Holds messages, in the room that was made for them.
    pub(super) fn hold(&self, taken: Vec<Delivery>, mut room: Room) {
        room.keep(taken.iter().map(|taken| taken.payload().len()));
        let mut messages = self.messages();
        messages.messages.extend(taken.into_iter().map(|taken| (taken.sequence(), Arc::new(taken))));
        messages.room = room;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages().messages.is_empty()
    }

    /// So many of them: those that [go first](Self::go_first), then those that have failed the least. With each, how often it is tried, this time included.
    pub(super) fn next(&self, most: usize) -> Vec<(Arc<Delivery>, u32)> {
        let messages = self.messages();
        let tries = |sequence: &u64| messages.tries.get(sequence).copied().unwrap_or_default();
        let mut all: Vec<(u32, &Arc<Delivery>)> =
            messages.messages.iter().map(|(sequence, taken)| (tries(sequence), taken)).collect();
        all.sort_by_key(|(tries, taken)| (!messages.first.contains(&taken.sequence()), *tries));
        let first = all.into_iter().take(most);
        first.map(|(tries, taken)| (Arc::clone(taken), tries.saturating_add(1))).collect()
    }

    /// These are tried before all others, however often they have failed.
    pub(super) fn go_first(&self, sequences: &[u64]) {
        self.messages().first.extend(sequences);
    }

    /// These were tried in vain.
    pub(super) fn failed(&self, sequences: &[u64]) {
        let mut messages = self.messages();
        for sequence in sequences {
            let tries = messages.tries.entry(*sequence).or_default();
            *tries = tries.saturating_add(1);
        }
    }

    /// It is settled: off the queue.
    pub(super) async fn ack(&self, sequence: u64) -> Result<(), QueueError> {
        {
            let mut messages = self.messages();
            messages.tries.remove(&sequence);
            messages.first.remove(&sequence);
        }
        match self.remove(sequence) {
            Some(taken) => taken.ack().await,
            None => Ok(()),
        }
    }

    /// When the last one of those that were given back for later comes again.
    pub(super) fn later(&self) -> Option<Instant> {
        self.messages().later
    }

    fn comes_again(&self, delay: Duration) {
        let mut messages = self.messages();
        messages.later = messages.later.max(Some(Instant::now() + delay));
    }

    /// Gives one back, for later.
    pub(super) async fn nak(&self, sequence: u64, delay: Duration) {
        self.comes_again(delay);
        if let Some(taken) = self.remove(sequence) {
            nak(&taken, delay).await;
        }
    }

    fn remove(&self, sequence: u64) -> Option<Arc<Delivery>> {
        let mut messages = self.messages();
        let message = messages.messages.remove(&sequence);
        if messages.messages.is_empty() {
            messages.room = Room::default();
        }
        message
    }

    /// Gives all back. Returns the room that they took.
    pub(super) async fn nak_all(&self, delay: Duration) -> Room {
        self.comes_again(delay);
        let (messages, room) = {
            let mut messages = self.messages();
            (std::mem::take(&mut messages.messages), std::mem::take(&mut messages.room))
        };
        let all = stream::iter(messages.into_values());
        let all = all.for_each_concurrent(AT_ONCE, async |taken| nak(&taken, delay).await);
        if timeout(GIVING_BACK, all).await.is_err() {
            debug!("opt-ins are not given back");
        }
        room
    }

    /// Keeps them from being given to anybody else, until it is dropped.
    pub(super) async fn keep(&self) {
        loop {
            tokio::time::sleep(Delivery::EXTEND_EVERY).await;
            let all: Vec<_> = self.messages().messages.values().map(Arc::clone).collect();
            let extend = async |taken: &Arc<Delivery>| {
                // Then it is given out again, and found to be settled if it was.
                if let Err(error) = taken.extend().await {
                    debug!(%error, "an opt-in is not kept");
                }
            };
            stream::iter(&all).for_each_concurrent(AT_ONCE, extend).await;
        }
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn nak(taken: &Delivery, delay: Duration) {
    // Then it is given out again when its time is over.
    if let Err(error) = taken.nak(delay).await {
        debug!(%error, "an opt-in is not given back");
    }
}
