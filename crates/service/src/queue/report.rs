//! What a worker tells of itself with each heartbeat, so that any process can show how the service does.

use crate::account::Account;
use crate::outcome::Reason;
use klaviyo_host::MinuteUse;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The most accounts whose work is held up, and as many whose changes are: a heartbeat fits into a message of NATS.
const MOST_HELD: usize = 300;
/// The most accounts that are worked on, which take less room.
const MOST_WORKING: usize = 3_000;
/// The most accounts whose rates are told.
const MOST_RATES: usize = 1_000;
/// The most bytes of a reason.
const LONGEST_REASON: usize = 600;

/// What a worker tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// The accounts with waiting messages that it cannot work on, because it has no key for them.
    #[serde(default)]
    pub unable: BTreeSet<Account>,
    /// The accounts that it works on. Of very many, not all.
    #[serde(default)]
    pub accounts: BTreeMap<Account, StateReport>,
    /// Those of them whose changes are held up.
    #[serde(default)]
    pub changes: BTreeMap<Account, StateReport>,
    /// How much of Klaviyo's rates an account used. Of very many, those that are nearest to their limits.
    #[serde(default)]
    pub rates: BTreeMap<Account, RateReport>,
}

/// How much of Klaviyo's rates an account used in the last minute, at the endpoint that is nearest to its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateReport {
    /// The name of the endpoint, such as `add to list`.
    pub endpoint: String,
    /// The requests of the minute.
    pub requests: usize,
    /// The most that Klaviyo takes in a minute.
    pub limit: usize,
}

impl From<MinuteUse> for RateReport {
    fn from(MinuteUse { endpoint, requests, limit }: MinuteUse) -> Self {
        Self { endpoint: endpoint.to_owned(), requests, limit }
    }
}

impl RateReport {
    /// In thousandths of the limit.
    fn share(&self) -> usize {
        self.requests.saturating_mul(1_000) / self.limit.max(1)
    }
}

/// The state of the work on something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReport {
    /// Such as `working`, `waiting` or `paused`.
    pub state: Cow<'static, str>,
    /// How long it waits, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Why it waits or is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Reason>,
}

impl StateReport {
    /// All is well.
    pub(crate) const fn well(state: &'static str) -> Self {
        Self { state: Cow::Borrowed(state), seconds: None, error: None }
    }

    /// The work is held up.
    pub(crate) const fn held(state: &'static str, seconds: Option<u64>, error: Reason) -> Self {
        Self { state: Cow::Borrowed(state), seconds, error: Some(error) }
    }

    /// Without what Klaviyo has said, and its sentence cut.
    fn bounded(mut self) -> Self {
        if let Some(error) = &mut self.error {
            error.details.clear();
            if error.message.len() > LONGEST_REASON {
                error.message.truncate(error.message.floor_char_boundary(LONGEST_REASON));
                error.message.push('…');
            }
        }
        self
    }
}

impl WorkerReport {
    /// A report of bounded size.
    pub(crate) fn new(
        unable: BTreeSet<Account>,
        accounts: BTreeMap<Account, StateReport>,
        changes: BTreeMap<Account, StateReport>,
        rates: impl IntoIterator<Item = (Account, RateReport)>,
    ) -> Self {
        let mut rates: Vec<_> = rates.into_iter().collect();
        rates.sort_by_key(|(_, rate)| Reverse(rate.share()));
        let first = |of: BTreeMap<Account, StateReport>, most| {
            of.into_iter().take(most).map(|(account, state)| (account, state.bounded()))
        };
        let (held, working): (BTreeMap<_, _>, BTreeMap<_, _>) =
            accounts.into_iter().partition(|(_, state)| state.error.is_some());
        Self {
            unable,
            accounts: first(held, MOST_HELD).chain(first(working, MOST_WORKING)).collect(),
            changes: first(changes, MOST_HELD).collect(),
            rates: rates.into_iter().take(MOST_RATES).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_host::types::Code;

    #[test]
    fn however_many_accounts_a_worker_has_its_heartbeat_fits_into_a_message() {
        let account = |n: usize| format!("{n:064}").parse::<Account>().unwrap();
        let held = StateReport::held("paused", None, Reason::new(Code::Forbidden, "é".repeat(2_000)));
        let state = |n: usize| if n < 5_000 { held.clone() } else { StateReport::well("working") };
        let accounts = (0..50_000).map(|n| (account(n), state(n))).collect();
        let changes = (0..50_000).map(|n| (account(n), held.clone())).collect();
        let rate = |n| RateReport { endpoint: "bulk unsubscribe".to_owned(), requests: n, limit: 100_000 };
        let rates = (0..50_000).map(|n| (account(n), rate(n)));
        let report = WorkerReport::new(BTreeSet::new(), accounts, changes, rates);
        assert!(report.rates.contains_key(&account(49_999)) && report.rates.len() == MOST_RATES);
        let bytes = serde_json::to_vec(&report).unwrap();
        assert!(bytes.len() < 900_000, "{}", bytes.len());
        assert_eq!(report.accounts.len(), MOST_HELD + MOST_WORKING);
        assert_eq!(serde_json::from_slice::<WorkerReport>(&bytes).unwrap(), report);
    }
}
