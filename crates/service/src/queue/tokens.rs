//! The bucket of OAuth's tokens: one entry for each account that has installed the app. It holds what the host has sealed.

use super::connection::Queue;
use super::error::{ask, failed, within};
use crate::account::Account;
use async_nats::jetstream::kv::{CreateErrorKind, Operation, UpdateErrorKind};
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
        let entry = self.queue.tokens.entry(self.account.as_str());
        let entry = ask(&self.queue.client(), "find the tokens of an account", entry).await;
        let entry = entry.map_err(TokenStoreError::new)?;
        let stored = entry.filter(|entry| entry.operation == Operation::Put);
        Ok(stored.map(|entry| StoredTokens { version: entry.revision, contents: entry.value.into() }))
    }

    async fn write(&self, version: Option<u64>, contents: Vec<u8>) -> Result<Option<u64>, TokenStoreError> {
        const WHAT: &str = "keep the tokens of an account";
        let (client, account) = (self.queue.client(), self.account.as_str());
        let written = match version {
            None => {
                let created = self.queue.tokens.create(account, contents.into());
                let created = within(&client, WHAT, created).await.map_err(TokenStoreError::new)?;
                created.map_err(|error| (error.kind() == CreateErrorKind::AlreadyExists, failed(WHAT)(error)))
            }
            Some(version) => {
                let updated = self.queue.tokens.update(account, contents.into(), version);
                let updated = within(&client, WHAT, updated).await.map_err(TokenStoreError::new)?;
                updated.map_err(|error| {
                    (error.kind() == UpdateErrorKind::WrongLastRevision, failed(WHAT)(error))
                })
            }
        };
        match written {
            Ok(version) => Ok(Some(version)),
            Err((true, _)) => Ok(None),
            Err((false, error)) => Err(TokenStoreError::new(error)),
        }
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
