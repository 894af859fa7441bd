//! How a batch is brought to Klaviyo in the fewest requests.

use crate::queue::MAX_BATCH;
use strum::IntoStaticStr;

/// A number of requests.
type Requests = usize;

/// How many identifiers are looked up in one request: `contacts.lookup-many`.
pub(super) const LOOKED_UP: usize = 100;
/// How many requests an import takes, whatever its size: one submits it, some poll it, one reads its
/// failures. It is slow, so it is chosen only where it saves requests.
const IMPORT: Requests = 8;

/// How opt-ins to one list are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(const_into_str, serialize_all = "kebab-case")]
pub(super) enum Plan {
    /// By `contacts.opt-in-many`, which creates the profiles that are missing.
    Together,
    /// All are looked up. Those without a profile are imported if [`is_import`]; the others are opted in together.
    LookedUp,
}

impl Plan {
    /// The plan for so many opt-ins.
    ///
    /// They are looked up before an import, because an import overwrites fields of a profile that exists, and
    /// an opt-in does not.
    pub(super) fn of(count: usize) -> Self {
        if is_import(count) { Self::LookedUp } else { Self::Together }
    }
}

/// How many opt-ins are brought to Klaviyo together that were tried so often, this attempt included. The more
/// often an opt-in has failed, the fewer others fail with it.
pub(super) fn batch_limit(attempts: u32) -> usize {
    (MAX_BATCH >> attempts.saturating_sub(1).saturating_mul(2).min(usize::BITS - 1)).max(1)
}

/// Whether so many new profiles are imported. Creating one takes a request.
pub(super) fn is_import(absent: usize) -> bool {
    absent > IMPORT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_the_one_with_the_fewest_requests() {
        assert_eq!([1, 8].map(Plan::of), [Plan::Together; 2]);
        assert_eq!([9, 10_000].map(Plan::of), [Plan::LookedUp; 2]);
        assert!(!is_import(8));
        assert!(is_import(9));
    }

    #[test]
    fn what_fails_is_tried_in_smaller_company() {
        assert_eq!(
            (0..=8).map(batch_limit).collect::<Vec<_>>(),
            [10_000, 10_000, 2_500, 625, 156, 39, 9, 2, 1]
        );
        assert_eq!(batch_limit(u32::MAX), 1);
    }

    #[test]
    fn an_opt_in_takes_fewer_requests_the_more_are_waiting() {
        // The looking up, and the addition of 1,000 a request.
        let together = |count: usize| count.div_ceil(LOOKED_UP) + count.div_ceil(1_000);
        let most = |count| match Plan::of(count) {
            Plan::Together => together(count) + count,
            Plan::LookedUp => together(count) + count.div_ceil(LOOKED_UP) + IMPORT,
        };
        let each: Vec<f64> =
            [1, 2, 10, 100, 1_000, 10_000].map(|count| most(count) as f64 / count as f64).into();
        assert!(each.is_sorted_by(|few, many| few > many), "{each:?}");
    }
}
