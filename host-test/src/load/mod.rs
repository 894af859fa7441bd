//! What the connector does under load, and what it takes: suites that go on for minutes while things go
//! wrong, and measurements.
//!
//! [`soak`], [`sync`] and [`scale`] fail when a contact is lost or done twice, [`story`] when a person's last word
//! does not stand. [`mod@bench`], [`neighbour`], [`strangers`] and [`measure`] print tables.

mod answers;
pub mod bench;
mod caller;
pub mod changes;
mod disruption;
mod drain;
pub mod measure;
pub mod neighbour;
mod process;
pub mod scale;
pub mod soak;
mod stage;
mod statuses;
pub mod story;
pub mod strangers;
pub mod sync;

use anyhow::Result;
use klaviyo_mock::Faults;
use std::time::Duration;

/// The list that contacts go to.
const LIST: &str = "Y6nRLr";
/// Its name.
const LIST_NAME: &str = "WhatsApp Opt-Ins";
/// A list that an opt-out leaves alone, and its name.
const OTHER_LIST: &str = "X7kQpz";
const OTHER_LIST_NAME: &str = "Newsletter";

/// What goes wrong in Klaviyo, with one request in ten. No rule answers 429, so that every 429 comes from an account's
/// rate.
const FAULTS: [&str; 5] = [
    "*: 2% latency 300ms",
    "*: 2% status 500",
    "*: 2% status 503",
    "*: 2% reset-before",
    "*: 2% reset-after",
];
/// A run of doors and workers fails when nothing ends for this long. Klaviyo's rates may hold an account for a minute, and
/// whatever got no turn in its own minute is tried again after a pause.
const PATIENCE: Duration = Duration::from_secs(150);

/// [`FAULTS`], drawn by this seed.
fn faults(seed: u64) -> Result<Faults> {
    FAULTS.iter().try_fold(Faults::seeded(seed), |faults, rule| Ok(faults.rule(rule.parse()?)))
}
