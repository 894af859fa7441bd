//! The state of a worker, for `/readyz` and `/metrics`.

use super::plan::Plan;
use crate::account::Account;
use crate::ops::{Health, Readiness};
use crate::outcome::Reason;
use crate::queue::{Lane, QueueError};
use klaviyo_host::Usage;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// Counters by the label `name`.
type Named = Family<[(&'static str, &'static str); 1], Counter>;

/// The state of a worker now, and the counts of its work so far.
#[derive(Default)]
pub(super) struct Status {
    now: Mutex<Now>,
    waiting: Gauge,
    strays: Gauge,
    dead_letters: Gauge,
    accounts: Gauge,
    paused: Gauge,
    klaviyo_waited_for: Gauge,
    /// Consumers that were made anew.
    pub(super) recreated: Counter,
    queue_failures: Counter,
    opt_ins: Named,
    opt_outs: Named,
    events: Named,
    replies: Named,
    batches: Named,
    requests: Counter,
    attempts: Counter,
}

#[derive(Default)]
struct Now {
    worker: String,
    connected: bool,
    /// The accounts that this worker works on.
    accounts: BTreeMap<Account, BTreeMap<Lane, AccountState>>,
    without_key: BTreeSet<Account>,
}

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

    fn document(&self) -> Value {
        match self {
            Self::Working => json!({ "state": "working" }),
            Self::Waiting(reason, until) => {
                let seconds = until.saturating_duration_since(Instant::now()).as_secs();
                json!({ "state": "waiting", "seconds": seconds, "error": reason })
            }
            Self::Paused(reason) => json!({ "state": "paused", "error": reason }),
            Self::Queue(error) => {
                json!({ "state": "stopped", "error": { "code": "queue", "message": error } })
            }
        }
    }
}

impl Status {
    pub(super) fn new(worker: &str, registry: &mut Registry) -> Self {
        let status = Self::default();
        worker.clone_into(&mut status.now.lock().worker);
        let Self { waiting, strays, dead_letters, accounts, paused, klaviyo_waited_for, .. } = &status;
        let Self {
            recreated,
            queue_failures,
            opt_ins,
            opt_outs,
            events,
            replies,
            batches,
            requests,
            attempts,
            ..
        } = &status;
        let gauges = [
            (
                "klaviyo_queue_waiting",
                "Messages of all accounts and lanes that wait or are under way",
                waiting,
            ),
            ("klaviyo_queue_strays", "Messages in the queue that are no account's", strays),
            ("klaviyo_queue_dead_letters", "Dead letters of all accounts", dead_letters),
            ("klaviyo_worker_accounts", "Accounts that this worker has", accounts),
            ("klaviyo_worker_accounts_paused", "Those of them that wait for another key or setting", paused),
            ("klaviyo_worker_accounts_waiting", "Those of them that wait for Klaviyo", klaviyo_waited_for),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "klaviyo_queue_recreated",
            "Consumers that gave out nothing, made anew",
            recreated.clone(),
        );
        registry.register(
            "klaviyo_worker_queue_failures",
            "How often the queue failed",
            queue_failures.clone(),
        );
        registry.register("klaviyo_worker_opt_ins", "Opt-ins, by what became of them", opt_ins.clone());
        let help = "Opt-outs and resumes, by what became of them";
        registry.register("klaviyo_worker_opt_outs", help, opt_outs.clone());
        registry.register("klaviyo_worker_events", "Delivery events, by what became of them", events.clone());
        let help = "Replies by WhatsApp, by what became of them";
        registry.register("klaviyo_worker_replies", help, replies.clone());
        registry.register("klaviyo_worker_groups", "Groups of opt-ins to one list, by plan", batches.clone());
        registry.register("klaviyo_worker_requests", "Requests to Klaviyo", requests.clone());
        registry.register("klaviyo_worker_attempts", "How often they were sent", attempts.clone());
        status
    }

    pub(super) fn ended(&self, lane: Lane, state: &'static str) {
        let counters = match lane {
            Lane::OptOuts => &self.opt_outs,
            Lane::OptIns => &self.opt_ins,
            Lane::Events => &self.events,
            Lane::Replies => &self.replies,
        };
        counters.get_or_create(&[("name", state)]).inc();
    }

    pub(super) fn planned(&self, plan: Plan) {
        self.batches.get_or_create(&[("name", plan.into_str())]).inc();
    }

    pub(super) fn used(&self, usage: Usage) {
        self.requests.inc_by(usage.requests.into());
        self.attempts.inc_by(usage.attempts.into());
    }

    pub(super) fn connected(&self, connected: bool) {
        self.now.lock().connected = connected;
    }

    pub(super) fn queue(&self, waiting: usize, strays: usize, dead_letters: u64) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.strays.set(i64::try_from(strays).unwrap_or(i64::MAX));
        self.dead_letters.set(i64::try_from(dead_letters).unwrap_or(i64::MAX));
    }

    pub(super) fn without_key(&self, accounts: &BTreeSet<Account>) {
        accounts.clone_into(&mut self.now.lock().without_key);
    }

    pub(super) fn queue_failed(&self, account: &Account, lane: Lane, error: &QueueError) {
        self.queue_failures.inc();
        self.has(account, lane, AccountState::Queue(error.to_string()));
    }

    pub(super) fn has(&self, account: &Account, lane: Lane, state: AccountState) {
        let mut now = self.now.lock();
        now.accounts.entry(account.clone()).or_default().insert(lane, state);
        self.count(&now);
    }

    pub(super) fn has_no_more(&self, account: &Account) {
        let mut now = self.now.lock();
        now.accounts.remove(account);
        self.count(&now);
    }

    fn count(&self, now: &Now) {
        let count = |is: fn(&AccountState) -> bool| {
            let count = now.accounts.values().filter(|lanes| is(AccountState::worst(lanes))).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        self.accounts.set(count(|_| true));
        self.paused.set(count(|state| matches!(state, AccountState::Paused(_))));
        self.klaviyo_waited_for.set(count(|state| matches!(state, AccountState::Waiting(..))));
    }
}

/// A worker is ready when the queue works. A paused account does not change that, because the other accounts
/// go on; the document names it.
impl Health for Status {
    fn readiness(&self) -> Readiness {
        let now = self.now.lock();
        let accounts: BTreeMap<_, _> = now
            .accounts
            .iter()
            .map(|(account, lanes)| (account.as_str(), AccountState::worst(lanes).document()))
            .collect();
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
