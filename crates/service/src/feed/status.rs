//! The state of the feeds of a worker, for `/readyz` and `/metrics`.

use crate::account::Account;
use crate::metrics::labels::{Labels, STATE};
use crate::outcome::Reason;
use crate::queue::StateReport;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The state of all feeds of a worker, and what they have told so far.
#[derive(Default)]
pub(crate) struct FeedStatus {
    feeds: Mutex<BTreeMap<Account, FeedState>>,
    told: Family<Labels<1>, Counter>,
    failing: Gauge,
}

/// The state of a feed.
enum FeedState {
    Telling,
    /// Klaviyo or the destination fails, until this time at least.
    Waiting(Reason, Instant),
    /// Nothing is told before a setting changes.
    Stopped(Reason),
}

impl FeedStatus {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let status = Self::default();
        let help = "Changes, by what became of their messages";
        registry.register("klaviyo_worker_changes", help, status.told.clone());
        // From 0 on: of a series that begins with a burst Prometheus sees no increase.
        ["delivered", "dead"].into_iter().for_each(|state| status.told(state, 0));
        let help = "Accounts whose changes wait, or are not told before a setting changes";
        registry.register("klaviyo_worker_changes_held", help, status.failing.clone());
        status
    }

    pub(super) fn told(&self, state: &'static str, count: usize) {
        self.told.get_or_create(&[(STATE, state)]).inc_by(count as u64);
    }

    pub(super) fn telling(&self, account: &Account) {
        self.set(account, Some(FeedState::Telling));
    }

    pub(super) fn waiting(&self, account: &Account, reason: Reason, wait: Duration) {
        self.set(account, Some(FeedState::Waiting(reason, Instant::now() + wait)));
    }

    pub(super) fn stopped(&self, account: &Account, reason: Reason) {
        self.set(account, Some(FeedState::Stopped(reason)));
    }

    /// The account has no feed here any more.
    pub(crate) fn has_no_more(&self, account: &Account) {
        self.set(account, None);
    }

    fn set(&self, account: &Account, state: Option<FeedState>) {
        let mut feeds = self.feeds.lock();
        match state {
            Some(state) => feeds.insert(account.clone(), state),
            None => feeds.remove(account),
        };
        let failing = feeds.values().filter(|state| !matches!(state, FeedState::Telling)).count();
        self.failing.set(i64::try_from(failing).unwrap_or(i64::MAX));
    }

    /// The states, by account.
    pub(crate) fn document(&self) -> Value {
        let feeds = self.feeds.lock();
        let states: BTreeMap<_, _> =
            feeds.iter().map(|(account, state)| (account.as_str(), state.report())).collect();
        json!(states)
    }

    /// The states of those that are held up.
    pub(crate) fn held(&self) -> BTreeMap<Account, StateReport> {
        let feeds = self.feeds.lock();
        let held = feeds.iter().filter(|(_, state)| !matches!(state, FeedState::Telling));
        held.map(|(account, state)| (account.clone(), state.report())).collect()
    }
}

impl FeedState {
    fn report(&self) -> StateReport {
        match self {
            Self::Telling => StateReport::well("telling"),
            Self::Waiting(reason, until) => {
                let seconds = until.saturating_duration_since(Instant::now()).as_secs();
                StateReport::held("waiting", Some(seconds), reason.clone())
            }
            Self::Stopped(reason) => StateReport::held("stopped", None, reason.clone()),
        }
    }
}
