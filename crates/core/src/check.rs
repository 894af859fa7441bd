//! Checks of arguments before anything is sent. Each failure names the field.

use crate::json::syntax;
use crate::jsonapi::Attributes;
use crate::{Error, Identifier, NewProfile};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String};
use serde_json::value::RawValue;

/// Klaviyo's limit on an email address, in characters.
const EMAIL_CHARACTERS: usize = 100;

/// Checks a contact, and makes of it the attributes to send.
pub(crate) fn contact(contact: &NewProfile) -> Result<Attributes<'_>, Box<Error>> {
    if contact.email.is_none() && contact.phone_number.is_none() && contact.external_id.is_none() {
        return Err(Error::invalid(
            "email",
            "an email, a phone-number or an external-id is needed, and none is given",
        ));
    }
    let given = |value: &Option<String>, check: fn(&str) -> Result<String, Box<Error>>| {
        value.as_deref().map(check).transpose()
    };
    Ok(Attributes {
        email: given(&contact.email, email)?,
        first_name: contact.first_name.as_deref(),
        last_name: contact.last_name.as_deref(),
        phone_number: given(&contact.phone_number, phone_number)?,
        external_id: given(&contact.external_id, external_id)?,
        properties: contact.properties.as_deref().map(properties).transpose()?,
    })
}

/// Checks an identifier, and writes it as Klaviyo has it.
pub(crate) fn identifier(identifier: &Identifier) -> Result<Identifier, Box<Error>> {
    Ok(match identifier {
        Identifier::Email(value) => Identifier::Email(email(value)?),
        Identifier::PhoneNumber(value) => Identifier::PhoneNumber(phone_number(value)?),
        Identifier::ExternalId(value) => Identifier::ExternalId(external_id(value)?),
        Identifier::Id(value) => Identifier::Id(path_segment("id", value)?.to_owned()),
    })
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

/// Checks the name of a list.
pub(crate) fn list_name(name: &str) -> Result<(), Box<Error>> {
    if name.is_empty() {
        return Err(Error::invalid("name", "it is empty"));
    }
    Ok(())
}

/// What Klaviyo takes for no address, and refuses all rows of a bulk request for. One profile alone it may judge
/// itself.
pub(crate) fn bulk_email(email: &str) -> Result<(), Box<Error>> {
    let domain = email.split_once('@').map_or("", |(_, domain)| domain);
    let reason = if email.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "it has white space in it"
    } else if !domain.split('.').skip(1).any(|label| !label.is_empty()) || domain.starts_with('.') {
        "its domain has no dot with text on both sides"
    } else {
        return Ok(());
    };
    Err(Error::invalid("email", reason))
}

/// Checks an id that may be left out, and does not become a part of a path.
pub(crate) fn optional_id(field: &str, id: Option<&str>) -> Result<(), Box<Error>> {
    match id {
        Some("") => Err(Error::invalid(field, "it is empty")),
        _ => Ok(()),
    }
}

pub(crate) fn email(email: &str) -> Result<String, Box<Error>> {
    let reason = match email.split_once('@') {
        None => "it has no `@`",
        Some((_, domain)) if domain.contains('@') => "it has more than one `@`",
        Some((local, domain)) if local.is_empty() || domain.is_empty() => {
            "it needs text before and after the `@`"
        }
        Some(_) if email.chars().count() > EMAIL_CHARACTERS => "it is longer than 100 characters",
        Some(_) => return Ok(email.to_owned()),
    };
    Err(Error::invalid("email", reason))
}

fn external_id(id: &str) -> Result<String, Box<Error>> {
    if id.is_empty() {
        return Err(Error::invalid("external-id", "it is empty"));
    }
    Ok(id.to_owned())
}

