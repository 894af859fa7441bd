//! A row as it stands in an input, before its values are read.

use crate::decode::lookahead::SUBSTITUTE;

/// The longest row. A contact takes 100,000 bytes at Klaviyo at most.
pub(crate) const ROW_BYTES: usize = 1 << 20;
/// Why a longer row is refused.
pub(crate) const TOO_LONG: &str = "it is longer than 1 MB";

/// A row as it stands in the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// How many lines it takes.
    pub(crate) lines: u64,
    /// Its bytes without the line end, or why it is refused.
    pub(crate) bytes: Result<Vec<u8>, &'static str>,
}

impl Frame {
    /// Whether it consists of Ctrl-Z, which may stand after the last row.
    pub(crate) fn is_end_mark(&self) -> bool {
        self.bytes.as_ref().is_ok_and(|bytes| bytes.iter().all(|byte| *byte == SUBSTITUTE))
    }
}
