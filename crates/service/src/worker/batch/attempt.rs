//! One attempt at a batch of an account, and how its items end.

use super::item::{Ended, Item};
use crate::opt_in_flow::Failure;
use crate::outcome::{Outcome, Reason};
use crate::queue::QueueError;
use crate::worker::backoff::pause;
use crate::worker::settle::Settler;
use futures_util::{StreamExt, stream};
use klaviyo_host::{Disposition, Tenant};
use serde::Serialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// How many requests to JetStream are under way at once.
pub(super) const AT_ONCE: usize = 256;

/// One attempt at a batch of one account.
pub(in crate::worker) struct Batch<'a> {
    pub(super) settler: Settler<'a>,
    pub(super) tenant: &'a Tenant,
    /// How often an opt-in is tried before it becomes a dead letter.
    pub(super) max_attempts: NonZeroU32,
    /// The sequences of the items that are in a call to Klaviyo now.
    pub(super) attempted: Vec<u64>,
}

/// Why the work on an account stops. Items without an outcome are still in flight then.
#[derive(Debug)]
pub(in crate::worker) enum Stop {
    /// Klaviyo is unavailable, or limits the rate; with the time that it asks to wait.
    Wait(Option<Duration>, Reason),
    /// The account needs another key or setting.
    Account(Reason),
    /// The queue failed.
    Queue(QueueError),
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

impl Stop {
    /// Some if a failure stops the whole account.
    pub(super) fn by(failure: &Failure) -> Option<Self> {
        match failure.disposition {
            Disposition::RetryLater => Some(Self::Wait(failure.retry_after, failure.reason.clone())),
            Disposition::StopAccount => Some(Self::Account(failure.reason.clone())),
            Disposition::Retry | Disposition::GiveUp => None,
        }
    }
}

impl<'a> Batch<'a> {
    pub(in crate::worker) fn new(settler: Settler<'a>, tenant: &'a Tenant, max_attempts: NonZeroU32) -> Self {
        Self { settler, tenant, max_attempts, attempted: Vec::new() }
    }

    /// Settles items: writes their outcomes, then takes their messages off the queue. Items that are to be
    /// retried go back to the queue.
    pub(super) async fn end<T: Serialize, D: Into<Outcome>>(
        &self,
        ended: Vec<Ended<T, D>>,
    ) -> Result<(), Stop> {
        let (mut settled, mut retried, mut stop) = (Vec::new(), Vec::new(), Ok(()));
        for (item, result) in ended {
            let is_last = item.attempts >= self.max_attempts.get();
            let Failure { reason, disposition, retry_after } = match result {
                Ok(done) => {
                    settled.push(item.settled(done.into()));
                    continue;
                }
                Err(failure) => failure,
            };
            match disposition {
                Disposition::GiveUp => settled.push(item.settled(Outcome::Dead(reason))),
                Disposition::Retry if is_last => settled.push(item.settled(Outcome::Dead(reason))),
                Disposition::Retry => retried.push(item),
                Disposition::RetryLater => {
                    stop = Err(Stop::Wait(retry_after, reason.clone()));
                    if is_last {
                        settled.push(item.settled(Outcome::Dead(reason)));
                    }
                }
                Disposition::StopAccount => stop = Err(Stop::Account(reason)),
            }
        }
        self.settler.settle(settled).await?;
        let in_flight = self.settler.in_flight;
        in_flight.failed(&retried.iter().map(|item| item.sequence).collect::<Vec<u64>>());
        let nak = async |item: Item<T>| in_flight.nak(item.sequence, pause(item.attempts)).await;
        stream::iter(retried).for_each_concurrent(AT_ONCE, nak).await;
        stop
    }
}