/// Writes a phone number to E.164: a plus sign, the country code, at most 15 digits in all.
///
/// Only what people put between the digits is removed. Anything else is refused rather than guessed at: a
/// number without its country code is another number in another country, and so is one that keeps the
/// trunk prefix `(0)`.
pub(crate) fn phone_number(number: &str) -> Result<String, Box<Error>> {
    let invalid = |reason| Err(Error::invalid("phone-number", reason));
    let spaceless: String = number.chars().filter(|c| !c.is_whitespace() && !is_dash(*c)).collect();
    if spaceless.contains("(0)") {
        return invalid("`(0)` is not part of an international number; leave it out");
    }
    let compact: String = spaceless.chars().filter(|c| !matches!(c, '(' | ')')).collect();
    let Some(digits) = compact.strip_prefix('+').or_else(|| compact.strip_prefix("00")) else {
        return invalid("it has no country code; write it as +919820000001");
    };
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return invalid("it has other characters than digits; write it as +919820000001");
    }
    if digits.starts_with('0') {
        return invalid("no country code begins with 0; write it as +919820000001");
    }
    if !(7..=15).contains(&digits.len()) {
        return invalid("an international number has 7 to 15 digits");
    }
    Ok(format!("+{digits}"))
}

/// The dashes that phones and word processors put into numbers: the ASCII hyphen-minus, and U+2010 (hyphen)
/// to U+2015 (horizontal bar).
fn is_dash(c: char) -> bool {
    c == '-' || ('\u{2010}'..='\u{2015}').contains(&c)
}

/// Takes custom properties as they are written, so that no number loses a digit.
fn properties(text: &str) -> Result<&RawValue, Box<Error>> {
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
    fn phone_numbers_are_written_to_e164() {
        for (given, written) in [
            ("+919820000001", "+919820000001"),
            ("+91 98200 00001", "+919820000001"),
            ("+91-98200-00001", "+919820000001"),
            ("00 91 (98200) 00001", "+919820000001"),
            (" +1 (415) 555\u{2011}0100\u{a0}", "+14155550100"),
            ("+6834000", "+6834000"),
            ("+123456789012345", "+123456789012345"),
        ] {
            assert_eq!(phone_number(given), Ok(written.to_owned()), "{given}");
        }
    }

    #[test]
    fn phone_numbers_are_not_guessed() {
        for given in [
            "",
            "+",
            "00",
            "9820000001",
            "09820000001",
            "+0919820000001",
            "0000919820000001",
            "+44 (0)20 7946 0000",
            "+44 ( 0 ) 20 7946 0000",
            "+91982000000x",
            "+9198200+00001",
            "+123456",
            "+1234567890123456",
            "+٩١٩٨٢٠٠٠٠٠٠١",
            "tel:+919820000001",
        ] {
            let error = phone_number(given).unwrap_err();
            assert_eq!(error.code, Code::InvalidInput, "{given}");
            assert_eq!(error.details[0].pointer.as_deref(), Some("phone-number"));
        }
    }

    #[test]
    fn an_email_has_one_at_sign_and_at_most_100_characters() {
        let longest = format!("{}@x", "é".repeat(98));
        for good in ["a@b", "o'brien+\"tag\"@example.com", longest.as_str()] {
            assert_eq!(email(good), Ok(good.to_owned()));
        }
        let too_long = format!("{}@x", "é".repeat(99));
        for bad in ["", "@", "a", "a@", "@b", "a@b@c", too_long.as_str()] {
            assert_eq!(email(bad).unwrap_err().code, Code::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn an_email_in_bulk_has_a_domain_with_a_dot_and_no_white_space() {
        for good in ["a@b.c", "a@b.c.", "o'brien+\"tag\"@example.com", "é@é.example"] {
            assert_eq!(bulk_email(good), Ok(()), "{good}");
        }
        for bad in ["a@b", "a@b.", "a@.b", "a@.", "a b@c.d", "a@b.c ", "\ta@b.c", "a\0@b.c"] {
            assert_eq!(bulk_email(bad).unwrap_err().details[0].pointer.as_deref(), Some("email"), "{bad}");
        }
    }

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
