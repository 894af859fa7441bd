//! Checks of arguments before anything is sent. Each failure names the field.

use crate::identifiers::{email, external_id, phone_number};
use crate::json::syntax;
use crate::jsonapi::Attributes;
use crate::text::trimmed;
use crate::{Error, Identifier, NewProfile};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String};
use serde_json::value::RawValue;

/// Checks a contact, and returns the attributes to send.
pub(crate) fn contact(contact: &NewProfile) -> Result<Attributes<'_>, Box<Error>> {
    identified(contact)?;
    let given = |value: &Option<String>, check: fn(&str) -> Result<String, Box<Error>>| {
        value.as_deref().map(check).transpose()
    };
    Ok(Attributes {
        email: given(&contact.email, email)?,
        first_name: contact.first_name.as_deref().map(trimmed),
        last_name: contact.last_name.as_deref().map(trimmed),
        phone_number: given(&contact.phone_number, phone_number)?,
        external_id: given(&contact.external_id, external_id)?,
        properties: contact.properties.as_deref().map(properties).transpose()?,
    })
}

impl Identifier {
    /// The checked identifier, as Klaviyo has it.
    pub(crate) fn cleaned(&self) -> Result<Self, Box<Error>> {
        Ok(match self {
            Self::Email(value) => Self::Email(email(value)?),
            Self::PhoneNumber(value) => Self::PhoneNumber(phone_number(value)?),
            Self::ExternalId(value) => Self::ExternalId(external_id(value)?),
            Self::Id(value) => Self::Id(path_segment("id", value)?.to_owned()),
        })
    }
}

/// Checks that a contact has an identifier.
pub(crate) fn identified(contact: &NewProfile) -> Result<(), Box<Error>> {
    if contact.email.is_none() && contact.phone_number.is_none() && contact.external_id.is_none() {
        return Err(Error::invalid(
            "email",
            "an email, a phone-number or an external-id is needed, and none is given",
        ));
    }
    Ok(())
}

/// Checks an id that becomes one segment of a path.
///
/// `.` and `..` are refused: URL parsers remove such segments, even percent-encoded, and the request would
/// go to another resource.
pub(crate) fn path_segment<'a>(field: &str, id: &'a str) -> Result<&'a str, Box<Error>> {
    match id {
        "" => Err(Error::invalid(field, "it is empty")),
        "." | ".." => Err(Error::invalid(field, "it is not an id of Klaviyo's")),
        id => Ok(id),
    }
}

/// Checks the ids of profiles that go to a list.
pub(crate) fn profile_ids(ids: &[String]) -> Result<(), Box<Error>> {
    match ids.iter().position(String::is_empty) {
        Some(index) => Err(Error::invalid(&format!("profiles/{index}"), "it is empty")),
        None => Ok(()),
    }
}

/// Checks an optional id that does not become part of a path.
pub(crate) fn optional_id(field: &str, id: Option<&str>) -> Result<(), Box<Error>> {
    match id {
        Some("") => Err(Error::invalid(field, "it is empty")),
        _ => Ok(()),
    }
}

/// Checks custom properties. They are sent as they are written, so that no number loses a digit.
pub(crate) fn properties(text: &str) -> Result<&RawValue, Box<Error>> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) if value.get().starts_with('{') => Ok(value),
        Ok(_) => Err(Error::invalid("properties", "it is not a JSON object, such as {\"plan\":\"pro\"}")),
        Err(error) => Err(Error::invalid("properties", &syntax(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn properties_are_an_object_and_stay_as_written() {
        let text = r#" {"n": 12345678901234567890.10, "deep":[[]]} "#;
        assert_eq!(properties(text).unwrap().get(), text.trim());
        for bad in ["", "[]", "null", "\"{}\"", "{", "{} {}", "{'a':1}"] {
            assert_eq!(properties(bad).unwrap_err().code, Code::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        for bad in ["", ".", ".."] {
            assert!(path_segment("id", bad).is_err(), "{bad}");
        }
        for good in ["...", "%2e%2e", "a/b", "01GMTZY2TEKN4KFRP30JZ59KGB"] {
            assert_eq!(path_segment("id", good), Ok(good));
        }
    }
}
