//! The settings of a door.

use std::num::NonZeroU32;
use std::time::Duration;

/// The settings of a door.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// The WhatsApp messages that opt their sender in.
    pub words: Vec<String>,
    /// Whether people whose phone number WhatsApp does not tell are left out. Otherwise they are opted in by
    /// WhatsApp's own id of them.
    pub numbers_only: bool,
    /// How many opt-ins a second are accepted for one account.
    pub rate: NonZeroU32,
    /// How many requests are worked on at once. One account gets at most half of them, two accounts a third
    /// each, and so on.
    pub concurrency: NonZeroU32,
    /// The memory and the time that requests may take.
    pub limits: DoorLimits,
}

/// The memory that requests may take, and the time in which they have to arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Bytes of all bodies together whose signature is not checked yet. Beyond that, the body that has been
    /// arriving for the longest time is dropped.
    pub unsigned_bytes: usize,
    /// Bytes of all requests together that are worked on, four for each byte of a body. Beyond that, requests
    /// are answered 503. One account gets at most half of them, as with [`DoorSettings::concurrency`].
    pub signed_bytes: usize,
    /// The time in which a body has to arrive.
    pub body: Duration,
    /// The longest pause between two parts of a body.
    pub pause: Duration,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            unsigned_bytes: 64 << 20,
            signed_bytes: 256 << 20,
            body: Duration::from_secs(10),
            pause: Duration::from_secs(5),
        }
    }
}
