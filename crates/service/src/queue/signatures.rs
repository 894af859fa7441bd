//! The signatures that front doors have accepted, so that all doors know a replay.

use super::connection::Queue;
use super::error::QueueError;
use super::request::ask;
use crate::account::Account;
use crate::key::OptInKey;
use bytes::Bytes;

impl Queue {
    /// Whether a front door remembers this signature: see [`Queue::remember`].
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn remembers(&self, signature: &str) -> Result<bool, QueueError> {
        let entry = self.signatures.entry(entry_key(signature));
        Ok(ask(&self.client(), "look for a signature", entry).await?.is_some())
    }

    /// Has all front doors remember a signature, for ten minutes.
    ///
    /// # Errors
    /// When JetStream cannot be asked. The signature may be remembered all the same.
    pub async fn remember(&self, signature: &str) -> Result<(), QueueError> {
        let put = self.signatures.put(entry_key(signature), Bytes::new());
        ask(&self.client(), "remember a signature", put).await.map(drop)
    }
}

/// A signature is base64, which has characters that the key of an entry may not have.
fn entry_key(signature: &str) -> String {
    OptInKey::new(&Account::default(), signature).to_string()
}
