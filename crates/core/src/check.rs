//! Checks of arguments before anything is sent. Each failure names the field.

use crate::decimal::decimal;
use crate::identifiers::{email, external_id, phone_number};
use crate::json::syntax;
use crate::jsonapi::{Attributes, Value};
use crate::rfc3339::{self, Timestamp};
use crate::text::trimmed;
use crate::{Channel, Error, Identifier, Location, NewProfile};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String};
use serde_json::value::RawValue;

/// Checks a contact, and returns the attributes to send.
pub(crate) fn contact(contact: &NewProfile) -> Result<Attributes<'_>, Box<Error>> {
    identified(contact)?;
    fields(contact)
}

/// Checks the fields of a profile that are given, and returns them as attributes.
pub(crate) fn fields(profile: &NewProfile) -> Result<Attributes<'_>, Box<Error>> {
    // Named one by one, so that a new field cannot be forgotten.
    let NewProfile {
        email: address,
        phone_number: number,
        external_id: id,
        first_name,
        last_name,
        organization,
        title,
        locale,
        image,
        location: place,
        properties: custom,
    } = profile;
    let mut attributes = Attributes::default();
    attributes.text("email", address.as_deref().map(email).transpose()?);
    attributes.text("first_name", first_name.as_deref().map(trimmed));
    attributes.text("last_name", last_name.as_deref().map(trimmed));
    attributes.text("phone_number", number.as_deref().map(phone_number).transpose()?);
    attributes.text("external_id", id.as_deref().map(external_id).transpose()?);
    attributes.text("organization", organization.as_deref().map(trimmed));
    attributes.text("locale", locale.as_deref().map(trimmed));
    attributes.text("title", title.as_deref().map(trimmed));
    attributes.text("image", image.as_deref().map(trimmed));
    if let Some(place) = place {
        let place = location(place)?;
        // An empty object says nothing.
        if !place.is_empty() {
            attributes.add("location", Value::Object(place));
        }
    }
    if let Some(custom) = custom {
        attributes.add("properties", Value::Json(properties(custom)?));
    }
    Ok(attributes)
}

/// Checks an address.
fn location(location: &Location) -> Result<Attributes<'_>, Box<Error>> {
    let mut attributes = Attributes::default();
    for (name, text) in location.fields() {
        let text = text.map(trimmed);
        match (name, text) {
            ("latitude", Some(text)) => degrees("location/latitude", text, 90)?,
            ("longitude", Some(text)) => degrees("location/longitude", text, 180)?,
            _ => {}
        }
        attributes.text(name, text);
    }
    Ok(attributes)
}

/// Checks a latitude or a longitude.
pub(crate) fn degrees(field: &str, text: &str, most: u16) -> Result<(), Box<Error>> {
    if decimal(text).is_some_and(|degrees| degrees.is_within(most)) {
        return Ok(());
    }
    Err(Error::invalid(field, &format!("it is no decimal number from -{most} to {most}, such as 19.0760")))
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

/// Whether a text has the form of a list's id: six ASCII letters and digits.
pub(crate) fn is_list_id(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Checks the ids of profiles that go to a list.
pub(crate) fn profile_ids(ids: &[String]) -> Result<(), Box<Error>> {
    match ids.iter().position(String::is_empty) {
        Some(index) => Err(Error::invalid(&format!("profiles/{index}"), "it is empty")),
        None => Ok(()),
    }
}

/// Checks the name of a channel that this version does not know.
pub(crate) fn channel(channel: &Channel) -> Result<(), Box<Error>> {
    const KNOWN: [Channel; 4] = [Channel::Email, Channel::Sms, Channel::Whatsapp, Channel::Push];
    let Channel::Other(name) = channel else { return Ok(()) };
    if KNOWN.iter().any(|known| known.name() == name) {
        return Err(Error::invalid(
            "channels",
            &format!("{name} is a channel of the contract; name it as such"),
        ));
    }
    let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !(1..=64).contains(&name.len()) || !name.bytes().all(is_name) {
        return Err(Error::invalid("channels", "it is no name that Klaviyo gives a channel, such as rcs"));
    }
    Ok(())
}

/// Checks an optional id that does not become part of a path.
pub(crate) fn optional_id(field: &str, id: Option<&str>) -> Result<(), Box<Error>> {
    match id {
        Some("") => Err(Error::invalid(field, "it is empty")),
        _ => Ok(()),
    }
}

/// Checks a time.
pub(crate) fn time<'a>(field: &str, text: &'a str) -> Result<Timestamp<'a>, Box<Error>> {
    rfc3339::parse(text).ok_or_else(|| {
        Error::invalid(field, "it is no date and time of RFC 3339, such as 2025-03-01T12:00:00Z")
    })
}

/// Checks a name of 1 to `most` characters, without the white space at its ends.
pub(crate) fn name<'a>(field: &str, text: &'a str, most: usize) -> Result<&'a str, Box<Error>> {
    match trimmed(text) {
        "" => Err(Error::invalid(field, "it is empty")),
        text if text.chars().count() > most => {
            Err(Error::invalid(field, &format!("it has more than {most} characters")))
        }
        text => Ok(text),
    }
}

/// Checks a decimal number. It is sent as it is written, so that no digit is lost.
pub(crate) fn number<'a>(field: &str, text: &'a str) -> Result<&'a RawValue, Box<Error>> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b' '));
    let number = Some(text).filter(|text| plain(text)).and_then(|text| serde_json::from_str(text).ok());
    number.ok_or_else(|| Error::invalid(field, "it is no decimal number, such as 29.99"))
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
