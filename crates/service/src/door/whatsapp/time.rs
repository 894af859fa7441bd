//! The times of messages, preferences and statuses.

use super::json::{Part, text_or_number};
use crate::moment::Moment;
use crate::queue::OUTCOMES;

/// The greatest age of a message, in seconds. Meta repeats a notification for a week, and a queue knows
/// outcomes for as long, so that no message is done twice.
const OLDEST: i64 = OUTCOMES.as_secs().cast_signed();
/// How far the clocks may differ, in seconds. A message from further in the future would never be too old.
const AHEAD: i64 = 24 * 60 * 60;

/// Whether a time, in milliseconds, is recent at this one, in seconds since 1970.
pub(super) fn is_recent(now: i64, (ms, _): (i64, bool)) -> bool {
    (-AHEAD..=OLDEST).contains(&now.saturating_sub(ms.div_euclid(1_000)))
}

/// From here on, a number is milliseconds since 1970; as seconds it would be the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;

/// A time in milliseconds since 1970, from a text or a number in seconds or milliseconds; and whether it was in
/// seconds.
pub(super) fn sent_at(at: Part<'_>) -> Option<(i64, bool)> {
    let at = text_or_number(at)?;
    let fraction = || at.parse::<f64>().ok().filter(|at| at.is_finite()).map(|at| at as i64);
    let at = at.parse().ok().or_else(fraction)?;
    if at >= MILLISECONDS { Some((at, false)) } else { Some((at.saturating_mul(1_000), true)) }
}

/// The time of a word. WhatsApp tells the second: an opt-out counts from its end, so that it stands against an
/// opt-in of the same second.
pub(super) fn said_at(sent: Option<(i64, bool)>, now: i64, opts_out: bool) -> Moment {
    let (ms, in_seconds) = sent.unwrap_or((now.saturating_mul(1_000), true));
    let rest = if in_seconds && opts_out { 999 } else { 0 };
    Moment::from_unix_ms(ms.saturating_add(rest))
}
