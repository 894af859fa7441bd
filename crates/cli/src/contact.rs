//! From what is typed to the contract's `new-profile` and `identifier`.

use crate::args::{Contact, Who};
use crate::failure::Failure;
use klaviyo_core::intake::{address, names};
use klaviyo_sync::phone::international;
use phonenumber::country;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
        "email": contact.email.as_deref().map(address),
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
        (Some(email), ..) => Ok(json!({ "email": address(email) })),
        (_, Some(phone), ..) => Ok(json!({ "phone-number": number(phone, who.region)? })),
        (_, _, Some(id), _) => Ok(json!({ "external-id": id })),
        (.., Some(id)) => Ok(json!({ "id": id })),
        _ => Err(Failure::invalid(None, "give one of --email, --phone, --external-id and --id")),
    }
}

fn number(phone: &str, region: Option<country::Id>) -> Result<String, Failure> {
    international(phone, region).map_err(|error| {
        let reason = error.details.into_iter().next().map_or(error.message, |detail| detail.detail);
        Failure::invalid(Some("phone-number"), &reason)
    })
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
