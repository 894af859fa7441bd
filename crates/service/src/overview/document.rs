//! What an operator is shown, read from the queue.

use super::mask;
use crate::account::Account;
use crate::moment::Moment;
use crate::queue::{DeadLetter, Lane, Queue, QueueError, RateReport, StateReport, WorkerReport};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The most accounts that are shown, those that need an operator first.
const MOST_ACCOUNTS: usize = 300;
/// The most dead letters that are shown, the oldest first.
const MOST_LETTERS: usize = 200;
/// How long a document is shown to everybody who asks.
const FRESH: Duration = Duration::from_secs(1);
/// How many questions about accounts are under way at once.
const AT_ONCE: usize = 16;

/// How the service does, as its queue tells.
pub struct Overview {
    queue: Arc<Queue>,
    decides: bool,
    kept: Mutex<Option<(Instant, Value)>>,
}

impl Overview {
    /// For an operator, who reads dead letters and decides about them.
    #[must_use]
    pub fn to_decide(queue: Arc<Queue>) -> Self {
        Self { queue, decides: true, kept: Mutex::default() }
    }

    /// For a process that may not read messages, such as a worker.
    #[must_use]
    pub fn to_look(queue: Arc<Queue>) -> Self {
        Self { queue, decides: false, kept: Mutex::default() }
    }

