//! The contact that a person has filled into a Flow.

use super::json::text;
use klaviyo_core::text::shown;
use serde_json::value::RawValue;

/// The longest value that is kept, in bytes. It is longer than an email can be, so an email that is cut is
/// refused for its length.
const LONGEST_VALUE: usize = 512;

/// The contact, as it was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

/// Keeps a value in a field that has none yet.
pub(super) fn keep(field: &mut Option<String>, value: &RawValue) {
    if field.is_none()
        && let Some(text) = text(Some(value))
        && let Some(text) = shown(&text)
    {
        let end = text.floor_char_boundary(LONGEST_VALUE);
        *field = text.get(..end).map(ToOwned::to_owned);
    }
}
