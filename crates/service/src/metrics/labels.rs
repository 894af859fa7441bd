//! The names of the labels. Each means the same in every metric.

/// An account; `other` for all that have no series of their own.
pub(crate) const ACCOUNT: &str = "account";
/// Why a request to Klaviyo was sent again.
pub(crate) const CAUSE: &str = "cause";
/// The code of an error, as in the contract.
pub(crate) const CODE: &str = "code";
/// The version of the connector's contract.
pub(crate) const CONTRACT: &str = "contract";
/// An endpoint of Klaviyo's.
pub(crate) const ENDPOINT: &str = "endpoint";
/// A lane of the queue.
pub(crate) const LANE: &str = "lane";
/// How a group of opt-ins is done.
pub(crate) const PLAN: &str = "plan";
/// Why a door refuses, ignores or closes something.
pub(crate) const REASON: &str = "reason";
/// A revision of Klaviyo's API.
pub(crate) const REVISION: &str = "revision";
/// A route of a door.
pub(crate) const ROUTE: &str = "route";
/// What became of something, or how it is now.
pub(crate) const STATE: &str = "state";
/// The status of an answer over HTTP, or why there is none.
pub(crate) const STATUS: &str = "status";
/// The version of this program.
pub(crate) const VERSION: &str = "version";

/// The names of all labels, but for `le`, which Prometheus gives to the buckets of a histogram.
pub const LABELS: [&str; 13] =
    [ACCOUNT, CAUSE, CODE, CONTRACT, ENDPOINT, LANE, PLAN, REASON, REVISION, ROUTE, STATE, STATUS, VERSION];

/// Labels with their values, where all values are known beforehand.
pub(crate) type Labels<const N: usize> = [(&'static str, &'static str); N];
