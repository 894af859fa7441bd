//! A value of an option that is a text, or a file behind `@`.

use crate::failure::Failure;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;

/// The most bytes of a file: more than a call may hold.
const FILE_BYTES: u64 = 64 << 20;

/// The text, or that of the file.
pub(crate) fn read(text: &str) -> Result<String, Failure> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let failed = |reason: &dyn Display| Failure::invalid(None, &format!("cannot read {path}: {reason}"));
    let mut text = String::new();
    // A pipe has no length, and a device no end.
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > FILE_BYTES {
        return Err(failed(&format_args!("it has more than {FILE_BYTES} bytes")));
    }
    Ok(text)
}
