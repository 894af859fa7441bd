//! The result of calls with many items.

use crate::{Error, Refusal};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::Serialize;

/// The result of a call with many items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BatchResult {
    /// The number of items that Klaviyo accepted.
    pub accepted: u32,
    /// The items that were not sent or were refused.
    pub refused: Vec<Refusal>,
    /// The values that Klaviyo took only in part.
    pub warnings: Vec<String>,
    /// Why the rest was not sent.
    pub stopped: Option<Box<Error>>,
}
