//! What a simulator stands for: accounts, and how they behave.

use crate::account::{Account, JOB_DELAY};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::rates::Rates;
use std::time::{Duration, SystemTime};

/// A Klaviyo to simulate: accounts, the rates they are held to, and what goes wrong.
///
/// Unless told otherwise it keeps Klaviyo's published rates, nothing goes wrong, and a job takes a quarter of
/// a second.
#[derive(Debug)]
pub struct Klaviyo {
    pub(crate) first: Account,
    pub(crate) others: Vec<Account>,
    pub(crate) rates: Rates,
    pub(crate) faults: Faults,
    pub(crate) job_delay: Duration,
    /// None is the real time, from the start on.
    pub(crate) clock: Option<Clock>,
}

impl Klaviyo {
    /// Adds an account. A request's key decides on whose behalf it is; of two accounts with the same key it
    /// is the first.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.others.push(account);
        self
    }

    /// Holds the accounts to these rates.
    #[must_use]
    pub fn rates(mut self, rates: Rates) -> Self {
        self.rates = rates;
        self
    }

    /// Lets these things go wrong.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// How long a job (an import, a subscription, an unsubscription) takes after it was accepted.
    #[must_use]
    pub fn job_delay(mut self, delay: Duration) -> Self {
        self.job_delay = delay;
        self
    }

    /// Stops the clock: rates and jobs go on only when [`Simulator::advance`](crate::Simulator::advance) moves it.
    #[must_use]
    pub fn stop_the_clock(mut self) -> Self {
        self.clock = Some(Clock::stopped(SystemTime::now()));
        self
    }

    /// Stops the clock so many seconds after 1970-01-01T00:00:00Z. The machine is not asked for its time.
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
        }
    }
}
