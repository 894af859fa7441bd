//! The JSON:API documents that Klaviyo reads and writes.
//!
//! Reading is lenient about what is extra, missing, null or an empty array where an object is meant, and
//! strict about the members that are used: a wrong type is an error that says where it stands.

use crate::{Audience, Detail, Profile};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

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

// What is read.

/// A document with one resource, or with none where `data` is null.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct One<T> {
    // Without this, a missing `data` would read as none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) data: Option<T>,
}

/// A document with one page of resources.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct Many<T> {
    pub(crate) data: Vec<T>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) links: Links,
}

/// Only `next` is followed: `prev` can be junk on the first page.
#[derive(Default, Deserialize)]
pub(crate) struct Links {
    #[serde(default)]
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ProfileResource<'a> {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(default, borrow, deserialize_with = "object")]
    attributes: ProfileAttributes<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProfileAttributes<'a> {
    email: Option<String>,
    phone_number: Option<String>,
    external_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    created: Option<String>,
    updated: Option<String>,
    #[serde(borrow, deserialize_with = "json_object")]
    properties: Option<&'a RawValue>,
}

impl ProfileResource<'_> {
    pub(crate) fn into_profile(self, warnings: Vec<String>) -> Profile {
        let attributes = self.attributes;
        Profile {
            id: self.id,
            email: attributes.email,
            phone_number: attributes.phone_number,
            external_id: attributes.external_id,
            first_name: attributes.first_name,
            last_name: attributes.last_name,
            created: attributes.created,
            updated: attributes.updated,
            properties: attributes.properties.map_or("{}", RawValue::get).to_owned(),
            warnings,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct ListResource {
    #[serde(deserialize_with = "id")]
    id: String,
    attributes: ListAttributes,
}

#[derive(Deserialize)]
struct ListAttributes {
    name: String,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    updated: Option<String>,
    #[serde(default)]
    opt_in_process: Option<String>,
}

impl From<ListResource> for Audience {
    fn from(list: ListResource) -> Self {
        Self {
            id: list.id,
            name: list.attributes.name,
            created: list.attributes.created,
            updated: list.attributes.updated,
            opt_in: list.attributes.opt_in_process,
        }
    }
}

/// Klaviyo's error document. A member of an unexpected type must not hide the others, so each is read on
/// its own and is empty where it cannot be read.
#[derive(Default, Deserialize)]
pub(crate) struct Errors {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) errors: Vec<ErrorObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorObject {
    #[serde(deserialize_with = "or_default")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    code: String,
    #[serde(deserialize_with = "or_default")]
    title: String,
    #[serde(deserialize_with = "or_default")]
    detail: String,
    #[serde(deserialize_with = "or_default")]
    source: ErrorSource,
    #[serde(deserialize_with = "or_default")]
    pub(crate) meta: ErrorMeta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorSource {
    #[serde(deserialize_with = "or_default")]
    pointer: Option<String>,
    #[serde(deserialize_with = "or_default")]
    parameter: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorMeta {
    #[serde(deserialize_with = "or_default")]
    pub(crate) duplicate_profile_id: Option<String>,
}

impl From<ErrorObject> for Detail {
    fn from(error: ErrorObject) -> Self {
        Self {
            code: error.code,
            title: error.title,
            detail: error.detail,
            pointer: error.source.pointer.or(error.source.parameter),
        }
    }
}

// How members are read.

/// An id is never empty: an empty one would name another resource when it is put into a path.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.is_empty() {
        return Err(D::Error::custom("an empty id"));
    }
    Ok(id)
}

/// The text of a JSON object; null and `[]` stand for none.
fn json_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    let is = |open: char, close: char| {
        let inner = value.get().strip_prefix(open).and_then(|v| v.strip_suffix(close));
        inner.map(|inner| inner.trim().is_empty())
    };
    match (is('{', '}'), is('[', ']')) {
        (Some(_), _) => Ok(Some(value)),
        (_, Some(true)) => Ok(None),
        _ if value.get() == "null" => Ok(None),
        _ => Err(D::Error::custom("`properties` is not an object")),
    }
}

/// Whatever can be read as `T`, else the default.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let value = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).unwrap_or_default())
}

/// An object; null and `[]` stand for an empty one, as Klaviyo writes it at times.
fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<T, E> {
            Ok(T::default())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
            match seq.next_element::<IgnoredAny>()? {
                None => Ok(T::default()),
                Some(_) => Err(A::Error::custom("an array, expected an object")),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}
