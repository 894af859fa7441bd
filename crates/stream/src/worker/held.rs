//! The messages that a worker has taken and not settled.

use crate::queue::{QueueError, Taken};
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::debug;

/// How many acknowledgements are on their way at once.
const AT_ONCE: usize = 256;

/// The messages of one account that are being worked on, by their places in the stream. What is in here when the work
/// ends, however it does, is given back.
#[derive(Default)]
pub(super) struct Held(Mutex<BTreeMap<u64, Message>>);

struct Message {
    taken: Arc<Taken>,
    /// How often it was tried in vain since it was taken.
    failures: u32,
}

impl Held {
    pub(super) fn hold(&self, taken: Taken) {
        self.messages().insert(taken.sequence(), Message { taken: Arc::new(taken), failures: 0 });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages().is_empty()
    }

    /// So many of them, those that have failed the least first. With each, how often it is tried, this time included.
    pub(super) fn next(&self, most: usize) -> Vec<(Arc<Taken>, u32)> {
        let messages = self.messages();
        let mut all: Vec<&Message> = messages.values().collect();
        all.sort_by_key(|message| message.failures);
        let attempts = |message: &Message| message.taken.attempts().saturating_add(message.failures);
        all.into_iter().take(most).map(|message| (Arc::clone(&message.taken), attempts(message))).collect()
    }

    /// These were tried in vain, as far as they are still here.
    pub(super) fn failed(&self, places: &[u64]) {
        let mut messages = self.messages();
        for place in places {
            if let Some(message) = messages.get_mut(place) {
                message.failures = message.failures.saturating_add(1);
            }
        }
    }

    /// It is settled: off the queue.
    pub(super) async fn acknowledge(&self, place: u64) -> Result<(), QueueError> {
        match self.remove(place) {
            Some(taken) => taken.acknowledge().await,
            None => Ok(()),
        }
    }

    /// Gives one back, for later.
    pub(super) async fn give_back(&self, place: u64, delay: Duration) {
        if let Some(taken) = self.remove(place) {
            give_back(&taken, delay).await;
        }
    }

    fn remove(&self, place: u64) -> Option<Arc<Taken>> {
        self.messages().remove(&place).map(|message| message.taken)
    }

    /// Gives all back.
    pub(super) async fn give_all_back(&self, delay: Duration) {
        let all = std::mem::take(&mut *self.messages());
        let all: Vec<_> = all.into_values().map(|message| message.taken).collect();
        stream::iter(&all).for_each_concurrent(AT_ONCE, |taken| give_back(taken, delay)).await;
    }

    /// Keeps them from being given to anybody else, until it is dropped.
    pub(super) async fn keep(&self) {
        loop {
            tokio::time::sleep(Taken::TOUCH).await;
            let all: Vec<_> = self.messages().values().map(|message| Arc::clone(&message.taken)).collect();
            let touch = async |taken: &Arc<Taken>| {
                // Then it is given out again, and found to be settled if it was.
                if let Err(error) = taken.touch().await {
                    debug!(%error, "an opt-in is not kept");
                }
            };
            stream::iter(&all).for_each_concurrent(AT_ONCE, touch).await;
        }
    }

    fn messages(&self) -> MutexGuard<'_, BTreeMap<u64, Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn give_back(taken: &Taken, delay: Duration) {
    // Then it is given out again when its time is over.
    if let Err(error) = taken.give_back(delay).await {
        debug!(%error, "an opt-in is not given back");
    }
}
