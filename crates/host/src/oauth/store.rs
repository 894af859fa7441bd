//! Where the newest tokens of an account are kept, as a trait.

use parking_lot::Mutex;
use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;

/// Keeps what [`OAuth`](super::OAuth) has to remember about one account. All processes that use the account share it.
///
/// The contents are sealed already. To replace them only if nobody else has is all that a store must be able to do:
/// the lock of the one that refreshes is among the contents.
pub trait TokenStore: Send + Sync + 'static {
    /// What is kept; none: nothing yet.
    fn load(&self) -> Storing<'_, Option<StoredTokens>>;

    /// Replaces what is kept, if it is still of this version; none: if there is nothing yet. Returns the new version;
    /// none: somebody else was faster, and nothing was written. When the future is ready, a crash loses nothing of it.
    fn replace(&self, version: Option<u64>, contents: Vec<u8>) -> Storing<'_, Option<u64>>;
}

/// The future of a [`TokenStore`].
pub type Storing<'a, T> = Pin<Box<dyn Future<Output = Result<T, TokenStoreError>> + Send + 'a>>;

/// What a [`TokenStore`] keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTokens {
    /// Another one for each replacement.
    pub version: u64,
    /// The contents.
    pub contents: Vec<u8>,
}

/// A store could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TokenStoreError(Box<dyn Error + Send + Sync>);

impl TokenStoreError {
    /// A failure of a store, for this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }

    /// The reason with its causes, in one line.
    pub(super) fn sentence(&self) -> String {
        let mut sentence = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            sentence.push_str(&format!(": {error}"));
            cause = error.source();
        }
        sentence
    }
}

/// Keeps tokens as long as the process lives. If Klaviyo gives new refresh tokens, the account has to be connected anew
/// after that.
#[derive(Debug, Default)]
pub struct MemoryTokenStore(Mutex<Option<StoredTokens>>);

impl TokenStore for MemoryTokenStore {
    fn load(&self) -> Storing<'_, Option<StoredTokens>> {
        Box::pin(ready(Ok(self.0.lock().clone())))
    }

    fn replace(&self, version: Option<u64>, contents: Vec<u8>) -> Storing<'_, Option<u64>> {
        let mut stored = self.0.lock();
        if stored.as_ref().map(|stored| stored.version) != version {
            return Box::pin(ready(Ok(None)));
        }
        let version = version.unwrap_or_default().wrapping_add(1);
        *stored = Some(StoredTokens { version, contents });
        Box::pin(ready(Ok(Some(version))))
    }
}
