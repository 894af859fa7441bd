//! The functions of `events`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{BatchResult, Identifier, Metric, NewEvent, Period, Timeline};

impl Tenant {
    /// Tracks an event.
    ///
    /// # Errors
    /// See `events.track` in the contract.
    pub async fn track(&self, event: &NewEvent) -> Result<Answer<()>, Error> {
        self.invoke("events.track", (event,)).await
    }

    /// Tracks many events.
    ///
    /// # Errors
    /// See `events.track-many` in the contract. The answer lists the refused events and, if the call stopped
    /// early, the reason.
    pub async fn track_many(&self, events: &[NewEvent]) -> Result<Answer<BatchResult>, Error> {
        self.invoke("events.track-many", (events,)).await
    }

    /// A person's events, the newest first. None: there is no such profile.
    ///
    /// # Errors
    /// See `events.history` in the contract.
    pub async fn history(&self, by: &Identifier, period: &Period) -> Result<Answer<Option<Timeline>>, Error> {
        self.invoke("events.history", (by, period)).await
    }

    /// All metrics of the account.
    ///
    /// # Errors
    /// See `events.metrics` in the contract.
    pub async fn metrics(&self) -> Result<Answer<Vec<Metric>>, Error> {
        self.invoke("events.metrics", ()).await
    }
}
