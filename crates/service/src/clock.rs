//! The time of day, in one place.

use time::OffsetDateTime;

/// The present time.
pub(crate) fn now_utc() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
