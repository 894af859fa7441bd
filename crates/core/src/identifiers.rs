//! Cleans the identifiers of a person: email, phone number and external id.
//!
//! Each function cleans a value or refuses it with a reason. It never guesses: it only removes invisible
//! characters and separators.

mod email;
mod phone;

pub use email::email;
pub use phone::{Dialled, dialled, phone_number, whatsapp_number};

pub(crate) use email::bulk_email;

use crate::Error;
use crate::text::trimmed;
use alloc::{borrow::ToOwned, boxed::Box, string::String};

/// Klaviyo's limit on an external id, in characters.
const EXTERNAL_ID_CHARACTERS: usize = 255;

/// Cleans the caller's own id of a person: removes white space and invisible characters at both ends.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if nothing is left, or more than 255 characters.
pub fn external_id(text: &str) -> Result<String, Box<Error>> {
    let id = trimmed(text);
    if id.is_empty() {
        return Err(Error::invalid("external-id", "it is empty"));
    }
    if id.chars().count() > EXTERNAL_ID_CHARACTERS {
        return Err(Error::invalid("external-id", "it is longer than 255 characters"));
    }
    Ok(id.to_owned())
}
