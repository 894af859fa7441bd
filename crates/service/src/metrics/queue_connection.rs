//! Whether a door has its queue.

use super::write_gauge;
use crate::queue::Queue;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;
use std::sync::Arc;

/// Tells whether there is a connection to NATS when it is asked.
pub(crate) struct QueueConnection(pub(crate) Arc<Queue>);

impl QueueConnection {
    /// Writes the gauge.
    pub(crate) fn write(encoder: &mut DescriptorEncoder<'_>, is_connected: bool) -> fmt::Result {
        let help = "1 with a connection to NATS, 0 without; without it no other metric of the queue is told";
        write_gauge(encoder, ("klaviyo_queue_connected", help, None), is_connected.into())
    }
}

impl Collector for QueueConnection {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        Self::write(&mut encoder, self.0.is_connected())
    }
}

impl fmt::Debug for QueueConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueConnection")
    }
}
