//! Places that many share, so that nobody who takes many keeps the others out.
//!
//! A key (a tenant, an account) gets a further place only while it holds fewer places than would then be left
//! to the others: a dynamic threshold, as switches share their buffer by. One busy key gets half of the
//! places, two get a third each, *n* of them one part in *n* + 1 each, and what is left over is there at once
//! for whoever holds none. A key that holds none may take the last place.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use klaviyo_host::fair::Places;
//!
//! let places = Places::new(4);
//! let busy = [places.take(&"busy").await, places.take(&"busy").await];
//! assert!(places.try_take(&"busy").is_none());
//! let quiet = places.take(&"quiet").await;
//! # drop((busy, quiet));
//! # }
//! ```

use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A number of places, shared by the rule of [this module](self). A key that holds nothing and waits for
/// nothing takes no memory.
pub struct Places<K: Clone + Eq + Hash + Send + 'static> {
    state: Mutex<PlacesState<K>>,
}

/// A place. It is given back when this is dropped, and whoever is next gets it.
#[must_use = "a place is given back when it is dropped"]
pub struct Place<K: Clone + Eq + Hash + Send + 'static> {
    places: Arc<Places<K>>,
    key: K,
}

struct PlacesState<K: Clone + Eq + Hash + Send + 'static> {
    free: usize,
    keys: HashMap<K, Share<K>>,
    /// The keys that wait, by how many places they hold and by their turn. Whoever holds fewer may have a
    /// place whenever one who holds more may, so when the first of them may not, none may.
    line: BTreeMap<(usize, u64), K>,
    /// The next turn, and the next number of one who waits.
    next: u64,
}

/// What one key holds, and who waits for more of it: at least one of the two.
struct Share<K: Clone + Eq + Hash + Send + 'static> {
    held: usize,
    /// When the key began to wait, or since then last got a place or gave one back: of keys that hold as many
    /// as each other, one that has just had a place comes after those that have had none.
    turn: u64,
    /// In the order in which they came.
    waiting: BTreeMap<u64, oneshot::Sender<Place<K>>>,
}

/// One who waits. Dropping it takes it out of the line.
struct Waiting<'a, K: Clone + Eq + Hash + Send + 'static> {
    places: &'a Places<K>,
    key: &'a K,
    number: u64,
}

impl<K: Clone + Eq + Hash + Send + 'static> Places<K> {
    /// So many places, all of them free. Of none, nobody ever gets one.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        let state = PlacesState { free: most, keys: HashMap::new(), line: BTreeMap::new(), next: 0 };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// A place, if the key may have one now.
    pub fn try_take(self: &Arc<Self>, key: &K) -> Option<Place<K>> {
        self.state.lock().take(key).then(|| self.place(key))
    }

    /// Waits for a place. Of those who wait, the key that holds the fewest is first, keys that hold as many
    /// as each other take turns (whoever has just had a place is last), and within a key it goes by who came
    /// first.
    ///
    /// Dropping the future gives up the wait, and a place that was meant for it goes to the next.
    pub async fn take(self: &Arc<Self>, key: &K) -> Place<K> {
        loop {
            let (give, given) = oneshot::channel();
            let _waiting = match self.take_or_wait(key, give) {
                Ok(place) => return place,
                Err(waiting) => waiting,
            };
            // Nobody drops the other end while it is in line; if it were dropped, this asks anew.
            if let Ok(place) = given.await {
                return place;
            }
        }
    }

    fn take_or_wait<'a>(
        self: &'a Arc<Self>,
        key: &'a K,
        give: oneshot::Sender<Place<K>>,
    ) -> Result<Place<K>, Waiting<'a, K>> {
        let mut state = self.state.lock();
        if state.take(key) {
            return Ok(self.place(key));
        }
        let number = state.wait(key, give);
        Err(Waiting { places: self, key, number })
    }

    fn place(self: &Arc<Self>, key: &K) -> Place<K> {
        Place { places: Arc::clone(self), key: key.clone() }
    }

    /// Takes a place back, and gives it to whoever is next. That never makes room for a second one: what is
    /// free is as much as before, and so is what all others hold.
    fn give_back(self: &Arc<Self>, key: &K) {
        let next = {
            let mut state = self.state.lock();
            state.give_back(key);
            state.serve()
        };
        if let Some((key, next)) = next {
            // One who has gone meanwhile leaves the place to be dropped here, and so to the next.
            drop(next.send(self.place(&key)));
        }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> PlacesState<K> {
    /// Whether a key that holds so many may have one more.
    fn may_have_more(&self, held: usize) -> bool {
        match held {
            0 => self.free > 0,
            _ => held < self.free.saturating_sub(1),
        }
    }

    /// Takes a place for the key, if it may have one. That passes nobody in line: whoever waits may have
    /// none.
    fn take(&mut self, key: &K) -> bool {
        let held = self.keys.get(key).map_or(0, |share| share.held);
        let may = self.may_have_more(held);
        if may {
            self.keys.entry(key.clone()).or_default().held += 1;
            self.free -= 1;
        }
        may
    }

    fn wait(&mut self, key: &K, give: oneshot::Sender<Place<K>>) -> u64 {
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

    fn give_back(&mut self, key: &K) {
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

    /// Gives a place to the one who is next, if that one may have it.
    fn serve(&mut self) -> Option<(K, oneshot::Sender<Place<K>>)> {
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
        self.places.state.lock().give_up(self.key, self.number);
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Drop for Place<K> {
    fn drop(&mut self) {
        self.places.give_back(&self.key);
    }
}

#[cfg(test)]
mod tests;
