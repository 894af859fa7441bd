//! Counts what calls use: requests, attempts, bytes and time.

use parking_lot::Mutex;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

/// What a call used. Every answer and every error has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that the connector made.
    pub requests: u32,
    /// How often requests were sent: more than `requests` if some were repeated, fewer if some were refused.
    pub attempts: u32,
    /// Bytes of the bodies that were sent, every attempt counted.
    pub sent_bytes: u64,
    /// Bytes of the bodies that came back, every attempt counted.
    pub received_bytes: u64,
    /// How long the call waited: for a place among [`Limits::concurrent_calls`](crate::Limits), for Klaviyo's
    /// rates, and between attempts.
    pub waited: Duration,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.sent_bytes = self.sent_bytes.saturating_add(other.sent_bytes);
        self.received_bytes = self.received_bytes.saturating_add(other.received_bytes);
        self.waited = self.waited.saturating_add(other.waited);
    }
}

/// The sum of what several calls used: those of a [`Tenant`](crate::Tenant) that was made by
/// [`Tenant::metered`](crate::Tenant::metered), and of its clones. Cloning it is cheap, and clones count
/// together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    /// What all calls used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.0.lock()
    }

    pub(crate) fn add(&self, usage: Usage) {
        *self.0.lock() += usage;
    }
}
