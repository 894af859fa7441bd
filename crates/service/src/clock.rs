//! The time of day, in one place: in the simulation each process has a clock of its own. A task that is spawned here is one
//! of the process that spawns it.

use time::OffsetDateTime;
use tokio::task::JoinHandle;

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

/// Spawns a task.
#[cfg(not(test))]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// Spawns a task.
#[cfg(test)]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    crate::simulation::spawn(task)
}
