//! What all calls of one account share: its key, its pace, its revision, and the lists that were found.

use crate::list_cache::ListCache;
use crate::pace::{Pace, Pacer};
use crate::revision::{Retirement, Revision};
use crate::secret::Secret;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    key: RwLock<Arc<Secret>>,
    revision: Option<Revision>,
    retirement: Retirement,
}

impl AccountState {
    pub(crate) fn new(name: String, key: Secret, revision: Option<Revision>, pace: Pace) -> Self {
        Self {
            id: AccountId::new(),
            name,
            pacer: Pacer::new(pace),
            lists: ListCache::default(),
            key: RwLock::new(Arc::new(key)),
            revision,
            retirement: Retirement::default(),
        }
    }

    pub(crate) fn key(&self) -> Arc<Secret> {
        Arc::clone(&self.key.read())
    }

    /// Replaces the key, and forgets the lists: the new key may belong to another account.
    pub(crate) fn set_key(&self, key: Secret) {
        *self.key.write() = Arc::new(key);
        self.lists.forget_all();
    }

    /// Raises the revision that a request asks for to the tenant's.
    pub(crate) fn raise_revision(&self, headers: &mut HeaderMap) {
        let Some(revision) = &self.revision else { return };
        let requested = headers.get_all(REVISION).iter().filter_map(|value| value.to_str().ok()).max();
        if requested.unwrap_or_default() < revision.as_str()
            && let Ok(value) = HeaderValue::from_str(revision.as_str())
        {
            headers.insert(REVISION, value);
        }
    }

    /// Warns if Klaviyo retires the revision of this answer soon.
    pub(crate) fn note_retirement(&self, headers: &HeaderMap) {
        self.retirement.note(headers, &self.name);
    }
}
