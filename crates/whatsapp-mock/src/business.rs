//! The settings of a simulated WhatsApp: the business, where its webhooks go, and what goes wrong.

use crate::limits::Limits;
use crate::statuses::Statuses;
use crate::updates::Address;
use anyhow::{Result, ensure};
use klaviyo_mock::{Clock, Faults, When};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Takes each line of the log.
#[derive(Clone)]
pub(crate) struct Report(pub(crate) Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

/// A business with a number in WhatsApp.
///
/// Defaults: the values of the constants, no webhook, Meta's limits, no faults, the real time, statuses of
/// messages that everybody reads, each webhook sent once, one after the other.
#[derive(Clone, Debug)]
pub struct Business {
    pub(crate) address: Address,
    pub(crate) token: String,
    pub(crate) app_secret: String,
    pub(crate) verify_token: String,
    pub(crate) webhook: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) faults: Faults,
    pub(crate) statuses: Statuses,
    /// None: the real time from the start of the simulator.
    pub(crate) clock: Option<Clock>,
    pub(crate) seed: u64,
    pub(crate) twice: Option<When>,
    pub(crate) late: Duration,
    pub(crate) lanes: usize,
    pub(crate) refuses_later: bool,
    pub(crate) report: Option<Report>,
}

impl Business {
    /// The id of the WhatsApp business account.
    pub const ACCOUNT: &str = "102290129340398";
    /// The id of the number, as it is in the path of requests and in webhooks.
    pub const NUMBER_ID: &str = "106540352242922";
    /// The number itself.
    pub const DISPLAY_NUMBER: &str = "15550783881";
    /// The token of requests. It is no secret.
    pub const TOKEN: &str = "EAAGdemo3f9c1b7a5e2d4860";
    /// What webhooks are signed with. It is no secret.
    pub const APP_SECRET: &str = "3f9c1b7a5e2d48603f9c1b7a5e2d4860";
    /// What the webhook is asked with whether it is wanted. It is no secret.
    pub const VERIFY_TOKEN: &str = "verify-3f9c1b7a5e2d4860";

    /// A business with the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self {
            address: Address {
                account: Self::ACCOUNT.to_owned(),
                display_number: Self::DISPLAY_NUMBER.to_owned(),
                number_id: Self::NUMBER_ID.to_owned(),
            },
            token: Self::TOKEN.to_owned(),
            app_secret: Self::APP_SECRET.to_owned(),
            verify_token: Self::VERIFY_TOKEN.to_owned(),
            webhook: None,
            limits: Limits::meta(),
            faults: Faults::none(),
            statuses: Statuses::usual(),
            clock: None,
            seed: 0,
            twice: None,
            late: Duration::ZERO,
            lanes: 1,
            refuses_later: false,
            report: None,
        }
    }

    /// Sets where webhooks go, such as `http://127.0.0.1:8080/v1/whatsapp/default`. Until it is known they
    /// wait.
    ///
    /// # Errors
    /// When it is no address with `http://`: the simulator does not speak TLS.
    pub fn webhook(mut self, url: &str) -> Result<Self> {
        self.webhook = Some(checked(url)?);
        Ok(self)
    }

    /// Sets the id of the number.
    #[must_use]
    pub fn number_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.address.number_id);
        self
    }

    /// Sets the token of requests.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    /// Sets what webhooks are signed with.
    #[must_use]
    pub fn app_secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.app_secret);
        self
    }

    /// Sets what the webhook is asked with whether it is wanted.
    #[must_use]
    pub fn verify_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.verify_token);
        self
    }

    /// Sets the limits of messages.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what goes wrong with requests.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets the statuses that follow a message.
    #[must_use]
    pub fn statuses(mut self, statuses: Statuses) -> Self {
        self.statuses = statuses;
        self
    }

    /// Sets the seed of all that is drawn, and of the ids: who gets messages from two simulators with one seed
    /// takes those of the second for repeats.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sends some webhooks, counted from 1, twice.
    #[must_use]
    pub fn twice(mut self, when: When) -> Self {
        self.twice = Some(when);
        self
    }

    /// Sends each webhook about a person late, by up to this time by the simulator's clock, so that they
    /// come out of order.
    #[must_use]
    pub fn late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }

    /// Sends so many webhooks at the same time, from 1 to 64.
    #[must_use]
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes.clamp(1, 64);
        self
    }

    /// Takes messages that cannot be delivered (131047, 131050, 131026), and says so in the status `failed`,
    /// instead of refusing them. Meta does both.
    #[must_use]
    pub fn refuse_later(mut self) -> Self {
        self.refuses_later = true;
        self
    }

    /// Hands each line of the log to this function, without a line end. It must not call the simulator.
    #[must_use]
    pub fn report(mut self, line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.report = Some(Report(Arc::new(line)));
        self
    }

    /// Stops the clock: repeats, statuses and the 24 hours go on only when
    /// [`WhatsApp::advance`](crate::WhatsApp::advance) moves it.
    #[must_use]
    pub fn stop_the_clock(self) -> Self {
        self.stop_the_clock_at(SystemTime::now())
    }

    /// Stops the clock at this time, so that a test can advance it and yet tell of nothing that is in the future.
    #[must_use]
    pub fn stop_the_clock_at(mut self, date: SystemTime) -> Self {
        self.clock = Some(Clock::stopped(date));
        self
    }

    /// Lets the clock run so many times as fast as the real time.
    #[must_use]
    pub fn speed(mut self, times: u32) -> Self {
        self.clock = Some(Clock::fast(times));
        self
    }
}

impl Default for Business {
    fn default() -> Self {
        Self::new()
    }
}

/// The address of a webhook, if it can be one.
pub(crate) fn checked(url: &str) -> Result<String> {
    let is_http = url.strip_prefix("http://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    ensure!(
        is_http && !url.contains(char::is_whitespace),
        "a webhook is an address with http://, such as http://127.0.0.1:8080/v1/whatsapp/default: the simulator \
         does not speak TLS"
    );
    Ok(url.to_owned())
}
