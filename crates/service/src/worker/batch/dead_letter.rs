//! The dead letter of a message.

use crate::outcome::Reason;
use crate::queue::DeadLetterBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::{RawValue, to_raw_value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The body of a message's dead letter, dated now.
pub(super) fn body(message: &[u8], error: Reason, attempts: u32, sequences: Vec<u64>) -> DeadLetterBody {
    // RFC 3339 has a form for every year that a clock shows here.
    let since = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    DeadLetterBody { opt_in: content(message), error, attempts, since, sequences }
}

/// The message itself if it is JSON and no longer than an opt-in can be; otherwise the base64 of its
/// beginning. So a dead letter always fits into a message of NATS.
fn content(message: &[u8]) -> Box<RawValue> {
    const LONGEST: usize = 128 << 10;
    let json = if message.len() <= LONGEST { serde_json::from_slice(message).ok() } else { None };
    let begins = message.get(..message.len().min(LONGEST)).unwrap_or_default();
    json.or_else(|| to_raw_value(&STANDARD.encode(begins)).ok()).unwrap_or_else(|| RawValue::NULL.to_owned())
}
