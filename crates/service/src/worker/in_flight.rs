//! The messages that a worker has taken and not settled.

use super::budget::Room;
use crate::queue::{QueueError, Taken};
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

/// The messages of one account that are being worked on, by their places in the stream. What is in here when the work
/// ends, however it does, is given back.
#[derive(Default)]
pub(super) struct Held(Mutex<InHand>);

#[derive(Default)]
struct InHand {
    messages: BTreeMap<u64, Arc<Taken>>,
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

impl Held {
    /// Holds messages, in the room that was made for them.
    pub(super) fn hold(&self, taken: Vec<Taken>, mut room: Room) {
        room.keep(taken.iter().map(|taken| taken.payload().len()));
        let mut in_hand = self.in_hand();
        in_hand.messages.extend(taken.into_iter().map(|taken| (taken.sequence(), Arc::new(taken))));
        in_hand.room = room;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_hand().messages.is_empty()
    }

    /// So many of them: those that [go first](Self::go_first), then those that have failed the least. With each, how often it is tried, this time included.
    pub(super) fn next(&self, most: usize) -> Vec<(Arc<Taken>, u32)> {
        let in_hand = self.in_hand();
        let tries = |place: &u64| in_hand.tries.get(place).copied().unwrap_or_default();
        let mut all: Vec<(u32, &Arc<Taken>)> =
            in_hand.messages.iter().map(|(place, taken)| (tries(place), taken)).collect();
        all.sort_by_key(|(tries, taken)| (!in_hand.first.contains(&taken.sequence()), *tries));
        let first = all.into_iter().take(most);
        first.map(|(tries, taken)| (Arc::clone(taken), tries.saturating_add(1))).collect()
    }

    /// These are tried before all others, however often they have failed.
    pub(super) fn go_first(&self, places: &[u64]) {
        self.in_hand().first.extend(places);
    }

    /// These were tried in vain.
    pub(super) fn failed(&self, places: &[u64]) {
        let mut in_hand = self.in_hand();
        for place in places {
            let tries = in_hand.tries.entry(*place).or_default();
            *tries = tries.saturating_add(1);
        }
    }

    /// It is settled: off the queue.
    pub(super) async fn acknowledge(&self, place: u64) -> Result<(), QueueError> {
        {
            let mut in_hand = self.in_hand();
            in_hand.tries.remove(&place);
            in_hand.first.remove(&place);
        }
        match self.remove(place) {
            Some(taken) => taken.acknowledge().await,
            None => Ok(()),
        }
    }

    /// When the last one of those that were given back for later comes again.
    pub(super) fn later(&self) -> Option<Instant> {
        self.in_hand().later
    }

    fn comes_again(&self, delay: Duration) {
        let mut in_hand = self.in_hand();
        in_hand.later = in_hand.later.max(Some(Instant::now() + delay));
    }

    /// Gives one back, for later.
    pub(super) async fn give_back(&self, place: u64, delay: Duration) {
        self.comes_again(delay);
        if let Some(taken) = self.remove(place) {
            give_back(&taken, delay).await;
        }
    }

    fn remove(&self, place: u64) -> Option<Arc<Taken>> {
        let mut in_hand = self.in_hand();
        let message = in_hand.messages.remove(&place);
        if in_hand.messages.is_empty() {
            in_hand.room = Room::default();
        }
        message
    }

    /// Gives all back. Returns the room that they took.
    pub(super) async fn give_all_back(&self, delay: Duration) -> Room {
        self.comes_again(delay);
        let (messages, room) = {
            let mut in_hand = self.in_hand();
            (std::mem::take(&mut in_hand.messages), std::mem::take(&mut in_hand.room))
        };
        let all = stream::iter(messages.into_values());
        let all = all.for_each_concurrent(AT_ONCE, async |taken| give_back(&taken, delay).await);
        if timeout(GIVING_BACK, all).await.is_err() {
            debug!("opt-ins are not given back");
        }
        room
    }

    /// Keeps them from being given to anybody else, until it is dropped.
    pub(super) async fn keep(&self) {
        loop {
            tokio::time::sleep(Taken::TOUCH).await;
            let all: Vec<_> = self.in_hand().messages.values().map(Arc::clone).collect();
            let touch = async |taken: &Arc<Taken>| {
                // Then it is given out again, and found to be settled if it was.
                if let Err(error) = taken.touch().await {
                    debug!(%error, "an opt-in is not kept");
                }
            };
            stream::iter(&all).for_each_concurrent(AT_ONCE, touch).await;
        }
    }

    fn in_hand(&self) -> MutexGuard<'_, InHand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn give_back(taken: &Taken, delay: Duration) {
    // Then it is given out again when its time is over.
    if let Err(error) = taken.give_back(delay).await {
        debug!(%error, "an opt-in is not given back");
    }
}
