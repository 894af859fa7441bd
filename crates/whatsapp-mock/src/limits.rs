//! Meta's limits on messages: 80 a second, and one every 6 seconds to one person.

use crate::problem::Problem;
use std::time::Duration;

/// The limits that messages have to keep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The factor to Meta's limits; none: no limits.
    times: Option<u32>,
}

impl Limits {
    /// Meta's: 80 messages a second, and one every 6 seconds to one person. Meta also lets a person have a
    /// short burst, which has to be made up for; here nobody has one.
    #[must_use]
    pub const fn meta() -> Self {
        Self::times(1)
    }

    /// `n` times as many messages.
    #[must_use]
    pub const fn times(n: u32) -> Self {
        Self { times: Some(n) }
    }

    /// None.
    #[must_use]
    pub const fn off() -> Self {
        Self { times: None }
    }
}

/// Counts the messages of a second.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    second: u64,
    taken: u32,
}

impl Meter {
    /// Counts a request for a message.
    pub(crate) fn take(&mut self, limits: Limits, now: Duration) -> Result<(), Problem> {
        const EACH_SECOND: u32 = 80;
        let Some(times) = limits.times else { return Ok(()) };
        if self.second != now.as_secs() {
            *self = Self { second: now.as_secs(), taken: 0 };
        }
        if self.taken >= EACH_SECOND.saturating_mul(times) {
            return Err(Problem::TooManyMessages);
        }
        self.taken += 1;
        Ok(())
    }
}

/// Whether somebody who had the last message at this time may have another.
pub(crate) fn pause(limits: Limits, last: Option<Duration>, now: Duration) -> Result<(), Problem> {
    const BETWEEN: Duration = Duration::from_secs(6);
    let (Some(times), Some(last)) = (limits.times, last) else { return Ok(()) };
    let between = BETWEEN.checked_div(times).unwrap_or_default();
    if now.saturating_sub(last) < between { Err(Problem::TooManyToOne) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_eighty_messages() {
        for (limits, most) in [(Limits::meta(), 80), (Limits::times(2), 160), (Limits::off(), 500)] {
            let mut meter = Meter::default();
            let mut passed = |millis| {
                (0..500).filter(|_| meter.take(limits, Duration::from_millis(millis)).is_ok()).count()
            };
            assert_eq!((passed(1_100), passed(2_000)), (most, most));
        }
    }

    #[test]
    fn a_person_has_one_message_in_six_seconds() {
        let at = |limits, millis| pause(limits, Some(Duration::from_secs(1)), Duration::from_millis(millis));
        assert_eq!(at(Limits::meta(), 6_999), Err(Problem::TooManyToOne));
        assert_eq!(at(Limits::meta(), 7_000), Ok(()));
        assert_eq!(at(Limits::times(6), 1_999), Err(Problem::TooManyToOne));
        assert_eq!(at(Limits::times(6), 2_000), Ok(()));
        assert_eq!(at(Limits::off(), 1_000), Ok(()));
        assert_eq!(pause(Limits::meta(), None, Duration::ZERO), Ok(()));
    }
}
