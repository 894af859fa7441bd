//! The lease of an account, which one worker has at a time, and the heartbeats of workers.

use super::connection::{LEASE, Queue};
use super::error::{QueueError, ask, failed, to_json, until, within};
use super::report::WorkerReport;
use crate::account::Account;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The right to work on an account. It ends by itself unless it is renewed, so that the account of a worker
/// that died goes to another one.
pub struct Lease {
    queue: Queue,
    account: Account,
    /// Different for every lease, so that this one is recognised when it is read back.
    token: Bytes,
    revision: u64,
    until: Instant,
}

/// The heartbeats of all workers.
#[derive(Clone, Debug)]
pub struct Workers(Queue);

impl Queue {
    /// Leases an account to this worker; none if another one has it.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn lease(&self, account: &Account, worker: &str) -> Result<Option<Lease>, QueueError> {
        let token = Bytes::from(format!("{worker} {:016x}", fastrand::u64(..)));
        // Counted from before the request, so that it ends here before it ends in JetStream.
        let until = Instant::now() + LEASE;
        let create = self.leases.create(account.to_string(), token.clone());
        let revision = ask(self.connection(), "give a lease", create).await?;
        let lease =
            |revision| Lease { queue: self.clone(), account: account.clone(), token, revision, until };
        Ok(revision.map(lease))
    }

    /// The heartbeats of all workers.
    #[must_use]
    pub fn workers(&self) -> Workers {
        Workers(self.clone())
    }
}

impl Lease {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// How often to renew a lease.
    pub const RENEW: Duration = Duration::from_secs(LEASE.as_secs() / 4);
    /// The longest time for one attempt to renew. There is time for several before the lease ends.
    const ANSWER: Duration = Duration::from_millis(1_500);
    /// The time for a request to Klaviyo that is under way when the lease ends.
    const MARGIN: Duration = Duration::from_secs(2);

    /// The time by which the work has to stop.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until.checked_sub(Self::MARGIN).unwrap_or(self.until)
    }

    /// Renews the lease. False: it is lost.
    ///
    /// # Errors
    /// When JetStream cannot be asked. It can be tried again until the lease ends.
    pub async fn renew(&mut self) -> Result<bool, QueueError> {
        let end = Instant::now() + LEASE;
        let update = self.queue.leases.update(self.account.to_string(), self.token.clone(), self.revision);
        let soon = Instant::now() + Self::ANSWER;
        let what = "prolong a lease";
        match until(self.queue.connection(), what, soon, update).await?.map_err(failed(what))? {
            Some(revision) => (self.revision, self.until) = (revision, end),
            // The answer to an earlier renewal may have been lost.
            None => {
                let entry = self.queue.leases.entry(self.account.to_string());
                let entry = ask(self.queue.connection(), "find a lease", entry).await?;
                match entry.filter(|entry| entry.value.as_ref() == Some(&self.token)) {
                    Some(entry) => self.revision = entry.revision,
                    None => return Ok(false),
                }
            }
        }
        Ok(true)
    }

    /// Gives the lease up. If that fails, it ends by itself.
    pub async fn release(self) {
        let release = self.queue.leases.delete(self.account.to_string(), Some(self.revision));
        let _ = within(self.queue.connection(), "take a lease back", release).await;
    }
}

impl Workers {
    /// How often to send a heartbeat.
    pub const RENEW: Duration = Lease::RENEW;

    /// Writes the heartbeat of a worker, with what it tells of itself.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn heartbeat(&self, worker: &str, report: &WorkerReport) -> Result<(), QueueError> {
        let report = to_json("a heartbeat", report)?;
        ask(self.0.connection(), "keep a worker's name", self.0.workers.put(worker.to_owned(), report.into()))
            .await
            .map(drop)
    }

    /// Deletes the heartbeat of a worker that ends.
    pub async fn deregister(&self, worker: &str) {
        let _ = within(
            self.0.connection(),
            "forget a worker's name",
            self.0.workers.delete(worker.to_owned(), None),
        )
        .await;
    }

    /// The live workers, each with what it tells of itself.
    ///
    /// # Errors
    /// When JetStream cannot be asked.
    pub async fn alive(&self) -> Result<BTreeMap<String, WorkerReport>, QueueError> {
        let what = "list the workers";
        let names = ask(self.0.connection(), what, self.0.workers.keys()).await?;
        let mut alive = BTreeMap::new();
        for name in names {
            let entry = ask(self.0.connection(), "find a worker", self.0.workers.entry(name.clone())).await?;
            // A worker of a version that writes this differently is alive and able.
            if let Some(report) = entry.and_then(|entry| entry.value) {
                alive.insert(name, serde_json::from_slice(&report).unwrap_or_default());
            }
        }
        Ok(alive)
    }
}
