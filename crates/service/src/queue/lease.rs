//! Who works on which account: one worker at a time, as long as it lives.

use super::{LEASE, Queue, QueueError, ask, failed, within};
use crate::account::Account;
use async_nats::Client;
use async_nats::jetstream::kv::{self, Operation, Store};
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// The right to work on an account. It ends by itself when it is not renewed, so that the account of a worker that
/// died goes to another.
pub struct Lease {
    client: Client,
    store: Store,
    account: Account,
    /// Differs for every lease, so that what is read back is known to be this one.
    token: Bytes,
    revision: u64,
    until: Instant,
}

/// The register of the workers that live.
#[derive(Clone, Debug)]
pub struct Workers {
    client: Client,
    store: Store,
}

impl Queue {
    /// Takes an account for this worker; none when another one has it.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn lease(&self, account: &Account, worker: &str) -> Result<Option<Lease>, QueueError> {
        let token = Bytes::from(format!("{worker} {:016x}", fastrand::u64(..)));
        // Counted from before JetStream knows of it: here it ends first.
        let until = Instant::now() + LEASE;
        let create = self.leases.create(account.as_str(), token.clone());
        let revision = match within(&self.client(), "give a lease", create).await? {
            Ok(revision) => revision,
            Err(error) if error.kind() == kv::CreateErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(failed("give a lease")(error)),
        };
        let (client, store, account) = (self.client(), self.leases.clone(), account.clone());
        Ok(Some(Lease { client, store, account, token, revision, until }))
    }

    /// The register of workers.
    #[must_use]
    pub fn workers(&self) -> Workers {
        Workers { client: self.client(), store: self.workers.clone() }
    }
}

impl Lease {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// How often to renew.
    pub const RENEW: Duration = Duration::from_secs(LEASE.as_secs() / 4);
    /// How long one attempt to renew may take: there is time for some of them before the lease ends.
    const ANSWER: Duration = Duration::from_millis(1_500);
    /// What is left for a request that is on its way when the lease ends.
    const MARGIN: Duration = Duration::from_secs(2);

    /// When to have stopped.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until.checked_sub(Self::MARGIN).unwrap_or(self.until)
    }

    /// Prolongs it. False: it is lost, to another worker or to time.
    ///
    /// # Errors
    /// When JetStream cannot be asked: it may still be prolonged before it ends.
    pub async fn renew(&mut self) -> Result<bool, QueueError> {
        let until = Instant::now() + LEASE;
        let update = self.store.update(self.account.as_str(), self.token.clone(), self.revision);
        let answer = super::until(&self.client, "prolong a lease", Instant::now() + Self::ANSWER, update);
        match answer.await? {
            Ok(revision) => (self.revision, self.until) = (revision, until),
            // A renewal whose answer was lost is one.
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => {
                let entry = self.store.entry(self.account.as_str());
                let entry = ask(&self.client, "find a lease", entry).await?;
                match entry.filter(|entry| entry.operation == Operation::Put && entry.value == self.token) {
                    Some(entry) => self.revision = entry.revision,
                    None => return Ok(false),
                }
            }
            Err(error) => return Err(failed("prolong a lease")(error)),
        }
        Ok(true)
    }

    /// Gives it up. Where that fails, it ends by itself.
    pub async fn release(self) {
        let release = self.store.delete_expect_revision(self.account.as_str(), Some(self.revision));
        let _ = within(&self.client, "take a lease back", release).await;
    }
}

impl Workers {
    /// How often to sign.
    pub const RENEW: Duration = Lease::RENEW;

    /// Signs the register, and writes into it the accounts that this worker cannot work on.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn sign(&self, worker: &str, unable: &BTreeSet<Account>) -> Result<(), QueueError> {
        let unable =
            serde_json::to_vec(unable).map_err(failed("get a worker's entry that can be written"))?;
        ask(&self.client, "keep a worker's name", self.store.put(worker, unable.into())).await.map(drop)
    }

    /// Signs off.
    pub async fn sign_off(&self, worker: &str) {
        let _ = within(&self.client, "forget a worker's name", self.store.delete(worker)).await;
    }

    /// Who has signed and is not known to be gone, and what each cannot work on.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn alive(&self) -> Result<BTreeMap<String, BTreeSet<Account>>, QueueError> {
        let what = "list the workers";
        let names = async {
            self.store.keys().await.map_err(failed(what))?.try_collect().await.map_err(failed(what))
        };
        let names: Vec<String> = within(&self.client, what, names).await??;
        let mut alive = BTreeMap::new();
        for name in names {
            let entry = ask(&self.client, "find a worker", self.store.get(name.as_str())).await?;
            // Gone since, or of a version that writes otherwise: there, and able.
            if let Some(entry) = entry {
                alive.insert(name, serde_json::from_slice(&entry).unwrap_or_default());
            }
        }
        Ok(alive)
    }
}
