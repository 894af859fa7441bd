//! Warnings about what strangers can cause, at most once a minute.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// The time between two warnings.
const BETWEEN: Duration = Duration::from_secs(60);

/// Whether it is time for another warning.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// True once a minute at most.
    pub(super) fn is_due(&self) -> bool {
        self.is_due_at(Instant::now())
    }

    fn is_due_at(&self, now: Instant) -> bool {
        let mut last = self.0.lock();
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= BETWEEN);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_due_once_a_minute() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let due =
            [0, 1, 59, 60, 61, 119, 120].map(|second| seldom.is_due_at(start + Duration::from_secs(second)));
        assert_eq!(due, [true, false, false, true, false, false, true]);
    }
}
