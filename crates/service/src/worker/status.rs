//! The state of a worker, for `/readyz` and `/metrics`.

use super::metrics::Counters;
use crate::account::Account;
use crate::metrics::labels::{CODE, STATE};
use crate::metrics::{count, write_gauge, write_gauges};
use crate::ops::{Health, Readiness};
use crate::outcome::Reason;
use crate::queue::{Lane, QueueError, StateReport};
use klaviyo_host::types::Code;
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// The state of a worker now, and the counts of its work so far.
pub(super) struct Status {
    now: Mutex<Now>,
    pub(super) counters: Counters,
}

#[derive(Default)]
struct Now {
    worker: String,
    connected: bool,
    /// The accounts that this worker works on.
    accounts: BTreeMap<Account, BTreeMap<Lane, AccountState>>,
    without_key: BTreeSet<Account>,
}

/// The code of an account whose queue fails.
const QUEUE: &str = "queue";

/// The state of the work on a lane of an account.
pub(super) enum AccountState {
    Working,
    /// It waits for Klaviyo until this time.
    Waiting(Reason, Instant),
    /// It waits for another key or setting.
    Paused(Reason),
    /// The queue fails, for this reason.
    Queue(String),
}

impl AccountState {
    /// The larger, the more it concerns the operator.
    const fn weight(&self) -> u8 {
        match self {
            Self::Working => 0,
            Self::Waiting(..) => 1,
            Self::Queue(_) => 2,
            Self::Paused(_) => 3,
        }
    }

    /// Of the lanes of an account, the state that concerns the operator most.
    fn worst(lanes: &BTreeMap<Lane, Self>) -> &Self {
        lanes.values().max_by_key(|state| state.weight()).unwrap_or(&Self::Working)
    }

    /// Its name, and the code of the reason.
    fn labels(&self) -> (&'static str, String) {
        match self {
            Self::Working => ("working", String::new()),
            Self::Waiting(reason, _) => ("waiting", reason.code.to_string()),
            Self::Paused(reason) => ("paused", reason.code.to_string()),
            Self::Queue(_) => ("stopped", QUEUE.to_owned()),
        }
    }

    fn report(&self) -> StateReport {
        match self {
            Self::Working => StateReport::well("working"),
            Self::Waiting(reason, until) => {
                let seconds = until.saturating_duration_since(Instant::now()).as_secs();
                StateReport::held("waiting", Some(seconds), reason.clone())
            }
            Self::Paused(reason) => StateReport::held("paused", None, reason.clone()),
            Self::Queue(error) => {
                let (code, details) = (QUEUE.to_owned(), Vec::new());
                StateReport::held("stopped", None, Reason { code, message: error.clone(), details })
            }
        }
    }
}

impl Status {
    pub(super) fn new(worker: &str, registry: &mut Registry) -> Arc<Self> {
        let now = Now { worker: worker.to_owned(), ..Now::default() };
        let status = Arc::new(Self { now: Mutex::new(now), counters: Counters::new(registry) });
        registry.register_collector(Box::new(Arc::clone(&status)));
        status
    }

    pub(super) fn connected(&self, connected: bool) {
        self.now.lock().connected = connected;
    }

    pub(super) fn without_key(&self, accounts: &BTreeSet<Account>) {
        accounts.clone_into(&mut self.now.lock().without_key);
    }

    pub(super) fn queue_failed(&self, account: &Account, lane: Lane, error: &QueueError) {
        self.counters.queue_failures.inc();
        self.has(account, lane, AccountState::Queue(error.to_string()));
    }

    pub(super) fn has(&self, account: &Account, lane: Lane, state: AccountState) {
        self.now.lock().accounts.entry(account.clone()).or_default().insert(lane, state);
    }

    pub(super) fn has_no_more(&self, account: &Account) {
        self.now.lock().accounts.remove(account);
    }

    /// The state of each account.
    pub(super) fn reports(&self) -> BTreeMap<Account, StateReport> {
        let now = self.now.lock();
        now.accounts
            .iter()
            .map(|(account, lanes)| (account.clone(), AccountState::worst(lanes).report()))
            .collect()
    }
}

/// The accounts, counted by their states when they are asked for.
impl Collector for Status {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = self.now.lock();
        let help = "Accounts whose leases this worker has";
        write_gauge(&mut encoder, ("klaviyo_worker_leases", help, None), count(now.accounts.len()))?;
        let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
        for lanes in now.accounts.values() {
            *counts.entry(AccountState::worst(lanes).labels()).or_default() += 1;
        }
        // No worker has their leases, so each worker that has no key for them counts them.
        if now.connected && !now.without_key.is_empty() {
            let labels = ("without-key", Code::Unauthenticated.as_str().to_owned());
            counts.insert(labels, now.without_key.len());
        }
        let values = counts
            .into_iter()
            .map(|((state, code), accounts)| ([(STATE, state.to_owned()), (CODE, code)], count(accounts)));
        let help = "Accounts by their state here and, where they do not go on, the code of the reason";
        write_gauges(&mut encoder, ("klaviyo_worker_accounts", help, None), values)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Status")
    }
}

/// A worker is ready when the queue works. A paused account does not change that, because the other accounts
/// go on; the document names it.
impl Health for Status {
    fn readiness(&self) -> Readiness {
        let accounts = self.reports();
        let now = self.now.lock();
        let fails = now
            .accounts
            .values()
            .flat_map(BTreeMap::values)
            .any(|state| matches!(state, AccountState::Queue(_)));
        let queue = match now.connected {
            false => "away",
            true if fails => "failing",
            true => "connected",
        };
        let document = json!({
            "queue": queue,
            "worker": now.worker,
            "accounts": accounts,
            "without_key": now.without_key,
        });
        Readiness { ready: now.connected && !fails, document }
    }
}
