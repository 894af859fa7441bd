//! The lists that a tenant has found by name.

use crate::lock;
use crate::types::Audience;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

const NAMES: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// A list that is renamed or deleted in Klaviyo is noticed after this.
const TIME_TO_LIVE: Duration = Duration::from_secs(300);

/// Lists by what they were asked for as, the most recently used ones, for a while.
pub(crate) struct Names(Mutex<Known>);

struct Known {
    lists: LruCache<String, (Instant, Audience)>,
    account: Generation,
}

/// Which account the lists are of: another one after each change of the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl Default for Names {
    fn default() -> Self {
        Self(Mutex::new(Known { lists: LruCache::new(NAMES), account: Generation(0) }))
    }
}

impl Names {
    /// The list, if it is known, and what to give to [`Names::put`] when it has been found.
    pub(crate) fn get(&self, name: &str) -> (Option<Audience>, Generation) {
        let mut known = lock(&self.0);
        let fresh = known.lists.get(name).filter(|(found, _)| found.elapsed() < TIME_TO_LIVE);
        (fresh.map(|(_, list)| list.clone()), known.account)
    }

    /// Remembers a list, unless the account has changed while it was looked for.
    pub(crate) fn put(&self, name: &str, list: &Audience, account: Generation) {
        let mut known = lock(&self.0);
        if known.account == account {
            known.lists.put(name.to_owned(), (Instant::now(), list.clone()));
        }
    }

    /// Forgets a list that Klaviyo does not have any more.
    pub(crate) fn forget(&self, id: &str) {
        let mut known = lock(&self.0);
        let is_gone =
            |(name, (_, list)): (&String, &(Instant, Audience))| (list.id == id).then(|| name.clone());
        let gone: Vec<String> = known.lists.iter().filter_map(is_gone).collect();
        for name in gone {
            known.lists.pop(&name);
        }
    }

    /// Forgets everything: the account is another one.
    pub(crate) fn forget_all(&self) {
        let mut known = lock(&self.0);
        known.lists.clear();
        known.account.0 += 1;
    }
}
