//! Whether the queue accepts opt-ins, for `/readyz`.

use crate::queue::{Accepted, Queue, QueueError};
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// How often the queue is asked for its health.
const EVERY: Duration = Duration::from_secs(5);

/// Whether the queue accepts opt-ins.
#[derive(Default)]
pub(super) struct QueueHealth {
    /// The last write failed.
    refuses: AtomicBool,
}

impl QueueHealth {
    /// Whether opt-ins can be put into the queue, and the state of the queue in a word.
    pub(super) fn state(&self, queue: &Queue) -> (bool, &'static str) {
        match (queue.is_connected(), self.refuses.load(Ordering::Relaxed)) {
            (false, _) => (false, "away"),
            (true, true) => (false, "refusing"),
            (true, false) => (true, "connected"),
        }
    }

    /// Learns from a put.
    pub(super) fn note(&self, put: &[Result<Accepted, QueueError>]) {
        match put.iter().find_map(|put| put.as_ref().err()) {
            Some(error) => self.failed(error),
            None => self.succeeded(),
        }
    }

    /// Asks the queue again and again: a door that is not ready gets no opt-ins that could show that the
    /// queue is back.
    pub(super) async fn watch(&self, queue: &Queue) {
        let mut was_away = false;
        loop {
            let health = queue.health().await;
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
        // A missing connection is seen by itself, and is over as soon as there is one.
        if !matches!(error, QueueError::Away) && !self.refuses.swap(true, Ordering::Relaxed) {
            warn!(error = error as &dyn Error, "the queue does not take opt-ins");
        }
    }
}
