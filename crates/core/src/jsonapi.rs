//! The JSON:API documents that Klaviyo reads and writes.
//!
//! Reading is lenient about what is extra, missing or null, and strict about the type of what is used.

use crate::json::Json;
use crate::{Audience, Detail, Identifier, Profile};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::Serialize;
use serde_json::value::RawValue;

// What is written. The members are in the order of Klaviyo's own examples.

/// A body: everything is under `data`.
#[derive(Serialize)]
pub(crate) struct Body<T> {
    pub(crate) data: T,
}

/// A resource to create.
#[derive(Serialize)]
pub(crate) struct NewResource<T> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) attributes: T,
}

/// A resource named by its id.
#[derive(Serialize)]
pub(crate) struct ResourceId<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) id: &'a str,
}

/// The attributes of a profile, checked. What is absent is not written: a null would clear it.
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
    /// What the profile is looked up by: the first identifier that is given.
    pub(crate) fn identifier(&self) -> Option<Identifier> {
        let email = self.email.clone().map(Identifier::Email);
        let phone_number = || self.phone_number.clone().map(Identifier::PhoneNumber);
        let external_id = || self.external_id.clone().map(Identifier::ExternalId);
        email.or_else(phone_number).or_else(external_id)
    }

    /// The fields that are given and that a profile, found by the first identifier, has otherwise; by the
    /// contract's names.
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
        if self.email.is_some() {
            compare("phone-number", self.phone_number.as_deref(), profile.phone_number.as_deref());
        }
        if self.email.is_some() || self.phone_number.is_some() {
            compare("external-id", self.external_id.as_deref(), profile.external_id.as_deref());
        }
        compare("first-name", self.first_name, profile.first_name.as_deref());
        compare("last-name", self.last_name, profile.last_name.as_deref());
        compare("properties", self.properties.map(RawValue::get), Some(&profile.properties));
        names
    }

    /// Whether anything but one identifier is given.
    pub(crate) fn is_more_than_identifier(&self) -> bool {
        let identifiers = [&self.email, &self.phone_number, &self.external_id];
        identifiers.into_iter().flatten().count() > 1
            || self.first_name.or(self.last_name).is_some()
            || self.properties.is_some()
    }
}

// What is read.

/// A profile resource. Ids are never empty: an empty one would name another resource in a path.
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

/// A list resource.
pub(crate) fn list(resource: &Json<'_>) -> Result<Audience, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [name, created, updated, opt_in] =
        attributes.strings(["name", "created", "updated", "opt_in_process"])?;
    // A list without a name is odd, but no reason to withhold the others.
    let name = name.unwrap_or_default();
    Ok(Audience { id, name, created, updated, opt_in })
}

/// One entry of an error document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorObject {
    pub(crate) id: Option<String>,
    pub(crate) detail: Detail,
    pub(crate) duplicate: Option<String>,
}

/// More entries than anybody reads.
const ERRORS: usize = 100;

/// The first entries of an error document. Whatever cannot be read is absent: a member of an unexpected type
/// must not hide the others.
pub(crate) fn errors(body: &[u8]) -> Vec<ErrorObject> {
    let mut entries = Vec::new();
    let read = |document: Json<'_>| {
        let [errors] = document.members(["errors"])?;
        errors.each(|object| {
            if entries.len() < ERRORS {
                entries.push(error_object(object));
            }
            Ok(())
        })
    };
    // What was read before a failure is kept.
    let _ = Json::parse(body).and_then(read);
    entries
}

fn error_object(object: &Json<'_>) -> ErrorObject {
    let [id, code, title, detail] = object.strings_if_any(["id", "code", "title", "detail"]);
    let mut error = ErrorObject { id, ..ErrorObject::default() };
    error.detail.code = code.unwrap_or_default();
    error.detail.title = title.unwrap_or_default();
    error.detail.detail = detail.unwrap_or_default();
    if let Ok([source, meta]) = object.members(["source", "meta"]) {
        let [pointer, parameter] = source.strings_if_any(["pointer", "parameter"]);
        error.detail.pointer = pointer.or(parameter);
        let [duplicate] = meta.strings_if_any(["duplicate_profile_id"]);
        error.duplicate = duplicate.filter(|id| !id.is_empty());
    }
    error
}
