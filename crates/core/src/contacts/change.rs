//! Changes of profiles that exist.

use crate::check;
use crate::jsonapi::{Attributes, Patch, Value};
use crate::members::members;
use crate::operation::profiles::{merge_profiles, update_profile};
use crate::{Change, Error, Http, Location, NewProfile, Profile};
use alloc::{borrow::ToOwned, boxed::Box, collections::BTreeMap, format, string::String};
use serde_json::value::RawValue;

/// Changes the profile with an id, and returns it as it is then.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, and the errors of Klaviyo and of the
/// transport.
pub fn update(http: &mut dyn Http, id: &str, changes: &[Change]) -> Result<Profile, Box<Error>> {
    let id = check::path_segment("id", id)?;
    let mut patch = Collected::default();
    for (position, change) in changes.iter().enumerate() {
        patch.add(change).map_err(|error| error.at(&format!("changes/{position}")))?;
    }
    let patch = patch.finished();
    if patch.is_empty() {
        return Err(Error::invalid("changes", "there is no change"));
    }
    update_profile(id, &patch)?.send(http)
}

/// Merges a profile into another one. Klaviyo does it later.
///
/// # Errors
/// As [`update`].
pub fn merge(http: &mut dyn Http, into: &str, from: &str) -> Result<(), Box<Error>> {
    let into = check::path_segment("into", into)?;
    let from = check::path_segment("from", from)?;
    if into == from {
        return Err(Error::invalid("from", "it is the profile that it is to be merged into"));
    }
    merge_profiles(into, from)?.send(http)
}

/// Changes that are about different fields.
#[derive(Default)]
struct Collected<'a> {
    patch: Patch<'a>,
    location: Attributes<'a>,
    properties: BTreeMap<String, &'a RawValue>,
    /// The custom properties that a change is about, each once.
    changed: BTreeMap<String, usize>,
}

impl<'a> Collected<'a> {
    fn add(&mut self, change: &'a Change) -> Result<(), Box<Error>> {
        match change {
            Change::Set(profile) => self.set(profile),
            Change::Clear(field) => self.clear(field),
            Change::Append(properties) => {
                let own = self.each_property(properties)?;
                self.patch.append.extend(own);
                Ok(())
            }
            Change::Unappend(properties) => {
                let own = self.each_property(properties)?;
                self.patch.unappend.extend(own);
                Ok(())
            }
            Change::Unset(name) => {
                if name.is_empty() {
                    return Err(Error::invalid("properties", "the name of the property is empty"));
                }
                self.property(name)?;
                self.patch.unset.push(name);
                Ok(())
            }
        }
    }

    fn set(&mut self, profile: &'a NewProfile) -> Result<(), Box<Error>> {
        for (name, value) in check::fields(profile)?.into_fields() {
            match value {
                Value::Object(location) => {
                    for (name, value) in location.into_fields() {
                        change(&mut self.location, &format!("location/{name}"), name, value)?;
                    }
                }
                Value::Json(properties) => {
                    for (name, value) in members(properties.get()).unwrap_or_default() {
                        self.property(&name)?;
                        self.properties.insert(name, value);
                    }
                }
                value => change(&mut self.patch.attributes, &name.replace('_', "-"), name, value)?,
            }
        }
        Ok(())
    }

    fn clear(&mut self, field: &str) -> Result<(), Box<Error>> {
        /// Klaviyo's names of the fields that can be cleared.
        const FIELDS: [&str; 9] = [
            "email",
            "phone_number",
            "external_id",
            "first_name",
            "last_name",
            "organization",
            "title",
            "locale",
            "image",
        ];
        let is_called = |name: &str| name.replace('_', "-") == field;
        if let Some(name) = FIELDS.into_iter().find(|name| is_called(name)) {
            return change(&mut self.patch.attributes, field, name, Value::Null);
        }
        let part = field.strip_prefix("location.");
        let is_part = |name: &str| field == "location" || part == Some(name);
        let mut is_known = false;
        for (name, _) in Location::default().fields().into_iter().filter(|(name, _)| is_part(name)) {
            is_known = true;
            change(&mut self.location, &format!("location/{name}"), name, Value::Null)?;
        }
        if is_known {
            return Ok(());
        }
        let reason = match field {
            "properties" => "custom properties are removed one by one, with unset",
            _ => {
                "there is no such field; there are email, phone-number, external-id, first-name, last-name, organization, \
                 title, locale, image, location, and those of the location, such as location.city"
            }
        };
        Err(Error::invalid("clear", reason))
    }

    /// The custom properties of an object, each of which has one change now.
    fn each_property(&mut self, text: &'a str) -> Result<BTreeMap<String, &'a RawValue>, Box<Error>> {
        let properties = members(check::properties(text)?.get()).unwrap_or_default();
        if properties.is_empty() {
            return Err(Error::invalid("properties", "it names no property"));
        }
        properties.keys().try_for_each(|name| self.property(name))?;
        Ok(properties)
    }

    fn property(&mut self, name: &str) -> Result<(), Box<Error>> {
        if self.changed.insert(name.to_owned(), 1).is_some() { Err(twice("properties")) } else { Ok(()) }
    }

    fn finished(mut self) -> Patch<'a> {
        if !self.location.is_empty() {
            self.patch.attributes.add("location", Value::Object(self.location));
        }
        if !self.properties.is_empty() {
            self.patch.attributes.add("properties", Value::Members(self.properties));
        }
        self.patch
    }
}

/// Adds an attribute that no other change is about.
fn change<'a>(
    attributes: &mut Attributes<'a>,
    field: &str,
    name: &'static str,
    value: Value<'a>,
) -> Result<(), Box<Error>> {
    if attributes.has(name) {
        return Err(twice(field));
    }
    attributes.add(name, value);
    Ok(())
}

fn twice(field: &str) -> Box<Error> {
    Error::invalid(field, "another change is about the same field; make one change of the two")
}
