//! The scopes that opt-ins do not need. What will not work without one is told, and is no failure.

use super::check::Check;
use super::probe::Probes;
use super::{Outcome, scope};
use klaviyo_host::types::Code;

pub(super) const SUBSCRIPTIONS_WRITE: &str = "subscriptions:write";
pub(super) const SEGMENTS_READ: &str = "segments:read";
pub(super) const METRICS_READ: &str = "metrics:read";
pub(super) const EVENTS_READ: &str = "events:read";
pub(super) const EVENTS_WRITE: &str = "events:write";
pub(super) const ACCOUNTS_READ: &str = "accounts:read";
pub(super) const DATA_PRIVACY_WRITE: &str = "data-privacy:write";

/// Why a scope is not looked at; none for those that are.
pub(super) fn unseen(name: &str) -> Option<&'static str> {
    match name {
        SUBSCRIPTIONS_WRITE => {
            Some("not looked at: it cannot be without a change, and only consent and suppressions need it")
        }
        EVENTS_WRITE => Some("not looked at: it cannot be without a change, and only `track` needs it"),
        DATA_PRIVACY_WRITE => {
            Some("not looked at: it cannot be without a change, and only the deletion of people needs it")
        }
        _ => None,
    }
}

/// Looks at the scopes for reading.
pub(super) async fn look(probes: &Probes) -> [Check; 4] {
    let segments = Outcome::of(&probes.segments().await);
    let metrics = Outcome::of(&probes.metrics().await);
    let events = Outcome::of(&probes.events().await);
    let account = Outcome::of(&probes.account().await);
    [
        optional(SEGMENTS_READ, &segments, "the segments of the account, and who is in them, are not shown"),
        read_events(&events, is_forbidden(&metrics)),
        optional(METRICS_READ, &metrics, "`history` does not work: it names the metrics of events"),
        optional(ACCOUNTS_READ, &account, "`account` does not work"),
    ]
}

fn is_forbidden(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(Code::Forbidden, _))
}

/// A scope without which something does not work.
fn optional(name: &'static str, outcome: &Outcome, without: &str) -> Check {
    match outcome {
        Outcome::Failed(Code::Forbidden, _) => Check::missing(name, format!("the key lacks it: {without}")),
        Outcome::Works | Outcome::Failed(Code::Rejected | Code::NotFound | Code::Conflict, _) => {
            scope(name, outcome)
        }
        Outcome::Failed(_, message) => Check::unknown(name, format!("could not be looked at: {message}")),
    }
}

fn read_events(outcome: &Outcome, metrics_missing: bool) -> Check {
    if is_forbidden(outcome) && metrics_missing {
        let found = "not known: reading events needs metrics:read too, which the key lacks";
        return Check::unknown(EVENTS_READ, found);
    }
    optional(EVENTS_READ, outcome, "`history` does not work")
}

#[cfg(test)]
mod tests {
    use super::super::check::{GOOD, MISSING, UNKNOWN};
    use super::*;

    #[test]
    fn what_opt_ins_do_not_need_is_missing_and_not_bad() {
        let failed = |code| Outcome::Failed(code, String::new());
        assert_eq!(optional(SEGMENTS_READ, &failed(Code::Forbidden), "").state, MISSING);
        assert_eq!(optional(SEGMENTS_READ, &Outcome::Works, "").state, GOOD);
        assert_eq!(optional(SEGMENTS_READ, &failed(Code::RateLimited), "").state, UNKNOWN);
        assert_eq!(read_events(&failed(Code::Forbidden), true).state, UNKNOWN);
        assert_eq!(read_events(&failed(Code::Forbidden), false).state, MISSING);
        assert_eq!(read_events(&failed(Code::NotFound), true).state, GOOD);
    }
}
