//! The state that all calls of one account share: its credentials, its pace, its revision, its access, and the lists that it has
//! found, so that a run of many contacts does not look for its list once for each.

use crate::access::Access;
use crate::credentials::Credentials;
use crate::pace::{Pace, Pacer};
use crate::revision::{Revision, RevisionWarnings};
use crate::types::Audience;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const REVISION: HeaderName = HeaderName::from_static("revision");

/// Identifies an account in the queue for [`Limits::concurrent_calls`](crate::Limits): all clones of a tenant
/// have the same, and no other tenant has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountId(u64);

impl AccountId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct AccountState {
    pub(crate) id: AccountId,
    pub(crate) name: String,
    pub(crate) pacer: Pacer,
    pub(crate) lists: ListCache,
    credentials: RwLock<Arc<dyn Credentials>>,
    pub(crate) access: Access,
    pub(crate) revision: Option<Revision>,
    pub(crate) revision_warnings: RevisionWarnings,
}

impl AccountState {
    pub(crate) fn new(credentials: impl Credentials) -> Self {
        Self {
            id: AccountId::new(),
            name: String::new(),
            pacer: Pacer::new(Pace::default()),
            lists: ListCache::default(),
            credentials: RwLock::new(Arc::new(credentials)),
            access: Access::default(),
            revision: None,
            revision_warnings: RevisionWarnings::default(),
        }
    }

    pub(crate) fn credentials(&self) -> Arc<dyn Credentials> {
        Arc::clone(&self.credentials.read())
    }

    /// Replaces the credentials, and forgets the lists: the new ones may belong to another account.
    pub(crate) fn set_credentials(&self, credentials: impl Credentials) {
        *self.credentials.write() = Arc::new(credentials);
        self.lists.forget_all();
    }

    /// Raises the revision that a request asks for to the tenant's.
    pub(crate) fn raise_revision(&self, headers: &mut HeaderMap) {
        let Some(revision) = &self.revision else { return };
        if requested_revision(headers).unwrap_or_default() < revision.as_str()
            && let Ok(value) = HeaderValue::from_str(revision.as_str())
        {
            headers.insert(REVISION, value);
        }
    }
}

/// The revision that a request asks for.
pub(crate) fn requested_revision(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(REVISION).iter().filter_map(|value| value.to_str().ok()).max()
}

/// The most lists that are remembered.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
/// For how long a list that is renamed or deleted in Klaviyo may still be returned.
const TIME_TO_LIVE: Duration = Duration::from_secs(300);

/// Recently found lists by the id or name that the caller used; entries expire after five minutes.
pub(crate) struct ListCache(Mutex<Entries>);

struct Entries {
    lists: LruCache<String, (Instant, Audience)>,
    /// Counts the changes of the credentials, and the lists that were made. The lists of one generation are all of the same
    /// account, and what was found in an earlier one may have another list beside it.
    generation: u64,
}

impl Default for ListCache {
    fn default() -> Self {
        Self(Mutex::new(Entries { lists: LruCache::new(CAPACITY), generation: 0 }))
    }
}

impl ListCache {
    /// The list, if it is known, and the generation to hand to [`ListCache::put`] once it has been found.
    pub(crate) fn get(&self, name: &str) -> (Option<Audience>, u64) {
        let mut entries = self.0.lock();
        let fresh = entries.lists.get(name).filter(|(found, _)| found.elapsed() < TIME_TO_LIVE);
        (fresh.map(|(_, list)| list.clone()), entries.generation)
    }

    /// Remembers a list, unless the credentials were replaced or a list was made since [`ListCache::get`].
    pub(crate) fn put(&self, name: &str, list: &Audience, generation: u64) {
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

    /// Forgets the list that was found by this name, since another may have it now.
    pub(crate) fn forget_name(&self, name: &str) {
        let mut entries = self.0.lock();
        entries.lists.pop(name);
        entries.generation += 1;
    }

    /// Forgets all lists, since new credentials may belong to another account.
    pub(crate) fn forget_all(&self) {
        let mut entries = self.0.lock();
        entries.lists.clear();
        entries.generation += 1;
    }
}
