//! The state of a Klaviyo: its accounts, its clock and its faults. `service` answers requests, `inspect`
//! shows the state.

use crate::access::Keys;
use crate::account::Account;
use crate::clock::Clock;
use crate::faults::{Faults, Injector, Plan};
use crate::klaviyo::Klaviyo;
use crate::oauth::{Authority, Opened};
use crate::rates::Rates;
use crate::revision::Revision;
use crate::rule::Rule;
use http::request::Parts;
use parking_lot::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A running Klaviyo: a request in, an answer out.
///
/// It opens no socket, starts no thread and uses no random numbers. With a stopped clock
/// ([`Klaviyo::stop_the_clock_at`]) it does not ask for the time either, and so runs as WebAssembly without
/// imports. `Server` serves it on a port.
pub struct Simulator {
    first: Entry,
    others: Vec<Entry>,
    pub(crate) rates: Rates,
    pub(crate) clock: Clock,
    /// The oldest revision that lives.
    pub(crate) oldest: Revision,
    injector: Mutex<Injector>,
    requests: AtomicU64,
    authority: Mutex<Authority>,
}

struct Entry {
    keys: Keys,
    account: Mutex<Account>,
}

/// A request that has come in, with its id and the fault that was chosen for it.
pub(crate) struct Ticket {
    pub(crate) plan: Plan,
    pub(crate) id: String,
}

impl Simulator {
    /// Starts a Klaviyo, or one account with Klaviyo's rates.
    #[must_use]
    pub fn new(klaviyo: impl Into<Klaviyo>) -> Self {
        let Klaviyo { first, others, rates, faults, job_delay, clock, oldest, authority } = klaviyo.into();
        let clock = clock.unwrap_or_else(Clock::running);
        let entry = |mut account: Account| {
            account.start(&clock, job_delay);
            Entry { keys: account.keys.clone(), account: Mutex::new(account) }
        };
        Self {
            first: entry(first),
            others: others.into_iter().map(entry).collect(),
            rates,
            injector: Mutex::new(Injector::new(faults)),
            requests: AtomicU64::new(0),
            authority: Mutex::new(authority),
            clock,
            oldest,
        }
    }

    /// Counts a request, and chooses the fault that applies to it.
    pub(crate) fn take_in(&self, parts: &Parts) -> Ticket {
        let request = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("{request:08x}-0000-4000-8000-000000000000");
        Ticket { plan: self.injector().plan(parts.method.as_str(), parts.uri.path()), id }
    }

    /// What the first account holds now.
    ///
    /// While the guard exists, everything that needs this account waits: its requests, this function,
    /// [`Simulator::account_of`] and [`Simulator::state`]. The thread that has the guard would wait for
    /// itself forever. A `Server` has one thread: it stops at the first request that needs the account, and
    /// answers no other account's requests either.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.first.open()
    }

    /// What the account with this key holds now; none if no account has the key. The guard blocks as that of
    /// [`Simulator::account`] does.
    #[must_use]
    pub fn account_of(&self, key: &str) -> Option<MutexGuard<'_, Account>> {
        self.entries().find(|entry| entry.keys.has(key)).map(Entry::open)
    }

    /// Installs an app in the account with this key, with these scopes, as `klaviyo-connector connect` and a person in
    /// a browser do. Returns the refresh token; none if no account has the key.
    #[must_use]
    pub fn install(&self, client_id: &str, key: &str, scopes: &[&str]) -> Option<String> {
        let account = self.entries().position(|entry| entry.keys.has(key))?;
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Some(self.authority().install(client_id, account, scopes, self.clock.now()))
    }

    /// Takes an app out of all accounts: its tokens are refused from now on.
    pub fn uninstall(&self, client_id: &str) {
        self.authority().uninstall(client_id);
    }

    /// How many refresh tokens were exchanged for access tokens.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.authority().refreshes()
    }

    /// The authorization server. Nobody asks for an account while this is locked.
    pub(crate) fn authority(&self) -> MutexGuard<'_, Authority> {
        self.authority.lock()
    }

    /// What an access token opens, and the account; none if the token is not valid.
    pub(crate) fn opened(&self, token: &str) -> Option<(Opened, MutexGuard<'_, Account>)> {
        let opened = self.authority().opened(token, self.clock.now())?.clone();
        let account = self.entries().nth(opened.account)?.open();
        Some((opened, account))
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = MutexGuard<'_, Account>> {
        self.entries().map(Entry::open)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The number of requests, whatever their key, those with a fault included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Replaces the faults. The rules count requests from 1 again.
    pub fn set_faults(&self, faults: Faults) {
        *self.injector() = Injector::new(faults);
    }

    /// The rules, and how often each has been applied.
    #[must_use]
    pub fn faults(&self) -> Vec<(Rule, u64)> {
        self.injector().tallies().map(|(rule, tally)| (rule.clone(), tally.applied)).collect()
    }

    pub(crate) fn injector(&self) -> MutexGuard<'_, Injector> {
        self.injector.lock()
    }

    /// The time of the clock.
    #[must_use]
    pub fn date(&self) -> SystemTime {
        self.clock.date()
    }

    /// Moves the clock on: windows of rates end, and jobs run.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

