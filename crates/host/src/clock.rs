//! The time of one call: how much of [`Limits::time`](crate::Limits::time) and of [`Limits::wait`](crate::Limits::wait) is
//! left of it.

use crate::limits::Limits;
use parking_lot::Mutex;
use std::pin::pin;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

/// The deadline of what is too far away to be a point in time.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Stands still while the call waits for its turn.
#[derive(Debug)]
pub(crate) struct CallClock(Mutex<Left>);

#[derive(Debug)]
struct Left {
    time: Duration,
    wait: Duration,
    /// Since when the time runs; none: the call waits.
    running: Option<Instant>,
}

impl CallClock {
    /// The time of a call that waits for its place.
    pub(crate) fn new(&Limits { time, wait, .. }: &Limits) -> Self {
        Self(Mutex::new(Left { time, wait, running: None }))
    }

    /// When the call is over, as long as it does not wait.
    pub(crate) fn deadline(&self) -> Instant {
        let Left { time, running, .. } = *self.0.lock();
        later(running.unwrap_or_else(Instant::now), time)
    }

    /// Waits for a turn, which may come until the time that `turn` is given. The call's time stands still meanwhile, and
    /// runs afterwards. It returns how long that was, too.
    pub(crate) async fn wait<T>(&self, turn: impl AsyncFnOnce(Instant) -> T) -> (T, Duration) {
        let begun = Instant::now();
        let until = {
            let mut left = self.0.lock();
            if let Some(since) = left.running.take() {
                left.time = left.time.saturating_sub(begun - since);
            }
            later(begun, left.wait)
        };
        let came = turn(until).await;
        let now = Instant::now();
        let mut left = self.0.lock();
        left.wait = left.wait.saturating_sub(now - begun);
        left.running = Some(now);
        (came, now - begun)
    }

    /// Runs the call, or a part of it, until it has no time left.
    pub(crate) async fn limit<T>(&self, part: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut part = pin!(part);
        loop {
            match timeout_at(self.deadline(), &mut part).await {
                // It waited meanwhile.
                Err(_) if Instant::now() < self.deadline() => {}
                ended => return ended,
            }
        }
    }
}

fn later(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or_else(|| from + A_YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    fn clock(time: u64, wait: u64) -> CallClock {
        let (time, wait) = (Duration::from_secs(time), Duration::from_secs(wait));
        CallClock::new(&Limits { time, wait, ..Limits::default() })
    }

    /// A turn that comes in so many seconds, if the clock leaves it the time.
    async fn turn(clock: &CallClock, seconds: u64) -> bool {
        let turn = async |until| timeout_at(until, sleep(Duration::from_secs(seconds))).await.is_ok();
        clock.wait(turn).await.0
    }

    async fn works(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_does_not_use_its_time() {
        let clock = clock(10, 1000);
        assert!(turn(&clock, 100).await);
        let call = async {
            works(4).await;
            assert!(turn(&clock, 100).await);
            works(5).await;
        };
        assert!(clock.limit(call).await.is_ok());
        assert!(clock.limit(works(2)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn all_that_a_call_waits_counts_together() {
        let clock = clock(10, 100);
        assert!(turn(&clock, 60).await);
        works(5).await;
        assert!(!turn(&clock, 60).await);
        assert!(!turn(&clock, 1).await);
        assert!(clock.limit(works(4)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_without_an_end_is_one() {
        let clock = CallClock::new(&Limits { time: Duration::MAX, wait: Duration::MAX, ..Limits::default() });
        assert!(turn(&clock, 3600).await);
        assert!(clock.limit(works(3600)).await.is_ok());
    }
}
