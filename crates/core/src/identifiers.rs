//! What a person is known by, as it is written and as Klaviyo has it.
//!
//! Each function cleans a value or refuses it by name. It never guesses: what comes back is what was written,
//! without what cannot be seen and without separators, or the error says what is wrong.

mod email;
mod phone;

pub use email::email;
pub use phone::{Dialled, dialled, phone_number, whatsapp_number};

pub(crate) use email::bulk_email;

use crate::text::trimmed;
use crate::{Error, Identifier};
use alloc::{borrow::ToOwned, boxed::Box, string::String};

/// Klaviyo's limit on an external id, in characters.
const EXTERNAL_ID_CHARACTERS: usize = 255;

/// Cleans the caller's own id of a person: white space and what cannot be seen is taken off at both ends.
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

impl Identifier {
    /// The identifier as Klaviyo has it.
    pub(crate) fn cleaned(&self) -> Result<Self, Box<Error>> {
        Ok(match self {
            Self::Email(value) => Self::Email(email(value)?),
            Self::PhoneNumber(value) => Self::PhoneNumber(phone_number(value)?),
            Self::ExternalId(value) => Self::ExternalId(external_id(value)?),
            Self::Id(value) => Self::Id(crate::check::path_segment("id", value)?.to_owned()),
        })
    }
}
