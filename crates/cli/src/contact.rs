//! From what is typed to the contract's `new-profile` and `identifier`.

use crate::args::{Contact, Who};
use crate::failure::Failure;
use klaviyo_stream::opt_in::names;
use phonenumber::{Mode, country};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// More than any way to write a phone number takes.
const PHONE_CHARACTERS: usize = 60;

/// The contract's `new-profile`.
pub(crate) fn new_profile(contact: &Contact) -> Result<Value, Failure> {
    let (first_name, last_name) = match &contact.name {
        Some(name) => match names(name) {
            (None, _) => {
                return Err(Failure::invalid(Some("first-name"), "--name is empty; leave it out"));
            }
            names => names,
        },
        None => (contact.first_name.clone(), contact.last_name.clone()),
    };
    Ok(json!({
        "email": contact.email,
        "phone-number": contact.phone.as_deref().map(|phone| number(phone, contact.region)).transpose()?,
        "external-id": contact.external_id,
        "first-name": first_name,
        "last-name": last_name,
        "properties": properties(&contact.properties)?,
    }))
}

/// The contract's `identifier`.
pub(crate) fn identifier(who: &Who) -> Result<Value, Failure> {
    match (&who.email, &who.phone, &who.external_id, &who.id) {
        (Some(email), ..) => Ok(json!({ "email": email })),
        (_, Some(phone), ..) => Ok(json!({ "phone-number": number(phone, who.region)? })),
        (_, _, Some(id), _) => Ok(json!({ "external-id": id })),
        (.., Some(id)) => Ok(json!({ "id": id })),
        _ => Err(Failure::invalid(None, "give one of --email, --phone, --external-id and --id")),
    }
}

fn number(phone: &str, region: Option<country::Id>) -> Result<String, Failure> {
    international(phone, region).map_err(|reason| Failure::invalid(Some("phone-number"), &reason))
}

/// Writes a number as it is dialled in a country with its country code. One that has its country code already is
/// the connector's to check.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn international(phone: &str, region: Option<country::Id>) -> Result<String, String> {
    let invalid = |reason: &str| Err(reason.to_owned());
    // What phones put around a number that is copied from a contact: marks of direction, and a wide plus sign.
    let is_invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let visible = phone.chars().filter(|c| !is_invisible(*c));
    let phone: String = visible.map(|c| if c == '\u{ff0b}' { '+' } else { c }).collect();
    let compact: String = phone
        .chars()
        .filter(|c| !c.is_whitespace() && !"()-./\u{2010}\u{2011}\u{2012}\u{2013}".contains(*c))
        .collect();
    let has_country_code = compact.starts_with('+') || compact.starts_with("00");
    let Some(region) = region.filter(|_| !has_country_code) else {
        if has_country_code || compact.is_empty() || !compact.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(phone);
        }
        return invalid(
            "it has no country code; write it as +919820000001, or name its country, as in --region IN",
        );
    };
    if compact.chars().count() > PHONE_CHARACTERS || !compact.bytes().all(|byte| byte.is_ascii_digit()) {
        return invalid("it has other characters than digits; write it as +919820000001");
    }
    match phonenumber::parse(Some(region), &compact) {
        Ok(number) if number.is_valid() => Ok(number.format().mode(Mode::E164).to_string()),
        _ => invalid(&format!(
            "there is no such number in {}; write it as it is dialled there, or with its country code, as \
             +919820000001",
            region.as_ref()
        )),
    }
}

/// The text of a JSON object, with the values as they were written so that no number loses a digit.
fn properties(given: &[String]) -> Result<Option<String>, Failure> {
    let invalid = |reason: String| Failure::invalid(Some("properties"), &reason);
    let mut properties = BTreeMap::new();
    for property in given {
        let (name, value) = property
            .split_once('=')
            .map(|(name, value)| (name.trim(), value))
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| invalid(format!("{property:?} is not NAME=VALUE, such as plan=pro")))?;
        let value = value_of(value).map_err(|error| invalid(format!("{name}: {error}")))?;
        if properties.insert(name, value).is_some() {
            return Err(invalid(format!("{name} is given twice")));
        }
    }
    if properties.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&properties).map(Some).map_err(|error| invalid(error.to_string()))
}

/// JSON as it is, anything else as a string. The word `null` is a string: this command clears nothing.
fn value_of(text: &str) -> serde_json::Result<Box<RawValue>> {
    match serde_json::from_str::<Box<RawValue>>(text) {
        Ok(value) if value.get() != "null" => Ok(value),
        _ => serde_json::value::to_raw_value(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_numbers_get_their_country_code() {
        for (number, region, expected) in [
            ("98200 00001", country::Id::IN, "+919820000001"),
            ("098200-00001", country::Id::IN, "+919820000001"),
            ("(020) 7946 0018", country::Id::GB, "+442079460018"),
            ("415 555 2671", country::Id::US, "+14155552671"),
            ("06 12 34 56 78", country::Id::FR, "+33612345678"),
            ("030 123456", country::Id::DE, "+4930123456"),
        ] {
            assert_eq!(international(number, Some(region)).unwrap(), expected, "{number}");
        }
    }

    #[test]
    fn numbers_with_a_country_code_are_left_to_the_connector() {
        for number in ["+91 98200 00001", "0091 98200 00001", "(+91) 98200", "+1", "what"] {
            assert_eq!(international(number, None).unwrap(), number);
        }
        assert_eq!(international("\u{202a}+91 98200 00001\u{202c}", None).unwrap(), "+91 98200 00001");
        assert_eq!(international("\u{ff0b}91 98200 00001", None).unwrap(), "+91 98200 00001");
        assert_eq!(international("+44 20 7946 0018", Some(country::Id::IN)).unwrap(), "+44 20 7946 0018");
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        for (number, region) in [
            ("98200 00001", None),
            ("12", Some(country::Id::IN)),
            ("98200 00001 ext. 5", Some(country::Id::IN)),
            ("९८२००००००१", Some(country::Id::IN)),
            ("", Some(country::Id::IN)),
            ("9".repeat(5_000).as_str(), Some(country::Id::IN)),
        ] {
            assert!(international(number, region).is_err(), "{number:?}");
        }
    }

    #[test]
    fn properties_keep_what_was_written() {
        let of =
            |given: &[&str]| properties(&given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]).unwrap(), None);
        let given =
            ["plan=pro", "visits=3", "price=1.10", "big=12345678901234567890123", "vip=true", "a=[1, 2]"];
        assert_eq!(
            of(&given).unwrap().unwrap(),
            r#"{"a":[1, 2],"big":12345678901234567890123,"plan":"pro","price":1.10,"vip":true,"visits":3}"#
        );
        let texts = ["zip=01234", "code=\"007\"", "none=null", "empty=", "url=https://example.com/?a=b"];
        assert_eq!(
            of(&texts).unwrap().unwrap(),
            r#"{"code":"007","empty":"","none":"null","url":"https://example.com/?a=b","zip":"01234"}"#
        );
        for wrong in [["plan"].as_slice(), &["=pro"], &["plan=a", "plan=b"]] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
