//! One attempt at a batch of an account: calls of at most a size, halves after a call has failed, opt-ins one
//! by one, and how the items end.

use super::admission::Admitted;
use super::item::{Ended, Item};
use crate::completion;
use crate::opt_in_flow::{self, Failure};
use crate::outcome::{Outcome, Reason};
use crate::queue::QueueError;
use crate::worker::gate::Gate;
use crate::worker::in_flight::pause;
use crate::worker::settle::Settler;
use futures_util::{StreamExt, stream};
use klaviyo_host::types::{Audience, Code};
use klaviyo_host::{Disposition, Tenant};
use serde::Serialize;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// How many requests to JetStream are under way at once.
pub(super) const AT_ONCE: usize = 256;

/// One attempt at a batch of one account.
pub(in crate::worker) struct Batch<'a> {
    pub(super) settler: Settler<'a>,
    pub(super) gate: &'a Gate,
    pub(super) tenant: &'a Tenant,
    /// How often an opt-in is tried before it becomes a dead letter.
    pub(super) max_attempts: NonZeroU32,
    /// The sequences of the items that are in a call to Klaviyo now.
    pub(super) attempted: Vec<u64>,
    /// How often people had opted out when the opt-ins were admitted.
    pub(super) admitted_at: AtomicU64,
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
    pub(in crate::worker) fn new(
        settler: Settler<'a>,
        gate: &'a Gate,
        tenant: &'a Tenant,
        max_attempts: NonZeroU32,
    ) -> Self {
        Self { settler, gate, tenant, max_attempts, attempted: Vec::new(), admitted_at: AtomicU64::new(0) }
    }

    /// Settles items: writes their outcomes, then takes their messages off the queue. Items that are to be
    /// retried go back to the queue.
    pub(super) async fn end<T: Serialize, D: Into<Outcome>>(
        &self,
        ended: Vec<Ended<T, D>>,
    ) -> Result<(), Stop> {
        let lane = self.settler.lane;
        let (mut settled, mut retried, mut stop) = (Vec::new(), Vec::new(), Ok(()));
        for (item, result) in ended {
            let is_last = item.attempts >= self.max_attempts.get();
            let Failure { reason, disposition, retry_after } = match result {
                Ok(done) => {
                    settled.push(item.settled(lane, done.into()));
                    continue;
                }
                Err(failure) => failure,
            };
            match disposition {
                Disposition::GiveUp => settled.push(item.settled(lane, Outcome::Dead(reason))),
                Disposition::Retry if is_last => settled.push(item.settled(lane, Outcome::Dead(reason))),
                Disposition::Retry => retried.push(item),
                Disposition::RetryLater => {
                    stop = Err(Stop::Wait(retry_after, reason.clone()));
                    if is_last {
                        settled.push(item.settled(lane, Outcome::Dead(reason)));
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

/// All items in chunks of at most `size`, in order.
pub(super) fn chunks<T>(all: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let (mut chunks, mut all) = (Vec::with_capacity(all.len().div_ceil(size)), all.into_iter());
    while !all.as_slice().is_empty() {
        // Collected, because a vector that is split keeps its room for all items.
        chunks.push(all.by_ref().take(size).collect());
    }
    chunks
}

/// The items of a call that failed, to be tried again in smaller calls.
pub(super) enum Split<T> {
    /// Two halves.
    Halves([Vec<T>; 2]),
    /// It was a single item, whose own failure it is.
    One(T),
}

/// Splits the items of a call that failed.
///
/// # Errors
/// When the failure stops the whole account, whatever the items are.
pub(super) fn split<T>(failure: &Failure, mut failed: Vec<T>) -> Result<Split<T>, Stop> {
    if let Some(stop) = Stop::by(failure) {
        return Err(stop);
    }
    let half = failed.split_off(failed.len() / 2);
    match (failed.is_empty(), <[T; 1]>::try_from(half)) {
        (true, Ok([one])) => Ok(Split::One(one)),
        (_, Ok([one])) => Ok(Split::Halves([failed, vec![one]])),
        (_, Err(half)) => Ok(Split::Halves([failed, half])),
    }
}

impl Batch<'_> {
    /// Does and settles opt-ins one after the other.
    pub(super) async fn one_by_one(&self, items: Vec<Item>, list: &Audience) -> Result<(), Stop> {
        for item in items {
            let (pass, Admitted { members, superseded }) = self.pass(vec![(item, ())], &list.id).await?;
            let mut ended = Vec::new();
            for (item, ()) in members {
                let completed = match item.request.completes {
                    true => completion::complete(self.tenant, &item.request).await,
                    false => Ok(()),
                };
                let result = match completed {
                    Ok(()) => opt_in_flow::opt_in_to_list(self.tenant, &item.request, list).await,
                    Err(failure) => Err(failure),
                };
                ended.push((item, result.map_err(unless_list_is_gone)));
            }
            drop(pass);
            self.end(ended).await?;
            self.take_back(superseded).await?;
        }
        Ok(())
    }
}

/// The list existed when it was found, and the tenant forgets it with this failure. Another list may have its
/// name at the next attempt, so not-found is no reason to give up here.
fn unless_list_is_gone(failure: Failure) -> Failure {
    if failure.reason.code == Code::NotFound.as_str() {
        return Failure { disposition: Disposition::Retry, ..failure };
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Reason;

    #[test]
    fn chunks_hold_all_in_order_and_no_room_for_more() {
        let all = || (0..10_000).collect::<Vec<u32>>();
        for (size, count) in [(1, 10_000), (100, 100), (3_000, 4), (10_000, 1), (20_000, 1)] {
            let chunks = chunks(all(), size);
            assert_eq!((chunks.len(), chunks.concat()), (count, all()), "{size}");
            assert!(chunks.iter().map(Vec::capacity).sum::<usize>() < 20_000 + 4 * count, "{size}");
        }
        assert!(chunks(Vec::<u32>::new(), 7).is_empty());
    }

    #[test]
    fn a_list_that_is_gone_is_looked_for_again() {
        for code in Code::ALL {
            let failure = Failure {
                reason: Reason::new(code, "no"),
                disposition: code.disposition(),
                retry_after: None,
            };
            let expected = if code == Code::NotFound { Disposition::Retry } else { code.disposition() };
            assert_eq!(unless_list_is_gone(failure).disposition, expected, "{code:?}");
        }
    }
}
