//! The pauses between the attempts of one call.

use crate::engine::verdict::{Repeat, repeat};
use crate::error::Error;
use crate::interrupt::Interrupt;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// How often a call is repeated whose failure does not tell its reason.
const MAX_ODD_RETRIES: usize = 3;

/// The pauses between the attempts of one call: from a second to a minute, each twice the one before, until
/// patience ends.
pub struct Backoff {
    pauses: ExponentialBackoff,
    patience: Duration,
    odd: usize,
}

impl Backoff {
    /// Pauses of this length in all.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(60))
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .with_total_delay(Some(patience))
            .build();
        Self { pauses, patience, odd: 0 }
    }

    /// Waits before the next attempt, at least as long as Klaviyo asks for.
    ///
    /// # Errors
    /// `error` itself, if another attempt makes no sense or patience has ended; or an interruption.
    pub async fn pause(&mut self, interrupt: &Interrupt, error: Error) -> Result<(), Error> {
        let asked = Duration::from_secs(error.error.retry_after.unwrap_or_default().into());
        if error.is_interruption() || asked > self.patience {
            return Err(error);
        }
        match self.next(repeat(error.code())) {
            Some(pause) => interrupt.sleep(pause.max(asked)).await,
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
