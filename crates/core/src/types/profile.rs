//! People, as the interface `types` has them.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A postal address, and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Location {
    /// Street and number.
    pub address1: Option<String>,
    /// Flat, floor, building.
    pub address2: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// State, province or region.
    pub region: Option<String>,
    /// The country.
    pub country: Option<String>,
    /// The postal code.
    pub zip: Option<String>,
    /// Degrees as a decimal number.
    pub latitude: Option<String>,
    /// Degrees as a decimal number.
    pub longitude: Option<String>,
    /// A name of the IANA database.
    pub timezone: Option<String>,
    /// The IP address that the person was last seen at.
    pub ip: Option<String>,
}

impl Location {
    /// The fields, by the names that the contract and Klaviyo have for them.
    pub(crate) fn fields(&self) -> [(&'static str, Option<&str>); 10] {
        let Self { address1, address2, city, region, country, zip, latitude, longitude, timezone, ip } = self;
        [
            ("address1", address1.as_deref()),
            ("address2", address2.as_deref()),
            ("city", city.as_deref()),
            ("region", region.as_deref()),
            ("country", country.as_deref()),
            ("zip", zip.as_deref()),
            ("latitude", latitude.as_deref()),
            ("longitude", longitude.as_deref()),
            ("timezone", timezone.as_deref()),
            ("ip", ip.as_deref()),
        ]
    }
}

/// A person as Klaviyo knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// Klaviyo's id.
    pub id: String,
    /// The email address.
    pub email: Option<String>,
    /// The phone number, E.164.
    pub phone_number: Option<String>,
    /// The caller's own id, as it was given to Klaviyo.
    pub external_id: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The company, or the part of it, that the person works for.
    pub organization: Option<String>,
    /// The job title.
    pub title: Option<String>,
    /// The language tag.
    pub locale: Option<String>,
    /// The URL of a picture.
    pub image: Option<String>,
    /// The address; none where Klaviyo has no part of it.
    pub location: Option<Location>,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was last updated, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// The time of the newest event that changed it, as Klaviyo wrote it.
    pub last_event_date: Option<String>,
    /// The custom properties: the text of a JSON object.
    pub properties: String,
    /// The values that Klaviyo accepted only in part, one sentence each.
    pub warnings: Vec<String>,
}

/// A person to create, update or opt in. At least one of the first three fields is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewProfile {
    /// The email address.
    pub email: Option<String>,
    /// The phone number, with its country code.
    pub phone_number: Option<String>,
    /// The caller's own id for this person.
    pub external_id: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The company, or the part of it, that the person works for.
    pub organization: Option<String>,
    /// The job title.
    pub title: Option<String>,
    /// The language tag.
    pub locale: Option<String>,
    /// The URL of a picture.
    pub image: Option<String>,
    /// The address.
    pub location: Option<Location>,
    /// Custom properties: the text of a JSON object.
    pub properties: Option<String>,
}

/// An identifier of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identifier {
    /// An email address.
    Email(String),
    /// A phone number, with its country code.
    PhoneNumber(String),
    /// The caller's own id.
    ExternalId(String),
    /// Klaviyo's id.
    Id(String),
}

impl Identifier {
    /// Klaviyo's names of the fields.
    pub(crate) const FIELDS: [&str; 4] = ["email", "phone_number", "external_id", "id"];

    /// Klaviyo's name of the field, one of [`FIELDS`](Self::FIELDS), and the value.
    pub(crate) fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Email(value) => ("email", value),
            Self::PhoneNumber(value) => ("phone_number", value),
            Self::ExternalId(value) => ("external_id", value),
            Self::Id(value) => ("id", value),
        }
    }

    /// Whether a profile has this identifier. Klaviyo keeps emails in lower case.
    pub(crate) fn is_of(&self, profile: &Profile) -> bool {
        match self {
            Self::Email(email) => profile.email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email)),
            Self::PhoneNumber(number) => profile.phone_number.as_ref() == Some(number),
            Self::ExternalId(id) => profile.external_id.as_ref() == Some(id),
            Self::Id(id) => profile.id == *id,
        }
    }
}
