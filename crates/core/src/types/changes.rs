//! Changes since the last look, as the interface `changes` has them.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Where a first page begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Start {
    /// What changed at or after this time: RFC 3339. A fraction of a second is cut off.
    pub time: String,
    /// How long after its own time an item may become visible, in seconds.
    pub look_back: Option<u32>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// A first page.
    Since(Start),
    /// The cursor of an earlier page.
    Cursor(String),
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangePage<T> {
    /// What changed, in the order of the times.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub cursor: String,
    /// Whether there is more to read now.
    pub more: bool,
}
