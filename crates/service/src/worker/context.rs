//! What all accounts of a worker share, and which worker each account is assigned to.

use super::backlog::BacklogView;
use super::budget::Budget;
use super::settle::Unwritten;
use super::status::Status;
use crate::account::Account;
use crate::feed::{FeedStatus, Sender};
use crate::queue::{Lane, Queue, WorkerReport};
use crate::reply::Replier;
use crate::secrets::Secrets;
use crate::tenant_cache::TenantCache;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// The longest pause before one message of an account is tried. Klaviyo may have refused a good key during an
/// outage, and a gateway may ask to wait for a day.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// What all accounts of a worker share.
pub(super) struct WorkerContext {
    pub(super) queue: Arc<Queue>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) tenants: TenantCache,
    pub(super) status: Arc<Status>,
    pub(super) backlog: Arc<BacklogView>,
    pub(super) budget: Budget,
    pub(super) unwritten: Unwritten,
    /// How often an opt-in is tried before it becomes a dead letter.
    pub(super) max_attempts: NonZeroU32,
    /// The worker's own name.
    pub(super) name: String,
    /// Sends the changes of all accounts.
    pub(super) sender: Arc<Sender>,
    pub(super) feeds: FeedStatus,
    /// Sends the replies of all accounts.
    pub(super) replier: Replier,
    pub(super) assignment: watch::Sender<Assignment>,
    /// What waited when the worker looked last.
    pub(super) waiting: watch::Sender<BTreeMap<Account, BTreeMap<Lane, usize>>>,
    /// Whether the worker is shutting down.
    pub(super) shutdown: watch::Sender<bool>,
}

impl WorkerContext {
    /// Whether an account is assigned to this worker.
    pub(super) fn is_mine(&self, account: &Account) -> bool {
        self.assignment.borrow().owner(account) == Some(&self.name)
    }

    /// Whether messages of a lane of an account waited when the worker looked last.
    pub(super) fn waits(&self, account: &Account, lane: Lane) -> bool {
        self.waiting.borrow().get(account).is_some_and(|lanes| lanes.contains_key(&lane))
    }

    /// Waits as long as a secret is the same one; or until the account is another worker's, the worker shuts down, or it
    /// is time to try again.
    pub(super) async fn wait_while(&self, account: &Account, is_same: impl Fn() -> bool) {
        let (mut changes, mut assignments) = (self.secrets.changes(), self.assignment.subscribe());
        let mut longest = std::pin::pin!(sleep(LONGEST_WAIT));
        let changed = async {
            while is_same() && self.is_mine(account) {
                tokio::select! {
                    biased;
                    _ = changes.changed() => {}
                    _ = assignments.changed() => {}
                    () = &mut longest => break,
                }
            }
        };
        self.unless_shutdown(changed).await;
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        *self.shutdown.borrow()
    }

    /// Returns when the worker begins to shut down.
    pub(super) async fn shutdown(&self) {
        // The sender is in here, so it is not dropped before.
        let _ = self.shutdown.subscribe().wait_for(|shutdown| *shutdown).await;
    }

    /// The output of a future; none if the worker begins to shut down before.
    pub(super) async fn unless_shutdown<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.shutdown() => None,
            output = future => Some(output),
        }
    }
}

/// The live workers, each with the accounts that it cannot work on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assignment(BTreeMap<String, BTreeSet<Account>>);

impl Assignment {
    pub(super) fn new(workers: BTreeMap<String, WorkerReport>) -> Self {
        Self(workers.into_iter().map(|(worker, report)| (worker, report.unable)).collect())
    }

    /// The worker of an account: of those that can work on it, the one with the highest hash (rendezvous
    /// hashing). All workers compute the same, and when one comes or goes only its own accounts move.
    pub(super) fn owner(&self, account: &Account) -> Option<&str> {
        let able = self.0.iter().filter(|(_, unable)| !unable.contains(account));
        able.map(|(worker, _)| worker.as_str()).max_by_key(|worker| hash(worker, account))
    }
}

fn hash(worker: &str, account: &Account) -> [u8; 32] {
    Sha256::new().chain_update(worker).chain_update([0]).chain_update(account.as_str()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(workers: &[&str]) -> Assignment {
        Assignment(workers.iter().map(|worker| ((*worker).to_owned(), BTreeSet::new())).collect())
    }

    fn accounts() -> Vec<Account> {
        (0..1_000).map(|n| format!("shop-{n}").parse().unwrap()).collect()
    }

    #[test]
    fn accounts_spread_and_only_those_of_who_goes_move() {
        let (all, fewer) = (assignment(&["a", "b", "c", "d"]), assignment(&["a", "b", "d"]));
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for account in &accounts() {
            let owner = all.owner(account).unwrap();
            *counts.entry(owner).or_default() += 1;
            if owner != "c" {
                assert_eq!(fewer.owner(account), Some(owner));
            }
        }
        assert!(counts.len() == 4 && counts.values().all(|count| (150..350).contains(count)), "{counts:?}");
    }

    #[test]
    fn who_cannot_work_on_an_account_is_passed_over() {
        let account: Account = "shop-1".parse().unwrap();
        let mut assignment = assignment(&["a", "b"]);
        let owner = assignment.owner(&account).unwrap().to_owned();
        assignment.0.get_mut(&owner).unwrap().insert(account.clone());
        let other = assignment.owner(&account).unwrap().to_owned();
        assert_ne!(owner, other);
        assignment.0.get_mut(&other).unwrap().insert(account.clone());
        assert_eq!(assignment.owner(&account), None);
    }
}
