//! The pauses before another attempt.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(5 * 60);
/// The pause after so many attempts: a second, and twice as long each time. It is up to a quarter shorter or
/// longer, so that not all retries come at once.
pub(super) fn pause(attempts: u32) -> Duration {
    let doubled = Duration::from_secs(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.75 + 0.5 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        for (attempts, seconds) in [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (u32::MAX, 300)] {
            let pause = pause(attempts).as_secs_f64() / f64::from(seconds);
            assert!((0.75..1.25).contains(&pause), "{attempts}: {pause}");
        }
    }
}
