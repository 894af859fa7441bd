//! The time of a word: when a person opted in, opted out or resumed.

use crate::clock;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time, to the millisecond: RFC 3339 as text, milliseconds since 1970 as a number.
///
/// Of two words of one person the later one stands, whichever arrives first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

/// The text is no time.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is not a time in RFC 3339, such as 2026-11-27T08:30:00Z")]
pub struct MomentError;

impl Moment {
    /// The present time.
    #[must_use]
    pub fn now() -> Self {
        Self::of(clock::now_utc())
    }

    /// A time in milliseconds since 1970.
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The time in milliseconds since 1970.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whether it lies in the future, further than clocks differ.
    pub(crate) fn is_ahead_of(self, now: Self) -> bool {
        const AHEAD_MS: i64 = 5 * 60 * 1_000;
        self.0 > now.0.saturating_add(AHEAD_MS)
    }

    pub(crate) fn of(time: OffsetDateTime) -> Self {
        Self(i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok();
        let time = time.and_then(|time| time.format(&Rfc3339).ok());
        // A time that has no such form is none that a message can have.
        f.write_str(time.as_deref().unwrap_or("1970-01-01T00:00:00Z"))
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::of).map_err(|_| MomentError)
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_to_the_millisecond() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2025-06-08T20:59:43.999Z", 1_749_416_383_999),
            ("2025-06-08T22:59:43+02:00", 1_749_416_383_000),
            ("1969-12-31T23:59:59.5Z", -500),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.unix_ms(), ms, "{text}");
            assert_eq!(moment.to_string().parse(), Ok(moment));
        }
        for wrong in ["", "now", "2026-11-27", "1749416383", "2026-11-27 08:30", "2026-13-01T00:00:00Z"] {
            assert_eq!(wrong.parse::<Moment>(), Err(MomentError), "{wrong}");
        }
    }
}
