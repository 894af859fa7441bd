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

/// The most bytes of a request, by Klaviyo's limit.
pub(crate) const REQUEST_BYTES: usize = 5_000_000;
/// The most bytes of one profile, by Klaviyo's limit.
pub(crate) const PROFILE_BYTES: usize = 100_000;
/// The most bytes of an id or a cursor. Both go into addresses, and servers take addresses of 8 KB.
pub(crate) const ID_BYTES: usize = 8_000;
/// The most characters of a decimal number.
const NUMBER_CHARACTERS: usize = 100;

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
    for (field, value) in [
        ("first-name", first_name),
        ("last-name", last_name),
        ("organization", organization),
        ("locale", locale),
        ("title", title),
        ("image", image),
    ] {
        text(field, value.as_deref())?;
    }
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
    for (name, value) in location.fields() {
        text(name, value).map_err(|error| error.at("location"))?;
        let value = value.map(trimmed);
        match (name, value) {
            ("latitude", Some(text)) => degrees("location/latitude", text, 90)?,
            ("longitude", Some(text)) => degrees("location/longitude", text, 180)?,
            _ => {}
        }
        attributes.text(name, value);
    }
    Ok(attributes)
}

/// Checks a text of a profile, before it is copied.
pub(crate) fn text(field: &str, text: Option<&str>) -> Result<(), Box<Error>> {
    if text.is_some_and(|text| text.len() > PROFILE_BYTES) {
        return Err(Error::invalid(
            field,
            "it takes more than 100 KB, which is the most for a whole profile",
        ));
    }
    Ok(())
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
            "an email, a phone number or an external id is needed, and none is given",
        ));
    }
    Ok(())
}

/// Checks an id that becomes one segment of a path.
///
/// What URL parsers remove, even percent-encoded, or what some servers decode too early or too often is refused: the
/// request would go to another resource. Klaviyo's ids have nothing of it, and hosts refuse it too.
pub(crate) fn path_segment<'a>(field: &str, id: &'a str) -> Result<&'a str, Box<Error>> {
    let is_ambiguous = |b| matches!(b, 0..b' ' | 0x7f | b'/' | b'\\' | b'%' | b';' | b'?' | b'#');
    if matches!(id, "." | "..") || id.bytes().any(is_ambiguous) {
        return Err(not_an_id(field));
    }
    self::id(field, id)?;
    Ok(id)
}

/// Checks an id that does not become part of a path.
fn id(field: &str, id: &str) -> Result<(), Box<Error>> {
    if id.is_empty() {
        return Err(Error::invalid(field, "it is empty"));
    }
    if id.len() > ID_BYTES { Err(not_an_id(field)) } else { Ok(()) }
}

fn not_an_id(field: &str) -> Box<Error> {
    Error::invalid(field, "it is not an id of Klaviyo's")
}

/// Whether a text has the form of a list's id: six ASCII letters and digits.
pub(crate) fn is_list_id(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Checks the ids of profiles that go to a list.
pub(crate) fn profile_ids(ids: &[String]) -> Result<(), Box<Error>> {
    let unfit = ids.iter().enumerate().find(|(_, each)| id("", each).is_err());
    unfit.map_or(Ok(()), |(index, each)| id(&format!("profiles/{index}"), each))
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
    id.map_or(Ok(()), |id| self::id(field, id))
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
        text if text.chars().nth(most).is_some() => {
            Err(Error::invalid(field, &format!("it has more than {most} characters")))
        }
        text => Ok(text),
    }
}

/// Checks a decimal number. It is sent as it is written, so that no digit is lost.
pub(crate) fn number<'a>(field: &str, text: &'a str) -> Result<&'a RawValue, Box<Error>> {
    if text.len() > NUMBER_CHARACTERS {
        return Err(Error::invalid(field, &format!("it has more than {NUMBER_CHARACTERS} characters")));
    }
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b' '));
    let number = Some(text).filter(|text| plain(text)).and_then(|text| serde_json::from_str(text).ok());
    number.ok_or_else(|| Error::invalid(field, "it is no decimal number, such as 29.99"))
}

/// Checks custom properties. They are sent as they are written, so that no number loses a digit.
pub(crate) fn properties(text: &str) -> Result<&RawValue, Box<Error>> {
    if text.len() > REQUEST_BYTES {
        return Err(Error::invalid(
            "properties",
            "they take more than 5 MB, and Klaviyo takes no request of that size",
        ));
    }
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
        let long = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
        assert!(properties(&long(REQUEST_BYTES)).is_ok());
        assert!(properties(&long(REQUEST_BYTES + 1)).is_err());
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "..\\x",
            "%2e%2e",
            "a;b",
            "a?b",
            "a#b",
            "a\0",
            "\u{7f}",
            &"é".repeat(4_001),
        ] {
            assert!(path_segment("id", bad).is_err(), "{bad}");
        }
        for good in ["...", "a b", "é", "a==", "01GMTZY2TEKN4KFRP30JZ59KGB", &"é".repeat(4_000)] {
            assert_eq!(path_segment("id", good), Ok(good));
        }
    }

    #[test]
    fn a_text_that_no_profile_can_have_is_refused() {
        let long = |bytes: usize| Some("x".repeat(bytes));
        let profile = NewProfile { title: long(PROFILE_BYTES), ..NewProfile::default() };
        assert!(fields(&profile).is_ok());
        let profile = NewProfile { title: long(PROFILE_BYTES + 1), ..NewProfile::default() };
        assert_eq!(fields(&profile).unwrap_err().details[0].pointer.as_deref(), Some("title"));
        let place = Location { address1: long(PROFILE_BYTES + 1), ..Location::default() };
        let profile = NewProfile { location: Some(place), ..NewProfile::default() };
        assert_eq!(fields(&profile).unwrap_err().details[0].pointer.as_deref(), Some("location/address1"));
    }

    #[test]
    fn a_channel_that_is_not_known_has_a_name_as_klaviyo_gives_them() {
        for (name, is_good) in [
            ("rcs", true),
            ("mobile_push", true),
            ("web2", true),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
            ("", false),
            ("RCS", false),
            ("web-push", false),
            ("push", false),
        ] {
            assert_eq!(channel(&Channel::Other(name.to_owned())).is_ok(), is_good, "{name}");
        }
    }

    #[test]
    fn an_id_that_is_too_long_is_refused_wherever_it_goes() {
        let long = "x".repeat(ID_BYTES + 1);
        assert!(optional_id("id", Some(&long)).is_err());
        assert!(optional_id("id", None).is_ok());
        let ids = ["x".repeat(ID_BYTES), long];
        assert!(profile_ids(&ids[..1]).is_ok());
        assert_eq!(profile_ids(&ids).unwrap_err().details[0].pointer.as_deref(), Some("profiles/1"));
    }
}
