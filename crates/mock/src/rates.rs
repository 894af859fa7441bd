//! The rate limits of an account: each operation has a burst limit for a second and a steady limit for a
//! minute, and some have a limit for a day, in fixed windows.

use crate::revision::Revision;
use std::collections::HashMap;
use std::time::Duration;

/// The limits that a simulator keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rates {
    /// The factor to the published limits; none: no limits.
    times: Option<u32>,
}

impl Rates {
    /// The limits that Klaviyo publishes.
    #[must_use]
    pub const fn klaviyo() -> Self {
        Self::times(1)
    }

    /// `n` times the published limits, in windows of the same length, so that the headers keep their meaning.
    #[must_use]
    pub const fn times(n: u32) -> Self {
        Self { times: Some(n) }
    }

    /// No limits, and no headers about them.
    #[must_use]
    pub const fn off() -> Self {
        Self { times: None }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::klaviyo()
    }
}

/// The limits of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    burst: u32,
    steady: u32,
    /// The steady limit from 2026-01-15.
    later: u32,
    daily: Option<u32>,
}

impl Rate {
    /// Limits for a second and for a minute.
    const fn of(burst: u32, steady: u32) -> Self {
        Self { burst, steady, later: steady, daily: None }
    }
}

/// The limits of most operations.
pub(crate) const USUAL: Rate = Rate { later: 750, ..Rate::of(75, 700) };
/// The limits of expensive operations.
pub(crate) const SLOW: Rate = Rate::of(10, 150);
/// The limits of events.
pub(crate) const FAST: Rate = Rate::of(350, 3_500);
/// The limits of reading the account.
pub(crate) const RARE: Rate = Rate::of(1, 15);
/// The limits of deletions, and of reading what a profile is in.
pub(crate) const SELDOM: Rate = Rate::of(3, 60);
/// The limits of creating a list.
pub(crate) const DAILY: Rate = Rate { daily: Some(150), ..SLOW };

/// Counts the requests for each operation.
#[derive(Debug, Default)]
pub(crate) struct Meter(HashMap<&'static str, [Window; 3]>);

#[derive(Debug, Default)]
struct Window {
    /// The number of the window since the start.
    number: u64,
    used: u32,
}

/// Whether a request may pass.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It may pass; the values of `Ratelimit-Limit`, `-Remaining` and `-Reset`.
    Pass { limit: String, remaining: u32, reset: u64 },
    /// It may not; the next may after this many seconds.
    Wait(u64),
}

impl Meter {
    /// Counts a request; none if there are no limits. Unproven: a refused request does not count.
    pub(crate) fn take(
        &mut self,
        rates: Rates,
        operation: &'static str,
        rate: Rate,
        revision: Option<Revision>,
        now: Duration,
    ) -> Option<Verdict> {
        const SECONDS: [u64; 3] = [1, 60, 24 * 60 * 60];
        let times = rates.times?;
        let later = revision.is_some_and(|revision| revision >= Revision::JANUARY_2026);
        let steady = if later { rate.later } else { rate.steady };
        // Without a limit for a day, its window is never full.
        let limits = [rate.burst, steady, rate.daily.unwrap_or(u32::MAX)];
        let limits = limits.map(|limit| limit.saturating_mul(times));
        let windows = self.0.entry(operation).or_default();
        let mut wait = None;
        for ((window, seconds), limit) in windows.iter_mut().zip(SECONDS).zip(limits) {
            let number = now.as_secs().checked_div(seconds).unwrap_or_default();
            if window.number != number {
                *window = Window { number, used: 0 };
            }
            if window.used >= limit {
                let end = Duration::from_secs(number.saturating_add(1).saturating_mul(seconds));
                wait = Some(whole_seconds(end.saturating_sub(now)));
            }
        }
        if let Some(seconds) = wait {
            return Some(Verdict::Wait(seconds));
        }
        // Unproven: which window `Ratelimit-Remaining` and `-Reset` are about. Here it is the window with
        // fewer requests left.
        let mut least = (u32::MAX, 0);
        for ((window, seconds), limit) in windows.iter_mut().zip(SECONDS).zip(limits) {
            window.used += 1;
            let remaining = limit.saturating_sub(window.used);
            if remaining < least.0 {
                least = (remaining, seconds.saturating_sub(1).saturating_sub(now.as_secs() % seconds));
            }
        }
        let [burst, steady, daily] = limits;
        // Unproven: that the limit for a day is there too.
        let daily = rate.daily.map(|_| format!(", {daily};w=86400")).unwrap_or_default();
        let limit = format!("{burst}, {burst};w=1, {steady};w=60{daily}");
        Some(Verdict::Pass { limit, remaining: least.0, reset: least.1 })
    }
}

