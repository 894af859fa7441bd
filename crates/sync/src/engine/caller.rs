//! Makes calls in the account: once, or again and again until they work.

use crate::engine::backoff::Backoff;
use crate::error::Error;
use crate::interrupt::Interrupt;
use klaviyo_host::{Answer, Tenant};
use std::time::Duration;

/// Makes calls in the account. Any one ends when the interrupt insists.
#[derive(Clone)]
pub(crate) struct Caller {
    tenant: Tenant,
    interrupt: Interrupt,
    /// How long to go on trying while Klaviyo is not available.
    patience: Duration,
}

impl Caller {
    pub(crate) fn new(tenant: Tenant, interrupt: Interrupt, patience: Duration) -> Self {
        Self { tenant, interrupt, patience }
    }

    /// Makes a call, once.
    pub(crate) async fn once<T, F>(&self, call: impl FnOnce(Tenant) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<Answer<T>, klaviyo_host::Error>>,
    {
        tokio::select! {
            answer = call(self.tenant.clone()) => Ok(answer?.value),
            () = self.interrupt.insisted() => Err(Error::interrupted()),
        }
    }

    /// Makes a call that is safe to repeat, until it works or will not.
    pub(crate) async fn patiently<T, F>(&self, call: impl Fn(Tenant) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<Answer<T>, klaviyo_host::Error>>,
    {
        let mut backoff = self.backoff();
        loop {
            match self.once(&call).await {
                Ok(value) => return Ok(value),
                Err(error) => self.pause(&mut backoff, error).await?,
            }
        }
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.patience)
    }

    /// Waits before a call is repeated.
    pub(crate) async fn pause(&self, backoff: &mut Backoff, error: Error) -> Result<(), Error> {
        backoff.pause(&self.interrupt, error).await
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }
}
