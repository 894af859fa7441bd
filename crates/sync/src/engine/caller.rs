//! Makes calls in the account: once, or again and again until they work.

use crate::engine::verdict::{Repeat, repeat};
use crate::error::Error;
use crate::interrupt::Interrupt;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use klaviyo_host::{Answer, Tenant};
use std::time::Duration;

/// How often a call is repeated whose failure does not tell its reason.
const MAX_ODD_RETRIES: usize = 3;

/// Makes calls in the account. Any one ends when the interrupt insists.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: Tenant,
    pub(crate) interrupt: Interrupt,
    /// How long to go on trying while Klaviyo is not available.
    pub(crate) patience: Duration,
}

/// The pauses between the attempts of one call: from a second to a minute, each twice the one before, until
/// patience ends.
pub(crate) struct Backoff {
    pauses: ExponentialBackoff,
    interrupt: Interrupt,
    patience: Duration,
    odd: usize,
}

impl Caller {
    /// Makes a call, once.
    pub(crate) async fn once<T, F>(&self, call: impl FnOnce(Tenant) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<Answer<T>, klaviyo_host::Error>>,
    {
        self.attempt(async { Ok(call(self.tenant.clone()).await?.value) }).await
    }

    /// Makes a call that is safe to repeat, until it works or will not.
    pub(crate) async fn patiently<T, F>(&self, call: impl Fn(Tenant) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<Answer<T>, klaviyo_host::Error>>,
    {
        let call = &call;
        self.repeat(|| async move { Ok(call(self.tenant.clone()).await?.value) }).await
    }

    /// Does what is safe to repeat, until it works or will not.
    pub(crate) async fn repeat<T, F>(&self, work: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut backoff = self.backoff();
        loop {
            match self.attempt(work()).await {
                Ok(value) => return Ok(value),
                Err(error) => backoff.pause(error).await?,
            }
        }
    }

    async fn attempt<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.interrupt.insisted() => Err(Error::interrupted()),
        }
    }

    pub(crate) fn backoff(&self) -> Backoff {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(60))
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .with_total_delay(Some(self.patience))
            .build();
        Backoff { pauses, interrupt: self.interrupt.clone(), patience: self.patience, odd: 0 }
    }
}

impl Backoff {
    /// Waits before the next attempt, at least as long as Klaviyo asks for.
    ///
    /// # Errors
    /// `error` itself, if another attempt makes no sense or patience has ended; or an interruption.
    pub(crate) async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let asked = Duration::from_secs(error.error.retry_after.unwrap_or_default().into());
        if error.is_interruption() || asked > self.patience {
            return Err(error);
        }
        match self.next(repeat(error.code())) {
            Some(pause) => self.interrupt.sleep(pause.max(asked)).await,
            None => Err(error),
        }
    }

    fn next(&mut self, repeat: Repeat) -> Option<Duration> {
        match repeat {
            Repeat::Patiently => self.pauses.next(),
            Repeat::AFewTimes if self.odd < MAX_ODD_RETRIES => {
                self.odd += 1;
                self.pauses.next()
            }
            Repeat::AFewTimes | Repeat::Not => None,
        }
    }
}