/// Rounds up, to at least one.
fn whole_seconds(time: Duration) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(part).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(meter: &mut Meter, rates: Rates, revision: Revision, milliseconds: u64) -> Option<Verdict> {
        meter.take(rates, "get_lists", USUAL, Some(revision), Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_burst_ends_with_its_second() {
        let (mut meter, old) = (Meter::default(), Revision::JANUARY_2025);
        let limit = "75, 75;w=1, 700;w=60".to_owned();
        let first = take(&mut meter, Rates::klaviyo(), old, 100);
        assert_eq!(first, Some(Verdict::Pass { limit, remaining: 74, reset: 0 }));
        for _ in 0..74 {
            assert!(matches!(take(&mut meter, Rates::klaviyo(), old, 100), Some(Verdict::Pass { .. })));
        }
        assert_eq!(take(&mut meter, Rates::klaviyo(), old, 999), Some(Verdict::Wait(1)));
        assert!(matches!(take(&mut meter, Rates::klaviyo(), old, 1000), Some(Verdict::Pass { .. })));
    }

    #[test]
    fn a_minute_has_fewer_requests_than_sixty_bursts() {
        for (revision, steady) in [(Revision::JANUARY_2025, 700), (Revision::JANUARY_2026, 750)] {
            let mut meter = Meter::default();
            let mut passed = 0;
            for second in 0..12 {
                for _ in 0..75 {
                    let verdict = take(&mut meter, Rates::klaviyo(), revision, second * 1000);
                    passed += u32::from(matches!(verdict, Some(Verdict::Pass { .. })));
                }
            }
            assert_eq!(passed, steady);
            let verdict = take(&mut meter, Rates::klaviyo(), revision, 12_500);
            assert_eq!(verdict, Some(Verdict::Wait(48)));
            assert!(matches!(
                take(&mut meter, Rates::klaviyo(), revision, 60_000),
                Some(Verdict::Pass { remaining: 74, .. })
            ));
        }
    }

    #[test]
    fn a_day_has_its_limit() {
        let (mut meter, mut passed) = (Meter::default(), 0);
        let mut take = |minute: u64| {
            let (now, rates) = (Duration::from_secs(60 * minute), Rates::klaviyo());
            meter.take(rates, "create_list", DAILY, Some(Revision::JANUARY_2025), now)
        };
        for minute in 0..30 {
            passed += (0..6).filter(|_| matches!(take(minute), Some(Verdict::Pass { .. }))).count();
        }
        assert_eq!(passed, 150);
        assert_eq!(take(30), Some(Verdict::Wait(60 * (24 * 60 - 30))));
        let limit = "10, 10;w=1, 150;w=60, 150;w=86400".to_owned();
        assert_eq!(take(24 * 60), Some(Verdict::Pass { limit, remaining: 9, reset: 0 }));
    }

    #[test]
    fn limits_are_multiplied_or_off() {
        let mut meter = Meter::default();
        let Some(Verdict::Pass { limit, remaining, .. }) =
            take(&mut meter, Rates::times(10), Revision::JANUARY_2026, 0)
        else {
            panic!("the first request passes");
        };
        assert_eq!((limit.as_str(), remaining), ("750, 750;w=1, 7500;w=60", 749));
        assert_eq!(take(&mut meter, Rates::off(), Revision::JANUARY_2026, 0), None);
    }
}
