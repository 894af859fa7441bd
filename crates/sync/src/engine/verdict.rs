//! What the code of a failed call means for a sync: the host's table, and the codes for which a sync decides
//! differently.

use klaviyo_host::Disposition;
use klaviyo_host::types::Code;

/// Whether to repeat a failed call that is safe to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Patiently,
    /// The answer was cut off, or something between this program and Klaviyo failed for a moment.
    AFewTimes,
    Not,
}

/// What a failed submission means for the import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submission {
    /// Klaviyo did not take it.
    NotTaken,
    /// Klaviyo refuses its rows, and would take others.
    Refused,
    /// It may have been taken, or a gateway answered for a Klaviyo that still will.
    Unknown,
    /// No import is taken.
    Stop,
}

pub(crate) fn repeat(code: Code) -> Repeat {
    match (code, code.disposition()) {
        // A firewall that blocks this program keeps blocking it. The worker waits for a change, for days; a
        // sync ends and goes on by its state.
        (Code::Blocked, _) => Repeat::Not,
        (_, Disposition::RetryLater) => Repeat::Patiently,
        (_, Disposition::Retry) => Repeat::AFewTimes,
        (_, Disposition::StopAccount | Disposition::GiveUp) => Repeat::Not,
    }
}

pub(crate) fn submission(code: Code) -> Submission {
    match (code, code.disposition()) {
        // The rate limit answers before Klaviyo looks at the import.
        (Code::RateLimited, _) => Submission::NotTaken,
        (Code::Blocked, _) => Submission::Stop,
        (code, _) if is_about_contacts(code) => Submission::Refused,
        (_, Disposition::RetryLater | Disposition::Retry) => Submission::Unknown,
        (_, Disposition::StopAccount | Disposition::GiveUp) => Submission::Stop,
    }
}

/// Whether a failure is about the contacts of the call, and not about others.
pub(crate) fn is_about_contacts(code: Code) -> bool {
    match (code, code.disposition()) {
        // The list is gone, for all contacts.
        (Code::NotFound, _) => false,
        (_, disposition) => disposition == Disposition::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All codes.
    #[test]
    fn each_code_has_its_verdict() {
        use Repeat::{AFewTimes, Not, Patiently};
        use Submission::{NotTaken, Refused, Stop, Unknown};
        for (code, repeated, submitted, about_contacts) in [
            (Code::InvalidInput, Not, Refused, true),
            (Code::NotFound, Not, Stop, false),
            (Code::Conflict, Not, Refused, true),
            (Code::Rejected, Not, Refused, true),
            (Code::RateLimited, Patiently, NotTaken, false),
            (Code::Unauthenticated, Not, Stop, false),
            (Code::Forbidden, Not, Stop, false),
            (Code::Unavailable, Patiently, Unknown, false),
            (Code::Retired, Not, Stop, false),
            (Code::Blocked, Not, Stop, false),
            (Code::Denied, Not, Stop, false),
            (Code::TooLarge, AFewTimes, Unknown, false),
            (Code::Timeout, Patiently, Unknown, false),
            (Code::Connection, Patiently, Unknown, false),
            (Code::Malformed, AFewTimes, Unknown, false),
            (Code::Other, AFewTimes, Unknown, false),
        ] {
            assert_eq!(
                (repeat(code), submission(code), is_about_contacts(code)),
                (repeated, submitted, about_contacts),
                "{code:?}"
            );
        }
    }
}
