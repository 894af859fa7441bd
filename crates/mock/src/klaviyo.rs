//! The settings of a simulator: accounts, rates, faults and the clock.

use crate::account::Account;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::oauth::{App, Authority};
use crate::rates::Rates;
use crate::revision::Revision;
use std::time::{Duration, SystemTime};

/// The default duration of a job.
const JOB_DELAY: Duration = Duration::from_millis(250);

/// The settings of a simulator.
///
/// Defaults: Klaviyo's published rates, no faults, the real time, a quarter of a second for a job, and no
/// retired revision among those that the simulator knows.
#[derive(Debug)]
pub struct Klaviyo {
    pub(crate) first: Account,
    pub(crate) others: Vec<Account>,
    pub(crate) rates: Rates,
    pub(crate) faults: Faults,
    pub(crate) job_delay: Duration,
    /// None: the real time from the start of the simulator.
    pub(crate) clock: Option<Clock>,
    /// The oldest revision that lives.
    pub(crate) oldest: Revision,
    pub(crate) authority: Authority,
}

impl Klaviyo {
    /// Adds an account. The key of a request selects the account; if two have the key, the first.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.others.push(account);
        self
    }

    /// Sets the rates of all accounts.
    #[must_use]
    pub fn rates(mut self, rates: Rates) -> Self {
        self.rates = rates;
        self
    }

    /// Sets the faults.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets how long a job (an import, a subscription, an unsubscription) takes after it was accepted.
    #[must_use]
    pub fn job_delay(mut self, delay: Duration) -> Self {
        self.job_delay = delay;
        self
    }

    /// Retires a revision and all before it. The oldest that lives answers requests for them and says so in
    /// `X-Klaviyo-Api-Revision`, but to a request with `X-Klaviyo-Revision-Fall-Forward-Opt-Out: 1` the
    /// answer is 410. The newest revision always lives.
    ///
    /// The simulated date retires none, so that a test means the same on every day.
    #[must_use]
    pub fn retire(mut self, revision: Revision) -> Self {
        self.oldest = self.oldest.max(revision.next().unwrap_or(revision));
        self
    }

    /// Adds an app, which the accounts can install.
    #[must_use]
    pub fn app(mut self, app: App) -> Self {
        self.authority.apps.push(app);
        self
    }

    /// Each refresh gives a new refresh token, and the old one ends at once. Without this a refresh token stays.
    #[must_use]
    pub fn rotate_refresh_tokens(mut self) -> Self {
        self.authority.rotates = true;
        self
    }

    /// Sets how long an access token is valid. Default: an hour.
    #[must_use]
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.authority.lifetime = lifetime;
        self
    }

    /// Stops the clock: rates and jobs go on only when [`Simulator::advance`](crate::Simulator::advance)
    /// moves it.
    #[must_use]
    pub fn stop_the_clock(mut self) -> Self {
        self.clock = Some(Clock::stopped(SystemTime::now()));
        self
    }

    /// Stops the clock so many seconds after 1970-01-01T00:00:00Z. The machine is not asked for the time.
    #[must_use]
    pub fn stop_the_clock_at(mut self, seconds: u32) -> Self {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
        self.clock = Some(Clock::stopped(date));
        self
    }
}

impl From<Account> for Klaviyo {
    fn from(account: Account) -> Self {
        Self {
            first: account,
            others: Vec::new(),
            rates: Rates::default(),
            faults: Faults::none(),
            job_delay: JOB_DELAY,
            clock: None,
            oldest: Revision::JANUARY_2025,
            authority: Authority::default(),
        }
    }
}
