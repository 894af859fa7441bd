//! A value of an option that is a text, or a file behind `@`.

use crate::failure::Failure;

/// The text, or that of the file.
pub(crate) fn read(text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    std::fs::read_to_string(path)
        .map_err(|error| Failure::invalid(None, &format!("cannot read {path}: {error}")))
}
