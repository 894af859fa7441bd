//! The lists that an account's calls have found, so that a run of many contacts does not read all lists for
//! each.

use crate::types::Audience;
use lru::LruCache;
use parking_lot::Mutex;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::Instant;

const CAPACITY: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// For how long a list that is renamed or deleted in Klaviyo may still be returned.
const TIME_TO_LIVE: Duration = Duration::from_secs(300);

/// Recently found lists by the id or name that the caller used; entries expire after five minutes.
pub(crate) struct ListCache(Mutex<Entries>);

struct Entries {
    lists: LruCache<String, (Instant, Audience)>,
    generation: Generation,
}

/// Counts the changes of the key. The lists of one generation are all of the same account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Default for ListCache {
    fn default() -> Self {
        Self(Mutex::new(Entries { lists: LruCache::new(CAPACITY), generation: Generation(0) }))
    }
}

impl ListCache {
    /// The list, if it is known, and the generation to hand to [`ListCache::put`] once it has been found.
    pub(crate) fn get(&self, name: &str) -> (Option<Audience>, Generation) {
        let mut entries = self.0.lock();
        let fresh = entries.lists.get(name).filter(|(found, _)| found.elapsed() < TIME_TO_LIVE);
        (fresh.map(|(_, list)| list.clone()), entries.generation)
    }

    /// Remembers a list, unless the key has been replaced since [`ListCache::get`].
    pub(crate) fn put(&self, name: &str, list: &Audience, generation: Generation) {
        let mut entries = self.0.lock();
        if entries.generation == generation {
            entries.lists.put(name.to_owned(), (Instant::now(), list.clone()));
        }
    }

    /// Forgets a list that Klaviyo no longer has.
    pub(crate) fn forget(&self, id: &str) {
        let mut entries = self.0.lock();
        let is_gone =
            |(name, (_, list)): (&String, &(Instant, Audience))| (list.id == id).then(|| name.clone());
        let gone: Vec<String> = entries.lists.iter().filter_map(is_gone).collect();
        for name in gone {
            entries.lists.pop(&name);
        }
    }

    /// Forgets all lists, since a new key may belong to another account.
    pub(crate) fn forget_all(&self) {
        let mut entries = self.0.lock();
        entries.lists.clear();
        entries.generation.0 += 1;
    }
}