impl Entry {
    /// The account, after the jobs that are due have run.
    fn open(&self) -> MutexGuard<'_, Account> {
        let mut account = self.account.lock();
        account.settle();
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Reply;
    use crate::service::BODY_BYTES;
    use http::{Request, Response, StatusCode};
    use serde_json::json;

    /// 2026-01-15T12:00:00Z
    const NOON: u32 = 1_768_478_400;

    fn simulator(rules: &[&str]) -> Simulator {
        let faults = rules.iter().fold(Faults::seeded(1), |faults, rule| faults.rule(rule.parse().unwrap()));
        Simulator::new(Klaviyo::from(Account::demo()).faults(faults).stop_the_clock_at(NOON))
    }

    fn create(simulator: &Simulator) -> Reply {
        let body = json!({ "data": { "type": "profile", "attributes": { "email": "a@example.com" } } });
        let request = Request::post("https://a.klaviyo.com/api/profiles/")
            .header("authorization", format!("Klaviyo-API-Key {}", Account::DEMO_KEY))
            .header("revision", "2025-01-15")
            .header("content-type", "application/vnd.api+json")
            .body(body.to_string());
        simulator.answer(request.unwrap())
    }

    fn answered(reply: Reply) -> Response<Vec<u8>> {
        match reply {
            Reply::Answer(answer) => answer,
            other => panic!("{other:?} is no answer"),
        }
    }

    #[test]
    fn a_request_is_answered_without_a_socket_or_a_clock() {
        let simulator = simulator(&[]);
        let answer = answered(create(&simulator));
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(simulator.account().profiles()[0].created, "2026-01-15T12:00:00+00:00");
        assert_eq!(answered(create(&simulator)).status(), StatusCode::CONFLICT);
        assert_eq!(simulator.requests(), 2);
    }

    #[test]
    fn what_an_account_holds_is_as_old_as_its_clock() {
        let simulator = simulator(&[]);
        assert!(simulator.account().lists.values().all(|list| list.created == "2026-01-15T12:00:00+00:00"));
    }

    #[test]
    fn a_latency_moves_the_clock() {
        let simulator = simulator(&["*: always latency 90s"]);
        answered(create(&simulator));
        assert_eq!(simulator.account().profiles()[0].created, "2026-01-15T12:01:30+00:00");
    }

    #[test]
    fn a_connection_breaks_before_the_effect_or_after() {
        for (fault, profiles) in
            [("reset-before", 0), ("reset-after", 1), ("truncate", 1), ("garbage-line", 1)]
        {
            let simulator = simulator(&[&format!("*: always {fault}")]);
            let reply = create(&simulator);
            let is_as_told = match fault {
                "truncate" => {
                    matches!(&reply, Reply::Truncated(bytes) if bytes.starts_with(b"HTTP/1.1 201"))
                }
                "garbage-line" => matches!(&reply, Reply::NotHttp(bytes) if !bytes.starts_with(b"HTTP")),
                _ => matches!(reply, Reply::Reset),
            };
            assert!(is_as_told, "{fault}: {reply:?}");
            assert_eq!(simulator.account().profiles().len(), profiles, "{fault}");
        }
    }

    #[test]
    fn a_body_has_a_limit() {
        let request = Request::post("/api/profiles").body(vec![b' '; BODY_BYTES + 1]).unwrap();
        assert_eq!(answered(simulator(&[]).answer(request)).status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn the_clock_can_be_moved_without_end() {
        let simulator = Simulator::new(Klaviyo::from(Account::demo()).stop_the_clock_at(u32::MAX));
        simulator.advance(Duration::MAX);
        simulator.advance(Duration::MAX);
        answered(create(&simulator));
        assert!(simulator.account().profiles()[0].created.starts_with("2690-"));
    }
}
