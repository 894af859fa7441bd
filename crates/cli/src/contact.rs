//! The options that say who somebody is, read as the contract's identifier and new profile.

use crate::failure::Failure;
use clap::{ArgGroup, Args};
use klaviyo_core::intake::{address, names};
use klaviyo_host::types::{Identifier, NewProfile};
use klaviyo_sync::phone::international;
use phonenumber::country;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

// Flattened structs have no documentation: clap would take it for that of the command.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("identifier").required(true).args(["email", "phone", "external_id", "id"]))]
pub(crate) struct Who {
    /// An email address, also as in 'Priya <priya@example.com>'
    #[arg(long)]
    email: Option<String>,
    /// A phone number, with its country code or as it is dialled in --region
    #[arg(long)]
    phone: Option<String>,
    /// Your own id for the person
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Klaviyo's id of the profile
    #[arg(long)]
    id: Option<String>,
    /// The country of a phone number without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region, requires = "phone")]
    region: Option<country::Id>,
}

#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("identifiers").required(true).multiple(true).args(["email", "phone", "external_id"]))]
#[command(next_help_heading = "The contact")]
pub(crate) struct Contact {
    /// The email address, also as in 'Priya <priya@example.com>'
    #[arg(long)]
    email: Option<String>,
    /// The phone number, with its country code or as it is dialled in --region
    #[arg(long)]
    phone: Option<String>,
    /// The country of a phone number without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region, requires = "phone")]
    region: Option<country::Id>,
    /// Your own id for the person
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// The whole name: its first word is the first name, the rest the last name
    #[arg(long, conflicts_with_all = ["first_name", "last_name"])]
    name: Option<String>,
    /// The first name
    #[arg(long, value_name = "NAME")]
    first_name: Option<String>,
    /// The last name
    #[arg(long, value_name = "NAME")]
    last_name: Option<String>,
    /// A custom property; may be repeated. A value that is a JSON number, boolean, string, array or object is sent as
    /// that, any other value as text: plan=pro, visits=3, code='"007"'
    #[arg(long = "property", value_name = "NAME=VALUE")]
    properties: Vec<String>,
}

/// Reads a country, for options that name one.
pub(crate) fn region(text: &str) -> Result<country::Id, String> {
    text.to_ascii_uppercase()
        .parse()
        .map_err(|_| "write a country as its two letters, such as IN, GB or US".to_owned())
}

impl Who {
    /// The contract's identifier.
    pub(crate) fn identifier(&self) -> Result<Identifier, Failure> {
        match (&self.email, &self.phone, &self.external_id, &self.id) {
            (Some(email), ..) => Ok(Identifier::Email(address(email).to_owned())),
            (_, Some(phone), ..) => Ok(Identifier::PhoneNumber(number(phone, self.region)?)),
            (_, _, Some(id), _) => Ok(Identifier::ExternalId(id.clone())),
            (.., Some(id)) => Ok(Identifier::Id(id.clone())),
            _ => Err(Failure::invalid(None, "give one of --email, --phone, --external-id and --id")),
        }
    }
}

impl Contact {
    /// The contract's new profile.
    pub(crate) fn new_profile(&self) -> Result<NewProfile, Failure> {
        let (first_name, last_name) = match &self.name {
            Some(name) => match names(name) {
                (None, _) => {
                    return Err(Failure::invalid(Some("first-name"), "--name is empty; leave it out"));
                }
                names => names,
            },
            None => (self.first_name.clone(), self.last_name.clone()),
        };
        Ok(NewProfile {
            email: self.email.as_deref().map(address).map(str::to_owned),
            phone_number: self.phone.as_deref().map(|phone| number(phone, self.region)).transpose()?,
            external_id: self.external_id.clone(),
            first_name,
            last_name,
            properties: properties(&self.properties)?,
            ..NewProfile::default()
        })
    }
}

fn number(phone: &str, region: Option<country::Id>) -> Result<String, Failure> {
    international(phone, region).map_err(|error| {
        let reason = error.details.into_iter().next().map_or(error.message, |detail| detail.detail);
        Failure::invalid(Some("phone-number"), &reason)
    })
}

/// The properties as the text of a JSON object. The values stay as they were written, so that no number loses a digit.
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

/// A value of JSON stays as it is; any other text becomes a string. So does the word `null`: no command clears a property.
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
