//! What a failed call calls for, by the code of its error: the one table.

use crate::types::Code;

/// What to do after a failed call. A program that has reason to do something else after one code overrides
/// this table for that code by name.
///
/// Repeating a call does no harm, though it may have taken effect, with two exceptions. A repeated
/// `bulk.submit` may import the same contacts in a second job. A repeated `consent.grant` may ask people to
/// confirm again, where the list has double opt-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The same call may succeed later: Klaviyo limits the rate, is unavailable or cannot be reached. Not
    /// before [`Error::retry_after`](crate::Error::retry_after).
    RetryLater,
    /// The failure does not tell its reason, or something between this program and Klaviyo caused it: repeat
    /// the call a few times.
    Retry,
    /// No call of this account succeeds before its key or a setting is changed.
    StopAccount,
    /// The same call fails again.
    GiveUp,
}

impl Code {
    /// What a failure with this code calls for.
    #[must_use]
    pub const fn disposition(self) -> Disposition {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Blocked | Self::Timeout | Self::Connection => {
                Disposition::RetryLater
            }
            Self::TooLarge | Self::Malformed | Self::Other => Disposition::Retry,
            Self::Unauthenticated | Self::Forbidden | Self::Retired | Self::Denied => {
                Disposition::StopAccount
            }
            Self::InvalidInput | Self::NotFound | Self::Conflict | Self::Rejected => Disposition::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Disposition::{GiveUp, Retry, RetryLater, StopAccount};
    use super::*;

    #[test]
    fn every_code_has_its_disposition() {
        let table = [
            (Code::InvalidInput, GiveUp),
            (Code::Unauthenticated, StopAccount),
            (Code::Forbidden, StopAccount),
            (Code::NotFound, GiveUp),
            (Code::Conflict, GiveUp),
            (Code::Rejected, GiveUp),
            (Code::RateLimited, RetryLater),
            (Code::Retired, StopAccount),
            (Code::Unavailable, RetryLater),
            (Code::Blocked, RetryLater),
            (Code::Denied, StopAccount),
            (Code::Timeout, RetryLater),
            (Code::Connection, RetryLater),
            (Code::TooLarge, Retry),
            (Code::Malformed, Retry),
            (Code::Other, Retry),
        ];
        assert_eq!(table.map(|(code, _)| code), Code::ALL);
        for (code, disposition) in table {
            assert_eq!(code.disposition(), disposition, "{}", code.as_str());
        }
    }
}
