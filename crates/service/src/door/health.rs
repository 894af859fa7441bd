//! Whether the queue accepts what a door has for it, lane by lane: for `/readyz` and `/metrics`.
//!
//! A door is ready as long as one lane accepts messages. All doors have the same lanes, so a balancer that left out
//! doors whose lane of opt-ins is full would leave out all of them, and keep opt-outs from a lane that has room.

use crate::metrics::labels::LANE;
use crate::metrics::{write_connection, write_gauges};
use crate::queue::{Accepted, Lane, Queue, QueueError};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// How often the queue is asked for its health.
const EVERY: Duration = Duration::from_secs(5);

/// The lanes that callers and people wait for. Meta repeats events, and nobody waits for them.
const LANES: [Lane; 2] = [Lane::OptOuts, Lane::OptIns];

/// The lanes whose last write failed, or that are full.
type Refusing = Arc<Mutex<BTreeSet<Lane>>>;

/// Whether the queue accepts opt-outs and opt-ins.
pub(super) struct QueueHealth {
    refusing: Refusing,
}

/// How the queue is for a door.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QueueState {
    /// Whether it accepts anything.
    pub(super) is_ready: bool,
    /// Its state in a word.
    pub(super) word: &'static str,
    /// The lanes that accept nothing, though there is a connection.
    pub(super) refusing: Vec<Lane>,
}

impl QueueHealth {
    pub(super) fn new(queue: &Arc<Queue>, registry: &mut Registry) -> Self {
        let refusing = Refusing::default();
        let told = QueueMetrics { queue: Arc::clone(queue), refusing: Arc::clone(&refusing) };
        registry.register_collector(Box::new(told));
        Self { refusing }
    }

    pub(super) fn state(&self, queue: &Queue) -> QueueState {
        let refusing: Vec<Lane> = self.refusing.lock().iter().copied().collect();
        state(queue.is_connected(), refusing)
    }

    /// Learns from a put into a lane.
    pub(super) fn note(&self, lane: Lane, put: &[Result<Accepted, QueueError>]) {
        match put.iter().find_map(|put| put.as_ref().err()) {
            Some(error) => self.failed(&[lane], error),
            None if put.is_empty() => {}
            None => self.succeeded(&[lane]),
        }
    }

    /// Asks the queue again and again: a door that is not ready gets nothing that could show that the queue is
    /// back.
    pub(super) async fn watch(&self, queue: &Queue) {
        let mut was_away = false;
        loop {
            let full = queue.full(&LANES).await;
            let is_away = matches!(full, Err(QueueError::Away));
            match full {
                Ok(full) => {
                    full.iter().for_each(|lane| self.failed(&[*lane], &QueueError::Full(*lane)));
                    self.succeeded(
                        &LANES.into_iter().filter(|lane| !full.contains(lane)).collect::<Vec<_>>(),
                    );
                }
                Err(error) => self.failed(&LANES, &error),
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

    fn succeeded(&self, lanes: &[Lane]) {
        let mut refusing = self.refusing.lock();
        for lane in lanes {
            if refusing.remove(lane) {
                info!(%lane, "the queue takes messages of the lane again");
            }
        }
    }

    fn failed(&self, lanes: &[Lane], error: &QueueError) {
        // A missing connection is seen by itself, and is over as soon as there is one.
        if matches!(error, QueueError::Away) {
            return;
        }
        let mut refusing = self.refusing.lock();
        for lane in lanes.iter().filter(|lane| LANES.contains(lane)) {
            if refusing.insert(*lane) {
                warn!(%lane, error = error as &dyn Error, "the queue does not take messages of the lane");
            }
        }
    }
}

/// What a door tells of its queue. Without a connection that is nothing but that: values of before would look like those
/// of now.
struct QueueMetrics {
    queue: Arc<Queue>,
    refusing: Refusing,
}

impl Collector for QueueMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let is_connected = self.queue.is_connected();
        write_connection(&mut encoder, is_connected)?;
        let refusing = self.refusing.lock();
        let lanes = LANES.into_iter().filter(|_| is_connected);
        let values = lanes.map(|lane| ([(LANE, lane.to_string())], i64::from(!refusing.contains(&lane))));
        let help = "1 for a lane that accepted the last message or has room, 0 for one that did not";
        write_gauges(&mut encoder, ("klaviyo_door_accepts", help, None), values)
    }
}

impl fmt::Debug for QueueMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueMetrics")
    }
}

fn state(is_connected: bool, refusing: Vec<Lane>) -> QueueState {
    let (is_ready, word) = match refusing.len() {
        _ if !is_connected => (false, "away"),
        0 => (true, "connected"),
        count if count < LANES.len() => (true, "full"),
        _ => (false, "refusing"),
    };
    QueueState { is_ready, word, refusing }
}
