//! The time of day, in one place: the simulation has a clock of its own.

use time::OffsetDateTime;

/// The present time.
#[cfg(not(test))]
pub(crate) fn now_utc() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The present time, or that of the simulation on this thread.
#[cfg(test)]
pub(crate) fn now_utc() -> OffsetDateTime {
    crate::simulation::now_utc().unwrap_or_else(OffsetDateTime::now_utc)
}
