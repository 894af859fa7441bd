//! A message between its delivery and its outcome, and the dead letter that it can become.

use crate::clock;
use crate::data_subject;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::opt_in::OptIn;
use crate::opt_in_flow::Failure;
use crate::outcome::{Outcome, Reason, Receipt};
use crate::queue::{DeadLetterBody, Lane, Record};
use crate::worker::settle::Settled;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use time::format_description::well_known::Rfc3339;

/// An opt-in, or another request, that has no outcome yet.
pub(super) struct Item<T = OptIn> {
    /// The sequence of its message in the stream.
    pub(super) sequence: u64,
    pub(super) key: OptInKey,
    pub(super) request: T,
    /// The revision of its entry in the bucket of outcomes; 0 if it has none.
    pub(super) revision: u64,
    /// The sequences at which front doors have accepted it.
    pub(super) sequences: Vec<u64>,
    /// When it came into the stream.
    pub(super) accepted: Moment,
    /// How often it was tried, this attempt included.
    pub(super) attempts: u32,
    /// How often JetStream has delivered it, this delivery included.
    pub(super) deliveries: u32,
}

/// An item, and what came of it.
pub(super) type Ended<T = OptIn, D = Receipt> = (Item<T>, Result<D, Failure>);

impl<T: Serialize> Item<T> {
    pub(super) fn settled(self, lane: Lane, outcome: Outcome) -> Settled {
        let Self { sequence, key, request, revision, sequences, attempts, .. } = self;
        // It was parsed from JSON and always can be written.
        let message = serde_json::to_vec(&request).unwrap_or_default();
        let people = data_subject::marks(&key, &message);
        let dead_letter = match &outcome {
            Outcome::Dead(reason) => {
                Some(dead_letter(&message, lane, reason.clone(), attempts, sequences.clone()))
            }
            Outcome::Done(_)
            | Outcome::OptedOut(_)
            | Outcome::Resumed(_)
            | Outcome::Waiting
            | Outcome::Dropped => None,
        };
        let attempts = dead_letter.as_ref().map(|letter| letter.attempts);
        let record = Record { outcome, sequences, people, attempts, revision };
        Settled { sequence, key, record, dead_letter }
    }
}

/// The body of a message's dead letter, dated now.
pub(super) fn dead_letter(
    message: &[u8],
    lane: Lane,
    error: Reason,
    attempts: u32,
    sequences: Vec<u64>,
) -> DeadLetterBody {
    // RFC 3339 has a form for every year that a clock shows here.
    let since = clock::now_utc().format(&Rfc3339).unwrap_or_default();
    DeadLetterBody { opt_in: content(message), lane, error, attempts, since, sequences }
}

/// The message itself if it is JSON and no longer than an opt-in can be; otherwise the base64 of its
/// beginning. So a dead letter always fits into a message of NATS.
fn content(message: &[u8]) -> Box<RawValue> {
    const LONGEST: usize = 128 << 10;
    let json = if message.len() <= LONGEST { serde_json::from_slice(message).ok() } else { None };
    let begins = message.get(..message.len().min(LONGEST)).unwrap_or_default();
    json.or_else(|| to_raw_value(&STANDARD.encode(begins)).ok()).unwrap_or_else(|| RawValue::NULL.to_owned())
}
