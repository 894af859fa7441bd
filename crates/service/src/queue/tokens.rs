//! The bucket of OAuth's tokens: one entry for each account that has installed the app. It holds what the host has sealed.

use super::connection::Queue;
use super::error::ask;
use crate::account::Account;
use klaviyo_host::oauth::{StoredTokens, Storing, TokenStore, TokenStoreError};

/// Keeps the tokens of an account where all workers find them.
#[derive(Clone, Debug)]
pub struct BucketTokenStore {
    queue: Queue,
    account: Account,
}

impl Queue {
    /// Where the tokens of an account are kept.
    #[must_use]
    pub fn token_store(&self, account: &Account) -> BucketTokenStore {
        BucketTokenStore { queue: self.clone(), account: account.clone() }
    }
}

impl BucketTokenStore {
    async fn find(&self) -> Result<Option<StoredTokens>, TokenStoreError> {
        let entry = self.queue.tokens.entry(self.account.to_string());
        let entry = ask(self.queue.connection(), "find the tokens of an account", entry).await;
        let entry = entry.map_err(TokenStoreError::new)?;
        let stored = entry.and_then(|entry| Some((entry.value?, entry.revision)));
        Ok(stored.map(|(contents, version)| StoredTokens { version, contents: contents.into() }))
    }

    async fn write(&self, version: Option<u64>, contents: Vec<u8>) -> Result<Option<u64>, TokenStoreError> {
        const WHAT: &str = "keep the tokens of an account";
        let (tokens, account) = (&self.queue.tokens, self.account.to_string());
        let written = match version {
            None => tokens.create(account, contents.into()),
            Some(version) => tokens.update(account, contents.into(), version),
        };
        ask(self.queue.connection(), WHAT, written).await.map_err(TokenStoreError::new)
    }
}

impl TokenStore for BucketTokenStore {
    fn load(&self) -> Storing<'_, Option<StoredTokens>> {
        Box::pin(self.find())
    }

    fn replace(&self, version: Option<u64>, contents: Vec<u8>) -> Storing<'_, Option<u64>> {
        Box::pin(self.write(version, contents))
    }
}
