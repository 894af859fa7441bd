//! Names and answers as people write them.

use crate::words::folded;

/// The letters and digits of a name or an answer without regard to case, at most 64 of them: no known one is
/// longer.
pub(super) fn letters(text: &str) -> String {
    const LONGEST: usize = 64;
    folded(text).filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

/// Whether a text is digits only.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