    pub(super) fn decides(&self) -> bool {
        self.decides
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The next document is a new one.
    pub(super) async fn look_again(&self) {
        *self.kept.lock().await = None;
    }

    /// The document. However many ask for it, NATS is asked once a second.
    pub(super) async fn document(&self) -> Result<Value, QueueError> {
        // Whoever comes meanwhile waits, and gets the same.
        let mut kept = self.kept.lock().await;
        if let Some((_, document)) = kept.as_ref().filter(|(read, _)| read.elapsed() < FRESH) {
            return Ok(document.clone());
        }
        let document = self.read().await?;
        *kept = Some((Instant::now(), document.clone()));
        Ok(document)
    }

    async fn read(&self) -> Result<Value, QueueError> {
        let queue = &self.queue;
        let waiting = queue.waiting().await?;
        let workers = queue.workers().alive().await?;
        let mut lanes = Map::new();
        for lane in Lane::ALL {
            let count: usize = waiting.accounts.values().filter_map(|lanes| lanes.get(&lane)).sum();
            lanes.insert(lane.to_string(), waits(count, queue.oldest_of_all(lane).await?));
        }
        let mut accounts = accounts(&waiting.accounts, &workers);
        let left_off = accounts.len().saturating_sub(MOST_ACCOUNTS);
        accounts.truncate(MOST_ACCOUNTS);
        let shown = stream::iter(accounts).map(|shown| self.account(shown)).buffered(AT_ONCE);
        let shown: Vec<Value> = shown.try_collect().await?;
        let letters = match self.decides {
            true => queue.first_dead(None, MOST_LETTERS).await?.iter().map(letter).collect(),
            false => Vec::new(),
        };
        Ok(json!({
            "at": Moment::now().unix_ms(),
            "decides": self.decides,
            "workers": workers.len(),
            "lanes": lanes,
            "strays": waiting.strays.values().sum::<usize>(),
            "accounts": shown,
            "accounts_left_off": left_off,
            "dead_letters": queue.dead_letters().await?,
            "letters": letters,
            "changes_dead_letters": queue.changes_dead_letters().await?,
        }))
    }

    async fn account(&self, shown: Shown) -> Result<Value, QueueError> {
        let mut lanes = Map::new();
        for (lane, count) in shown.lanes {
            let oldest = match self.decides {
                true => self.queue.oldest(&shown.account, lane).await?,
                false => None,
            };
            lanes.insert(lane.to_string(), waits(count, oldest));
        }
        Ok(json!({
            "account": shown.account,
            "worker": shown.worker,
            "state": public(&shown.state),
            "changes": shown.changes.as_ref().map(public),
            "rate": shown.rate,
            "lanes": lanes,
        }))
    }
}

/// An account, before its oldest messages are asked for.
struct Shown {
    account: Account,
    worker: Option<String>,
    state: StateReport,
    changes: Option<StateReport>,
    rate: Option<RateReport>,
    lanes: BTreeMap<Lane, usize>,
}

/// The accounts that wait or are worked on, those that need an operator first.
fn accounts(
    waiting: &BTreeMap<Account, BTreeMap<Lane, usize>>,
    workers: &BTreeMap<String, WorkerReport>,
) -> Vec<Shown> {
    let mut told = BTreeMap::new();
    for (worker, report) in workers {
        for (account, state) in &report.accounts {
            told.insert(account, (worker, state, report));
        }
    }
    let names: BTreeSet<&Account> = waiting.keys().chain(told.keys().copied()).collect();
    let shown = |account: &Account| {
        let told = told.get(account);
        Shown {
            account: account.clone(),
            worker: told.map(|(worker, ..)| (*worker).clone()),
            state: told.map_or_else(|| untaken(account, workers), |(_, state, _)| (*state).clone()),
            changes: told.and_then(|(.., report)| report.changes.get(account)).cloned(),
            rate: told.and_then(|(.., report)| report.rates.get(account)).cloned(),
            lanes: waiting.get(account).cloned().unwrap_or_default(),
        }
    };
    let mut shown: Vec<Shown> = names.into_iter().map(shown).collect();
    shown.sort_by_key(|shown| Reverse((weight(&shown.state), shown.changes.is_some())));
    shown
}

/// Why an account that waits is with no worker.
fn untaken(account: &Account, workers: &BTreeMap<String, WorkerReport>) -> StateReport {
    if workers.is_empty() {
        StateReport::well("no-worker")
    } else if workers.values().all(|report| report.unable.contains(account)) {
        StateReport::well("without-key")
    } else {
        StateReport::well("next")
    }
}

/// The larger, the more it concerns the operator.
fn weight(state: &StateReport) -> u8 {
    match state.state.as_ref() {
        "working" => 0,
        "next" => 1,
        "waiting" => 2,
        "no-worker" => 3,
        "stopped" => 4,
        _ => 5,
    }
}

/// A state without people's addresses.
fn public(state: &StateReport) -> Value {
    let error = state
        .error
        .as_ref()
        .map(|error| json!({ "code": error.code, "message": mask::text(&error.message) }));
    json!({ "name": state.state, "seconds": state.seconds, "error": error })
}

fn waits(count: usize, oldest: Option<Moment>) -> Value {
    json!({ "count": count, "oldest": oldest.map(Moment::unix_ms) })
}

/// A dead letter without people's addresses.
fn letter(letter: &DeadLetter) -> Value {
    let body = &letter.body;
    let said: Vec<String> = body
        .error
        .details
        .iter()
        .map(|detail| mask::text(&format!("{}: {}", detail.code, detail.detail)))
        .collect();
    json!({
        "id": letter.id().to_string(),
        "account": letter.key.account,
        "lane": body.lane,
        "who": mask::person(body.opt_in.get()),
        "code": body.error.code,
        "reason": mask::text(&body.error.message),
        "said": said,
        "attempts": body.attempts,
        "since": body.since,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Reason;
    use klaviyo_host::types::Code;

    #[test]
    fn what_needs_an_operator_comes_first_and_says_why() {
        let account = |name: &str| name.parse::<Account>().unwrap();
        let waits = |names: &[&str]| {
            names.iter().map(|name| (account(name), BTreeMap::from([(Lane::OptIns, 1)]))).collect()
        };
        let states = |waiting, workers: &BTreeMap<String, WorkerReport>| {
            let shown = accounts(&waiting, workers);
            shown.iter().map(|one| format!("{} {}", one.account, one.state.state)).collect::<Vec<_>>()
        };
        assert_eq!(states(waits(&["a"]), &BTreeMap::new()), ["a no-worker"]);
        let report = |accounts, unable: &[&str]| WorkerReport {
            accounts,
            unable: unable.iter().map(|name| account(name)).collect(),
            ..WorkerReport::default()
        };
        let paused = StateReport::held("paused", None, Reason::new(Code::Forbidden, "no"));
        let of = BTreeMap::from([(account("b"), StateReport::well("working")), (account("c"), paused)]);
        let workers = [
            ("one".to_owned(), report(of, &["a", "d"])),
            ("two".to_owned(), report(BTreeMap::new(), &["a"])),
        ];
        let shown = states(waits(&["a", "b", "d"]), &workers.into());
        assert_eq!(shown, ["a without-key", "c paused", "d next", "b working"]);
    }
}
