//! The attributes of a profile that are written, and its changes.

use crate::decimal::decimal;
use crate::members::has_members;
use crate::{Identifier, Profile};
use alloc::{borrow::Cow, borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The value of an attribute.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A value as the caller wrote it, so that no number loses a digit.
    Json(&'a RawValue),
    /// An object.
    Object(Attributes<'a>),
    /// An object whose members the caller has named.
    Members(BTreeMap<String, &'a RawValue>),
    /// Clears the attribute.
    Null,
}

/// Checked attributes, by Klaviyo's names and in its order. What is not there stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'a>(Vec<(&'static str, Value<'a>)>);

impl<'a> Attributes<'a> {
    /// Adds an attribute that is given.
    pub(crate) fn text(&mut self, name: &'static str, text: Option<impl Into<Cow<'a, str>>>) {
        if let Some(text) = text {
            self.0.push((name, Value::Text(text.into())));
        }
    }

    /// Adds an attribute.
    pub(crate) fn add(&mut self, name: &'static str, value: Value<'a>) {
        self.0.push((name, value));
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| *own == name)
    }

    /// The attributes one by one.
    pub(crate) fn into_fields(self) -> Vec<(&'static str, Value<'a>)> {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attribute with a name, if it is given and a text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == name).and_then(|(_, value)| match value {
            Value::Text(text) => Some(text.as_ref()),
            _ => None,
        })
    }

    /// The identifier that the profile is looked up by: the first one.
    pub(crate) fn identifier(&self) -> Option<Identifier> {
        let given = |name| self.get(name).map(ToOwned::to_owned);
        let phone_number = || given("phone_number").map(Identifier::PhoneNumber);
        let external_id = || given("external_id").map(Identifier::ExternalId);
        given("email").map(Identifier::Email).or_else(phone_number).or_else(external_id)
    }

    /// The names, as in the contract, of the fields that differ from those of a profile that was found by the
    /// first identifier.
    pub(crate) fn differing(&self, profile: &Profile) -> String {
        let found_by = self.identifier().map(|identifier| identifier.field().0);
        let mut names = String::new();
        for (name, value) in &self.0 {
            if Some(*name) != found_by && !is_of(profile, name, value) {
                if !names.is_empty() {
                    names.push_str(", ");
                }
                names.push_str(&name.replace('_', "-"));
            }
        }
        names
    }

    /// Whether there is more than one identifier.
    pub(crate) fn is_more_than_identifier(&self) -> bool {
        self.0.len() > 1
    }
}

/// Whether a profile has an attribute with this value.
fn is_of(profile: &Profile, name: &str, value: &Value<'_>) -> bool {
    match value {
        Value::Json(properties) => has_members(&profile.properties, properties.get()),
        Value::Object(location) => {
            let own = profile.location.as_ref().map(crate::Location::fields);
            let own =
                |name: &str| own.iter().flatten().find(|(own, _)| *own == name).and_then(|(_, own)| *own);
            location.0.iter().all(|(name, _)| {
                let (given, own) = (location.get(name), own(name));
                given == own
                    || given.and_then(decimal).is_some_and(|given| own.and_then(decimal) == Some(given))
            })
        }
        Value::Text(text) => {
            let own = match name {
                // No email: it is the first identifier, by which the profile was found.
                "phone_number" => &profile.phone_number,
                "external_id" => &profile.external_id,
                "first_name" => &profile.first_name,
                "last_name" => &profile.last_name,
                "organization" => &profile.organization,
                "title" => &profile.title,
                "locale" => &profile.locale,
                "image" => &profile.image,
                _ => return false,
            };
            own.as_deref() == Some(text.as_ref())
        }
        // Of changes only, which are not compared.
        Value::Members(_) | Value::Null => false,
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Json(json) => json.serialize(serializer),
            Self::Object(attributes) => attributes.serialize(serializer),
            Self::Members(members) => members.serialize(serializer),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

/// Changes of a profile, as Klaviyo takes them.
#[derive(Debug, Default)]
pub(crate) struct Patch<'a> {
    pub(crate) attributes: Attributes<'a>,
    /// Values to add to custom properties that are lists.
    pub(crate) append: BTreeMap<String, &'a RawValue>,
    /// Values to take out of them.
    pub(crate) unappend: BTreeMap<String, &'a RawValue>,
    /// Custom properties to remove.
    pub(crate) unset: Vec<&'a str>,
}

impl Patch<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.has_no_meta()
    }

    fn has_no_meta(&self) -> bool {
        self.append.is_empty() && self.unappend.is_empty() && self.unset.is_empty()
    }

    /// The resource that changes the profile with an id.
    pub(crate) fn of<'p>(&'p self, id: &'p str) -> impl Serialize + 'p {
        #[derive(Serialize)]
        struct Resource<'p> {
            #[serde(rename = "type")]
            kind: &'static str,
            id: &'p str,
            attributes: &'p Attributes<'p>,
            #[serde(skip_serializing_if = "Option::is_none")]
            meta: Option<Meta<'p>>,
        }
        #[derive(Serialize)]
        struct Meta<'p> {
            patch_properties: Properties<'p>,
        }
        #[derive(Serialize)]
        struct Properties<'p> {
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            append: &'p BTreeMap<String, &'p RawValue>,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            unappend: &'p BTreeMap<String, &'p RawValue>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            unset: &'p [&'p str],
        }
        let Self { attributes, append, unappend, unset } = self;
        let meta = (!self.has_no_meta())
            .then_some(Meta { patch_properties: Properties { append, unappend, unset } });
        Resource { kind: "profile", id, attributes, meta }
    }
}
