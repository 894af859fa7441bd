//! The clock of a simulator: the real time, a faster one, or a stopped clock that tests advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// A clock. Its clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    date: SystemTime,
    /// None if the clock is stopped.
    start: Option<Instant>,
    /// How many times as fast as the real time it runs.
    speed: u32,
    /// Nanoseconds by which the clock was advanced.
    moved: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::stopped(SystemTime::UNIX_EPOCH)
    }
}

impl Clock {
    /// The real time.
    #[must_use]
    pub fn running() -> Self {
        Self::fast(1)
    }

    /// A clock that begins at the real time and runs so many times as fast.
    #[must_use]
    pub fn fast(times: u32) -> Self {
        Self::new(SystemTime::now(), Some(Instant::now()), times)
    }

    /// A stopped clock. It never asks the machine for the time, which some machines do not have.
    #[must_use]
    pub fn stopped(date: SystemTime) -> Self {
        Self::new(date, None, 1)
    }

    fn new(date: SystemTime, start: Option<Instant>, speed: u32) -> Self {
        Self(Arc::new(Inner { date, start, speed, moved: AtomicU64::new(0) }))
    }

    /// How many times as fast as the real time it runs; none if it is stopped.
    #[must_use]
    pub fn speed(&self) -> Option<u32> {
        self.0.start.map(|_| self.0.speed)
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        let ran = self.0.start.map(|start| start.elapsed().saturating_mul(self.0.speed)).unwrap_or_default();
        ran.saturating_add(Duration::from_nanos(self.0.moved.load(Ordering::Relaxed)))
    }

    /// The date and time.
    #[must_use]
    pub fn date(&self) -> SystemTime {
        self.0.date.checked_add(self.now()).unwrap_or(self.0.date)
    }

    /// The date and time as Klaviyo writes it.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.date())
    }

    /// Moves the clock forward. It cannot go back.
    pub fn advance(&self, by: Duration) {
        let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let moved = |moved: u64| Some(moved.saturating_add(nanoseconds));
        // The closure never returns none, so this cannot fail.
        let _ = self.0.moved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
    }
}

/// A time as Klaviyo writes it.
pub(crate) fn timestamp(date: SystemTime) -> String {
    let date = OffsetDateTime::from(date);
    let date = date.replace_nanosecond(0).unwrap_or(date);
    date.format(&Rfc3339).unwrap_or_default().replace('Z', "+00:00")
}

/// A time as the header `Date` has it.
pub(crate) fn http_date(date: SystemTime) -> String {
    OffsetDateTime::from(date).format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}

/// Reads a time as clients write it: with `Z` or an offset, with or without a fraction of a second.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    // RFC 3339 cannot express some years.
    let written = |date: &SystemTime| !timestamp(*date).is_empty();
    OffsetDateTime::parse(text, &Rfc3339).ok().map(SystemTime::from).filter(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_its_offset() {
        let noon = parse("2026-01-15T12:00:00Z");
        assert!(noon.is_some());
        for text in
            ["2026-01-15T12:00:00+00:00", "2026-01-15t17:30:00+05:30", "2026-01-15T07:00:00.000-05:00"]
        {
            assert_eq!(parse(text), noon, "{text}");
        }
        for text in
            ["", "yesterday", "2026-01-15", "2026-01-15T12:00:00", "2026-01-15T12:00:00 05:30", "é-05:00"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_may_be_long_ago_and_is_written_in_seconds() {
        for (text, written) in [
            ("2026-01-15t12:00:00.250z", Some("2026-01-15T12:00:00+00:00")),
            ("1969-07-20T20:17:40-05:00", Some("1969-07-21T01:17:40+00:00")),
            ("0001-01-01T00:00:00-23:59", Some("0001-01-01T23:59:00+00:00")),
            ("0000-01-01T00:00:00+00:01", None),
            // Only the last minute of some months has a second 60.
            ("2026-01-15T12:00:60Z", None),
            ("1999-12-31T23:59:60+05:30", None),
        ] {
            assert_eq!(parse(text).map(timestamp).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn the_date_of_an_answer_is_as_http_has_it() {
        let date = parse("1994-11-06T10:49:37.9+02:00").map(http_date);
        assert_eq!(date.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    }

    #[test]
    fn a_stopped_clock_moves_when_it_is_told_to() {
        let clock = Clock::stopped(SystemTime::UNIX_EPOCH);
        assert_eq!(clock.now(), Duration::ZERO);
        clock.clone().advance(Duration::from_secs(3));
        assert_eq!(clock.now(), Duration::from_secs(3));
    }

    #[test]
    fn a_fast_clock_has_run_longer_than_the_real_one() {
        let (real, fast) = (Instant::now(), Clock::fast(1_000_000));
        while real.elapsed() < Duration::from_micros(50) {}
        assert!(fast.now() >= Duration::from_secs(40), "{:?}", fast.now());
        assert_eq!((fast.speed(), Clock::default().speed()), (Some(1_000_000), None));
    }
}
