//! Profiles.

use crate::json::Json;
use crate::{Identifier, Profile};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::Serialize;
use serde_json::value::RawValue;

/// The checked attributes of a profile. Absent ones are not written, because a null clears a value.
#[derive(Debug, Serialize)]
pub(crate) struct Attributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<&'a RawValue>,
}

impl Attributes<'_> {
    /// The identifier that the profile is looked up by: the first one.
    pub(crate) fn identifier(&self) -> Option<Identifier> {
        let email = self.email.clone().map(Identifier::Email);
        let phone_number = || self.phone_number.clone().map(Identifier::PhoneNumber);
        let external_id = || self.external_id.clone().map(Identifier::ExternalId);
        email.or_else(phone_number).or_else(external_id)
    }

    /// The names, as in the contract, of the fields that differ from those of a profile that was found by the
    /// first identifier.
    pub(crate) fn differing(&self, profile: &Profile) -> String {
        let mut names = String::new();
        let mut compare = |name: &str, given: Option<&str>, own: Option<&str>| {
            if given.is_some() && given != own {
                if !names.is_empty() {
                    names.push_str(", ");
                }
                names.push_str(name);
            }
        };
        // Named one by one, here and below, so that a new field cannot be forgotten.
        let Self { email, first_name, last_name, phone_number, external_id, properties } = self;
        if email.is_some() {
            compare("phone-number", phone_number.as_deref(), profile.phone_number.as_deref());
        }
        if email.is_some() || phone_number.is_some() {
            compare("external-id", external_id.as_deref(), profile.external_id.as_deref());
        }
        compare("first-name", *first_name, profile.first_name.as_deref());
        compare("last-name", *last_name, profile.last_name.as_deref());
        compare("properties", properties.map(RawValue::get), Some(&profile.properties));
        names
    }

    /// Whether there is more than one identifier.
    pub(crate) fn is_more_than_identifier(&self) -> bool {
        let Self { email, first_name, last_name, phone_number, external_id, properties } = self;
        [email, phone_number, external_id].into_iter().flatten().count() > 1
            || [first_name, last_name].into_iter().any(Option::is_some)
            || properties.is_some()
    }
}

/// A profile resource. An empty id is an error: in a path it would name another resource.
pub(crate) fn profile(resource: &Json<'_>) -> Result<Profile, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [properties] = attributes.members(["properties"])?;
    let properties = properties.object_text()?.unwrap_or("{}").to_owned();
    let [email, phone_number, external_id, first_name, last_name, created, updated] = attributes
        .strings(["email", "phone_number", "external_id", "first_name", "last_name", "created", "updated"])?;
    let warnings = Vec::new();
    Ok(Profile {
        id,
        email,
        phone_number,
        external_id,
        first_name,
        last_name,
        created,
        updated,
        properties,
        warnings,
    })
}
