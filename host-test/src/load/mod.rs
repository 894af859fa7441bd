//! What the connector does under load, and what it takes: suites that go on for minutes while things go
//! wrong, and measurements.
//!
//! [`soak`], [`sync`] and [`scale`] fail when a contact is lost or done twice. [`mod@bench`], [`neighbour`],
//! [`strangers`] and [`measure`] print tables.

pub mod bench;
pub mod changes;
pub mod measure;
pub mod neighbour;
mod process;
pub mod scale;
pub mod soak;
pub mod strangers;
pub mod sync;

/// The list that contacts go to.
const LIST: &str = "Y6nRLr";
/// Its name.
const LIST_NAME: &str = "WhatsApp Opt-Ins";
