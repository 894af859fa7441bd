//! The lists that a tenant has found by name.

use crate::types::Audience;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const NAMES: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// A list that is renamed or deleted in Klaviyo is noticed after this.
const TIME_TO_LIVE: Duration = Duration::from_secs(300);

/// Lists by what they were asked for as, the most recently used ones, for a while.
pub(crate) struct Names(Mutex<LruCache<String, (Instant, Audience)>>);

impl Default for Names {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NAMES)))
    }
}

impl Names {
    pub(crate) fn get(&self, name: &str) -> Option<Audience> {
        let mut names = self.lock();
        let (found, list) = names.get(name)?;
        if found.elapsed() < TIME_TO_LIVE {
            return Some(list.clone());
        }
        names.pop(name);
        None
    }

    pub(crate) fn put(&self, name: &str, list: &Audience) {
        self.lock().put(name.to_owned(), (Instant::now(), list.clone()));
    }

    /// Forgets a list that Klaviyo does not have any more.
    pub(crate) fn forget(&self, id: &str) {
        let mut names = self.lock();
        let gone: Vec<String> =
            names.iter().filter(|(_, (_, list))| list.id == id).map(|(name, _)| name.clone()).collect();
        for name in gone {
            names.pop(&name);
        }
    }

    pub(crate) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, (Instant, Audience)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
