//! Calls in the account, made with patience.

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::session;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use klaviyo_host::types::Code;
use klaviyo_host::{Answer, Error, Tenant, Usage};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a call is repeated whose failure says nothing about the reason.
const ODD: usize = 3;

/// What makes calls. Its copies count together.
#[derive(Clone)]
pub(super) struct Caller {
    tenant: Tenant,
    interrupt: Interrupt,
    /// How long to go on trying what does not work for now.
    patience: Duration,
    usage: Arc<Mutex<Usage>>,
}

impl Caller {
    pub(super) fn new(tenant: Tenant, interrupt: Interrupt, patience: Duration) -> Self {
        Self { tenant, interrupt, patience, usage: Arc::default() }
    }

    /// What all calls have used.
    pub(super) fn usage(&self) -> Usage {
        *self.counted()
    }

    fn counted(&self) -> MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call, once.
    pub(super) async fn once<T, F>(&self, call: impl FnOnce(Tenant) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        let answer = tokio::select! {
            answer = call(self.tenant.clone()) => answer,
            () = self.interrupt.insisted() => return Err(Failure::interrupted()),
        };
        let usage = answer.as_ref().map_or_else(|error| error.usage, |answer| answer.usage);
        session::add(&mut self.counted(), usage);
        Ok(answer?.value)
    }

    /// Makes a call that is safe to repeat, until it works, or will not.
    pub(super) async fn patiently<T, F>(&self, call: impl Fn(Tenant) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        let mut patience = self.patience();
        loop {
            match self.once(&call).await {
                Ok(value) => return Ok(value),
                Err(failure) => self.pause(&mut patience, failure).await?,
            }
        }
    }

    pub(super) fn patience(&self) -> Patience {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(60))
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .with_total_delay(Some(self.patience))
            .build();
        Patience { pauses, odd: 0 }
    }

    /// Waits before a call is repeated. When there is no sense in that, or no more patience, the failure comes back.
    pub(super) async fn pause(&self, patience: &mut Patience, failure: Failure) -> Result<(), Failure> {
        let asked = Duration::from_secs(failure.error.retry_after.unwrap_or_default().into());
        match patience.next(failure.error.code) {
            Some(pause) if !failure.is_interruption() && asked <= self.patience => {
                self.interrupt.sleep(pause.max(asked)).await
            }
            _ => Err(failure),
        }
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }
}

/// The pauses between the attempts of one thing.
pub(super) struct Patience {
    pauses: ExponentialBackoff,
    odd: usize,
}

impl Patience {
    fn next(&mut self, code: Code) -> Option<Duration> {
        match code {
            Code::RateLimited | Code::Unavailable | Code::Timeout | Code::Connection => self.pauses.next(),
            // An answer that was cut off, or something in between that passes.
            Code::Malformed | Code::Other | Code::TooLarge if self.odd < ODD => {
                self.odd += 1;
                self.pauses.next()
            }
            _ => None,
        }
    }
}
