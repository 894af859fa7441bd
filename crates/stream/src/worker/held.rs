//! The messages that a worker has taken and not settled.

use crate::queue::{QueueError, Taken};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::debug;

/// How many acknowledgements are on their way at once.
const AT_ONCE: usize = 256;

/// The messages of one account that are being worked on, by their places in the stream. What is in here when the work
/// ends, however it does, is given back.
#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<u64, Arc<Taken>>>);

impl Held {
    pub(super) fn hold(&self, taken: &Arc<Taken>) {
        self.messages().insert(taken.sequence(), Arc::clone(taken));
    }

    /// It is settled: off the queue.
    pub(super) async fn acknowledge(&self, place: u64) -> Result<(), QueueError> {
        let taken = self.messages().remove(&place);
        match taken {
            Some(taken) => taken.acknowledge().await,
            None => Ok(()),
        }
    }

    /// Gives one back, for later.
    pub(super) async fn give_back(&self, place: u64, delay: Duration) {
        let taken = self.messages().remove(&place);
        if let Some(taken) = taken {
            give_back(&taken, delay).await;
        }
    }

    /// Gives all back.
    pub(super) async fn give_all_back(&self, delay: Duration) {
        let all: Vec<_> = self.messages().drain().map(|(_, taken)| taken).collect();
        stream::iter(&all).for_each_concurrent(AT_ONCE, |taken| give_back(taken, delay)).await;
    }

    /// Keeps them from being given to anybody else, until it is dropped.
    pub(super) async fn keep(&self) {
        loop {
            tokio::time::sleep(Taken::TOUCH).await;
            let all: Vec<_> = self.messages().values().cloned().collect();
            let touch = async |taken: &Arc<Taken>| {
                // Then it is given out again, and found to be settled if it was.
                if let Err(error) = taken.touch().await {
                    debug!(%error, "an opt-in is not kept");
                }
            };
            stream::iter(&all).for_each_concurrent(AT_ONCE, touch).await;
        }
    }

    fn messages(&self) -> MutexGuard<'_, HashMap<u64, Arc<Taken>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn give_back(taken: &Taken, delay: Duration) {
    // Then it is given out again when its time is over.
    if let Err(error) = taken.give_back(delay).await {
        debug!(%error, "an opt-in is not given back");
    }
}
