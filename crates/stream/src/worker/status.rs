//! What a worker tells of itself: `/readyz` and `/metrics`.

use super::plan::Plan;
use crate::account::Account;
use crate::ops::{Health, Readiness};
use crate::outcome::Reason;
use klaviyo_host::Usage;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One label with a word that does not change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct By {
    name: &'static str,
}

/// What a worker does at the moment, and what it has done.
#[derive(Default)]
pub(super) struct Status {
    now: Mutex<Now>,
    waiting: Gauge,
    dead_letters: Gauge,
    accounts: Gauge,
    paused: Gauge,
    opt_ins: Family<By, Counter>,
    batches: Family<By, Counter>,
    requests: Counter,
    attempts: Counter,
}

#[derive(Default)]
struct Now {
    worker: String,
    connected: bool,
    /// The accounts that this worker has, and why one is paused.
    accounts: BTreeMap<Account, Option<Reason>>,
    without_key: BTreeSet<Account>,
}

impl Status {
    pub(super) fn new(worker: &str, registry: &mut Registry) -> Self {
        let status = Self::default();
        worker.clone_into(&mut status.now().worker);
        let Self { waiting, dead_letters, accounts, paused, opt_ins, batches, requests, attempts, .. } =
            &status;
        let gauges = [
            ("klaviyo_queue_waiting", "Opt-ins of all accounts that wait or are under way", waiting),
            ("klaviyo_queue_dead_letters", "Dead letters of all accounts", dead_letters),
            ("klaviyo_worker_accounts", "Accounts that this worker has", accounts),
            ("klaviyo_worker_accounts_paused", "Those of them that wait for another key or setting", paused),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register("klaviyo_worker_opt_ins", "Opt-ins, by what became of them", opt_ins.clone());
        registry.register("klaviyo_worker_groups", "Groups of opt-ins to one list, by plan", batches.clone());
        registry.register("klaviyo_worker_requests", "Requests to Klaviyo", requests.clone());
        registry.register("klaviyo_worker_attempts", "How often they were sent", attempts.clone());
        status
    }

    pub(super) fn ended(&self, state: &'static str) {
        self.opt_ins.get_or_create(&By { name: state }).inc();
    }

    pub(super) fn planned(&self, plan: Plan) {
        let name = match plan {
            Plan::OneByOne => "one-by-one",
            Plan::LookedUp => "looked-up",
            Plan::Import => "import",
        };
        self.batches.get_or_create(&By { name }).inc();
    }

    pub(super) fn used(&self, usage: Usage) {
        self.requests.inc_by(usage.requests.into());
        self.attempts.inc_by(usage.attempts.into());
    }

    pub(super) fn connected(&self, connected: bool) {
        self.now().connected = connected;
    }

    pub(super) fn queue(&self, waiting: usize, dead_letters: u64) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.dead_letters.set(i64::try_from(dead_letters).unwrap_or(i64::MAX));
    }

    pub(super) fn without_key(&self, accounts: &BTreeSet<Account>) {
        accounts.clone_into(&mut self.now().without_key);
    }

    /// This worker has the account, and it is paused for this reason, or not.
    pub(super) fn has(&self, account: &Account, paused: Option<Reason>) {
        let mut now = self.now();
        now.accounts.insert(account.clone(), paused);
        self.count(&now);
    }

    pub(super) fn has_no_more(&self, account: &Account) {
        let mut now = self.now();
        now.accounts.remove(account);
        self.count(&now);
    }

    fn count(&self, now: &Now) {
        let paused = now.accounts.values().flatten().count();
        self.accounts.set(i64::try_from(now.accounts.len()).unwrap_or(i64::MAX));
        self.paused.set(i64::try_from(paused).unwrap_or(i64::MAX));
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker is ready when it has a connection to the queue. An account that is paused is in the document: the others
/// are not to suffer for it.
impl Health for Status {
    fn readiness(&self) -> Readiness {
        let now = self.now();
        let accounts: BTreeMap<_, _> = now
            .accounts
            .iter()
            .map(|(account, paused)| {
                let state = match paused {
                    Some(reason) => json!({ "state": "paused", "error": reason }),
                    None => json!({ "state": "working" }),
                };
                (account.as_str(), state)
            })
            .collect();
        let document = json!({
            "queue": if now.connected { "connected" } else { "away" },
            "worker": now.worker,
            "accounts": accounts,
            "without_key": now.without_key,
        });
        Readiness { ready: now.connected, document }
    }
}
