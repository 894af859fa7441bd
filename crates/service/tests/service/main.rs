//! Doors and workers on a real NATS server, the component in its sandbox, and a Klaviyo on this machine.

#[cfg(test)]
mod promises;

#[cfg(test)]
use on_nats::{door, platform, replies, stage};

/// The tests that need a NATS server. By this name in their path `cargo xtask test` leaves them out without
/// one.
// `cfg(test)` tells the lints that helpers are tests too.
#[cfg(test)]
#[path = "."]
mod on_nats {
    mod completion;
    mod crowds;
    pub(crate) mod door;
    mod erasure;
    mod feed;
    mod ids;
    mod metrics;
    mod notifications;
    mod oauth;
    mod opt_outs;
    mod orders;
    mod overview;
    mod people;
    mod permissions;
    pub(crate) mod platform;
    mod queue;
    mod repeats;
    pub(crate) mod replies;
    pub(crate) mod stage;
    mod strangers;
    mod tls;
    mod whatsapp;
    mod worker;
}
