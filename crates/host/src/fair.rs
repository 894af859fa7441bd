//! A fair semaphore: a key that takes many permits cannot keep the other keys out.
//!
//! A key (a tenant, an account) gets a further permit only while it holds fewer permits than would then be
//! free. Network switches share their buffers by this rule, the dynamic threshold. One busy key gets half of
//! the permits, two get a third each, and *n* get one part in *n* + 1 each. The rest stays free for keys
//! that hold none. A key that holds none may take the last permit.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use klaviyo_host::fair::FairSemaphore;
//!
//! let semaphore = FairSemaphore::new(4);
//! let busy = [semaphore.acquire(&"busy").await, semaphore.acquire(&"busy").await];
//! assert!(semaphore.try_acquire(&"busy").is_none());
//! let quiet = semaphore.acquire(&"quiet").await;
//! # drop((busy, quiet));
//! # }
//! ```

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A number of permits that keys share by the rule of [this module](self). A key that holds no permit and
/// does not wait takes no memory.
pub struct FairSemaphore<K: Clone + Eq + Hash + Send + 'static> {
    state: Mutex<SemaphoreState<K>>,
}

/// A permit. Dropping it gives it to the next key that waits.
#[must_use = "a permit is released when it is dropped"]
pub struct FairPermit<K: Clone + Eq + Hash + Send + 'static> {
    semaphore: Arc<FairSemaphore<K>>,
    key: K,
}

struct SemaphoreState<K: Clone + Eq + Hash + Send + 'static> {
    free: usize,
    keys: HashMap<K, Share<K>>,
    /// The waiting keys, by the number of permits that they hold and by their turn. A key with fewer permits
    /// may have one whenever a key with more may. So if the first key may not, none may.
    line: BTreeMap<(usize, u64), K>,
    /// The next number, for a turn or a waiter.
    next: u64,
}

/// The permits of one key, and its waiters: at least one of the two.
struct Share<K: Clone + Eq + Hash + Send + 'static> {
    held: usize,
    /// The moment when the key began to wait or, later, last got or released a permit. Of keys with equally
    /// many permits, the one that was served last comes last.
    turn: u64,
    /// In the order of their arrival.
    waiting: BTreeMap<u64, oneshot::Sender<FairPermit<K>>>,
}

/// A waiter. Dropping it removes it from the line.
struct Waiting<'a, K: Clone + Eq + Hash + Send + 'static> {
    semaphore: &'a FairSemaphore<K>,
    key: &'a K,
    number: u64,
}

impl<K: Clone + Eq + Hash + Send + 'static> FairSemaphore<K> {
    /// This many permits, all of them free. Without any, every key waits for ever.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        let state = SemaphoreState { free: most, keys: HashMap::new(), line: BTreeMap::new(), next: 0 };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// A permit, if the key may have one now.
    pub fn try_acquire(self: &Arc<Self>, key: &K) -> Option<FairPermit<K>> {
        self.state.lock().take(key).then(|| self.permit(key))
    }

    /// Waits for a permit. The waiting key with the fewest permits is first. Keys with equally many permits
    /// take turns: the key that was served last is last. The waiters of one key are served in the order of
    /// their arrival.
    ///
    /// Dropping the future ends the wait. A permit that it was already given goes to the next.
    pub async fn acquire(self: &Arc<Self>, key: &K) -> FairPermit<K> {
        loop {
            let (give, given) = oneshot::channel();
            let _waiting = match self.acquire_or_wait(key, give) {
                Ok(permit) => return permit,
                Err(waiting) => waiting,
            };
            // The other end stays in the line until it is used, so this does not fail; if it did, ask again.
            if let Ok(permit) = given.await {
                return permit;
            }
        }
    }

    fn acquire_or_wait<'a>(
        self: &'a Arc<Self>,
        key: &'a K,
        give: oneshot::Sender<FairPermit<K>>,
    ) -> Result<FairPermit<K>, Waiting<'a, K>> {
        let mut state = self.state.lock();
        if state.take(key) {
            return Ok(self.permit(key));
        }
        let number = state.wait(key, give);
        Err(Waiting { semaphore: self, key, number })
    }

    fn permit(self: &Arc<Self>, key: &K) -> FairPermit<K> {
        FairPermit { semaphore: Arc::clone(self), key: key.clone() }
    }

    /// Takes a permit back and gives it to the next waiter. It never makes room for a second waiter: the
    /// number of free permits, and what all other keys hold, is the same as before.
    fn release(self: &Arc<Self>, key: &K) {
        let next = {
            let mut state = self.state.lock();
            state.release(key);
            state.serve()
        };
        if let Some((key, next)) = next {
            // If the waiter has gone, the permit is dropped here and goes to the next.
            drop(next.send(self.permit(&key)));
        }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> SemaphoreState<K> {
    /// Whether a key that holds this many permits may have one more.
    fn may_have_more(&self, held: usize) -> bool {
        match held {
            0 => self.free > 0,
            _ => held < self.free.saturating_sub(1),
        }
    }

    /// Takes a permit for the key, if it may have one. It overtakes no waiter that could be served: waiters
    /// may have none.
    fn take(&mut self, key: &K) -> bool {
        let held = self.keys.get(key).map_or(0, |share| share.held);
        let may = self.may_have_more(held);
        if may {
            self.keys.entry(key.clone()).or_default().held += 1;
            self.free -= 1;
        }
        may
    }

    fn wait(&mut self, key: &K, give: oneshot::Sender<FairPermit<K>>) -> u64 {
        let number = self.next;
        self.next += 1;
        let share = self.keys.entry(key.clone()).or_default();
        if share.waiting.is_empty() {
            share.turn = number;
            self.line.insert((share.held, number), key.clone());
        }
        share.waiting.insert(number, give);
        number
    }

    fn release(&mut self, key: &K) {
        let Some(share) = self.keys.get_mut(key) else { return };
        let before = (share.held, share.turn);
        share.held -= 1;
        self.free += 1;
        if !share.waiting.is_empty() {
            share.turn = self.next;
            self.next += 1;
            self.line.remove(&before);
            self.line.insert((share.held, share.turn), key.clone());
        } else if share.held == 0 {
            self.keys.remove(key);
        }
    }

    /// Gives a permit to the next waiter, if its key may have one.
    fn serve(&mut self) -> Option<(K, oneshot::Sender<FairPermit<K>>)> {
        let (&(held, _), _) = self.line.first_key_value()?;
        if !self.may_have_more(held) {
            return None;
        }
        let (_, key) = self.line.pop_first()?;
        let share = self.keys.get_mut(&key)?;
        let (_, next) = share.waiting.pop_first()?;
        share.held += 1;
        self.free -= 1;
        if !share.waiting.is_empty() {
            share.turn = self.next;
            self.next += 1;
            self.line.insert((share.held, share.turn), key.clone());
        }
        Some((key, next))
    }

    fn give_up(&mut self, key: &K, number: u64) {
        let Some(share) = self.keys.get_mut(key) else { return };
        if share.waiting.remove(&number).is_some() && share.waiting.is_empty() {
            self.line.remove(&(share.held, share.turn));
            if share.held == 0 {
                self.keys.remove(key);
            }
        }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Default for Share<K> {
    fn default() -> Self {
        Self { held: 0, turn: 0, waiting: BTreeMap::new() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        self.semaphore.state.lock().give_up(self.key, self.number);
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Drop for FairPermit<K> {
    fn drop(&mut self) {
        self.semaphore.release(&self.key);
    }
}

#[cfg(test)]
mod tests;
