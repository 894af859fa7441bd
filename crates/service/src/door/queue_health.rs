//! The queue, and whether it takes what is put into it.

use crate::opt_in::OptInKey;
use crate::outcome::Outcome;
use crate::queue::{Accepted, Queue, QueueError};
use bytes::Bytes;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// How often the queue is asked how it is.
const EVERY: Duration = Duration::from_secs(5);

/// The way into the queue.
pub(super) struct QueueHealth {
    queue: Arc<Queue>,
    /// What was written last was not written, and nothing has been since.
    refuses: AtomicBool,
}

impl QueueHealth {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, refuses: AtomicBool::new(false) }
    }

    /// How the queue is, in a word, and whether opt-ins can be put into it.
    pub(super) fn state(&self) -> (bool, &'static str) {
        match (self.queue.is_connected(), self.refuses.load(Ordering::Relaxed)) {
            (false, _) => (false, "away"),
            (true, true) => (false, "refusing"),
            (true, false) => (true, "connected"),
        }
    }

    /// Puts opt-ins into the queue: see [`Queue::put`].
    pub(super) async fn put(&self, opt_ins: Vec<(OptInKey, Bytes)>) -> Vec<Result<Accepted, QueueError>> {
        let put = self.queue.put(opt_ins).await;
        match put.iter().find_map(|put| put.as_ref().err()) {
            Some(error) => self.failed(error),
            None => self.succeeded(),
        }
        put
    }

    pub(super) async fn outcome(&self, key: &OptInKey, sequence: u64) -> Result<Option<Outcome>, QueueError> {
        self.queue.outcome(key, sequence).await
    }

    pub(super) async fn remembers(&self, signature: &str) -> Result<bool, QueueError> {
        self.queue.remembers(signature).await
    }

    pub(super) async fn remember(&self, signature: &str) -> Result<(), QueueError> {
        self.queue.remember(signature).await
    }

    /// Asks the queue how it is, again and again. A door that is not ready gets no opt-ins that could show that it is.
    pub(super) async fn watch(&self) {
        let mut was_away = false;
        loop {
            let health = self.queue.health().await;
            let is_away = matches!(health, Err(QueueError::Away));
            match health {
                Ok(()) => self.succeeded(),
                Err(error) => self.failed(&error),
            }
            match (was_away, is_away) {
                (false, true) => warn!("the queue is away; waiting for it"),
                (true, false) => info!("the queue is back"),
                _ => {}
            }
            was_away = is_away;
            sleep(EVERY).await;
        }
    }

    fn succeeded(&self) {
        if self.refuses.swap(false, Ordering::Relaxed) {
            info!("the queue takes opt-ins again");
        }
    }

    fn failed(&self, error: &QueueError) {
        // That there is no connection is seen without this, and over as soon as there is one.
        if !matches!(error, QueueError::Away) && !self.refuses.swap(true, Ordering::Relaxed) {
            warn!(error = error as &dyn Error, "the queue does not take opt-ins");
        }
    }
}
