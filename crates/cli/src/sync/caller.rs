//! Calls in the account, made with patience, and the wish to stop.

use crate::failure::Failure;
use crate::session;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use klaviyo_host::types::Code;
use klaviyo_host::{Answer, Error, Tenant, Usage};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a request that is under way may still take when somebody wants to stop.
const GRACE: Duration = Duration::from_secs(10);
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

/// Somebody's wish to stop: Ctrl-C or SIGTERM.
#[derive(Clone)]
pub(super) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// From now on the signals do not end the program by themselves.
    pub(super) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::other(format!("cannot wait for Ctrl-C: {error}"));
        let (sender, receiver) = watch::channel(0);
        #[cfg(unix)]
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(failed)?;
        #[cfg(unix)]
        let mut interrupt =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(failed)?;
        #[cfg(windows)]
        let mut interrupt = tokio::signal::windows::ctrl_c().map_err(failed)?;
        tokio::spawn(async move {
            loop {
                #[cfg(unix)]
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                #[cfg(windows)]
                let _ = interrupt.recv().await;
                sender.send_modify(|times| *times += 1);
            }
        });
        Ok(Self(receiver))
    }

    pub(super) fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until somebody wants to stop.
    pub(super) async fn asked(&self) {
        self.times(1).await;
    }

    /// Waits until somebody wants to stop at once, or wanted to a while ago.
    pub(super) async fn insisted(&self) {
        self.times(1).await;
        let _ = tokio::time::timeout(GRACE, self.times(2)).await;
    }

    async fn times(&self, least: u32) {
        // The sender is never gone: its task does not end.
        if self.0.clone().wait_for(|times| *times >= least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits, unless somebody wants to stop.
    pub(super) async fn sleep(&self, time: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.asked() => Err(Failure::interrupted()),
        }
    }
}
