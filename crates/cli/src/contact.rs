//! The options that say who somebody is, read as the contract's identifier and new profile.

use crate::failure::Failure;
use clap::{ArgGroup, Args};
use klaviyo_core::intake::{address, names};
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, Identifier, Location, NewProfile};
use klaviyo_sync::phone::international;
use phonenumber::country;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::str::FromStr;

// Flattened structs have no documentation: clap would take it for that of the command.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("identifier").required(true).args(["email", "phone", "external_id", "id"]))]
#[command(group = ArgGroup::new("dialled").multiple(true).args(["phone"]))]
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
    #[arg(long, value_name = "COUNTRY", value_parser = region, requires = "dialled")]
    pub(crate) region: Option<country::Id>,
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
    /// The company, or the part of it that the person works for
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// The job title
    #[arg(long)]
    title: Option<String>,
    /// The language, such as en-IN
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    /// The URL of a picture
    #[arg(long, value_name = "URL")]
    image: Option<String>,
    /// A part of the location; may be repeated: address1, address2, city, region, country, zip, latitude, longitude,
    /// timezone or ip, as in city=Pune
    #[arg(long = "location", value_name = "PART=VALUE")]
    location: Vec<String>,
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
            organization: self.organization.clone(),
            title: self.title.clone(),
            locale: self.locale.clone(),
            image: self.image.clone(),
            location: location(&self.location)?,
            properties: properties(&self.properties)?,
        })
    }
}

/// A person in one word, for commands that name several: an email address, a phone number behind `+`, your own id behind
/// `external-id:`, or else Klaviyo's id.
#[derive(Clone, Debug)]
pub(crate) struct Person(pub(crate) Identifier);

impl FromStr for Person {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(if let Some(id) = text.strip_prefix("external-id:") {
            Identifier::ExternalId(id.to_owned())
        } else if text.contains('@') {
            Identifier::Email(address(text).to_owned())
        } else if text.starts_with('+') {
            Identifier::PhoneNumber(text.to_owned())
        } else if text.is_empty() {
            return Err("write an email address, a phone number, an id, or external-id:ID".to_owned());
        } else {
            Identifier::Id(text.to_owned())
        }))
    }
}

/// The name of an identifier's kind in the contract, and its value.
pub(crate) fn parts(by: &Identifier) -> (&'static str, &str) {
    match by {
        Identifier::Email(email) => ("email", email),
        Identifier::PhoneNumber(number) => ("phone-number", number),
        Identifier::ExternalId(id) => ("external-id", id),
        Identifier::Id(id) => ("id", id),
    }
}

/// An identifier as the contract's JSON.
pub(crate) fn identifier_json(by: &Identifier) -> Value {
    let (kind, value) = parts(by);
    json!({ kind: value })
}

/// The sentence that nobody has an identifier.
pub(crate) fn nobody(by: &Identifier) -> String {
    let (kind, value) = parts(by);
    format!("no profile has the {kind} {value}")
}

/// The id of the profile with an identifier. An id is not looked up: the call that it is for says whether it is one.
pub(crate) async fn id_of(tenant: &Tenant, by: &Identifier) -> Result<String, Failure> {
    if let Identifier::Id(id) = by {
        return Ok(id.clone());
    }
    let found = tenant.lookup(by).await?.value;
    found
        .map(|profile| profile.id)
        .ok_or_else(|| Failure::new(Code::NotFound, format!("{} (nothing was changed)", nobody(by))))
}

pub(crate) fn number(phone: &str, region: Option<country::Id>) -> Result<String, Failure> {
    international(phone, region).map_err(|error| {
        let reason = error.details.into_iter().next().map_or(error.message, |detail| detail.detail);
        Failure::invalid(Some("phone-number"), &reason)
    })
}

/// The parts of a location; none without a part.
fn location(given: &[String]) -> Result<Option<Location>, Failure> {
    let mut location = Location::default();
    for part in given {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let place = match name {
            "address1" => &mut location.address1,
            "address2" => &mut location.address2,
            "city" => &mut location.city,
            "region" => &mut location.region,
            "country" => &mut location.country,
            "zip" => &mut location.zip,
            "latitude" => &mut location.latitude,
            "longitude" => &mut location.longitude,
            "timezone" => &mut location.timezone,
            "ip" => &mut location.ip,
            _ => {
                return Err(Failure::invalid(
                    Some("location"),
                    &format!("{part:?} is not PART=VALUE, such as city=Pune"),
                ));
            }
        };
        if place.replace(value.to_owned()).is_some() {
            return Err(Failure::invalid(Some("location"), &format!("{name} is given twice")));
        }
    }
    Ok((!given.is_empty()).then_some(location))
}

/// The properties as the text of a JSON object. The values stay as they were written, so that no number loses a digit.
pub(crate) fn properties(given: &[String]) -> Result<Option<String>, Failure> {
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
pub(crate) fn value_of(text: &str) -> serde_json::Result<Box<RawValue>> {
    match serde_json::from_str::<Box<RawValue>>(text) {
        Ok(value) if value.get() != "null" => Ok(value),
        _ => serde_json::value::to_raw_value(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_by_the_form_of_a_word() {
        let kind = |text: &str| text.parse::<Person>().map(|person| parts(&person.0).0);
        assert_eq!(kind("priya@example.com"), Ok("email"));
        assert_eq!(kind("+919820000001"), Ok("phone-number"));
        assert_eq!(kind("external-id:a@b"), Ok("external-id"));
        assert_eq!(kind("01GMTZY2TEKN4KFRP30JZ59KGB"), Ok("id"));
        assert!(kind("").is_err());
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
