//! Whether a door or a worker has its queue.

use super::write_gauge;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;

/// Writes whether there is a connection to NATS.
pub(crate) fn write_connection(encoder: &mut DescriptorEncoder<'_>, is_connected: bool) -> fmt::Result {
    let help = "1 with a connection to NATS, 0 without; without it no other gauge of the queue is told";
    write_gauge(encoder, ("klaviyo_queue_connected", help, None), is_connected.into())
}
