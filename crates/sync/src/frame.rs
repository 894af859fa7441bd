//! A row as it stands in an input.

use crate::lookahead::SUBSTITUTE;

/// More than any contact takes, which is 100,000 bytes at Klaviyo.
pub(crate) const ROW_BYTES: usize = 1 << 20;
/// What is wrong with a row that is as long as that.
pub(crate) const TOO_LONG: &str = "it is longer than 1 MB";

/// A row as it stands in the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The line that it begins on, from 1.
    pub(crate) line: u64,
    /// How many lines it has.
    pub(crate) lines: u64,
    /// Its bytes without the line end, or what is wrong with it.
    pub(crate) bytes: Result<Vec<u8>, &'static str>,
}

impl Frame {
    /// Whether it is what may stand after the last row.
    pub(crate) fn is_end_mark(&self) -> bool {
        self.bytes.as_ref().is_ok_and(|bytes| bytes.iter().all(|byte| *byte == SUBSTITUTE))
    }
}
