//! The values of the contract, as `wit/types.wit` documents them.
//!
//! Their serde form is the contract's JSON: records with kebab-case names, variants as `{"case": payload}`,
//! options as the value or null.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A person as Klaviyo knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was last updated, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// The custom properties: the text of a JSON object.
    pub properties: String,
    /// What Klaviyo accepted only in part, one sentence each.
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
    /// Custom properties: the text of a JSON object.
    pub properties: Option<String>,
}

/// What a profile is looked up by.
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

/// What [`create`](crate::contacts::create) did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Creation {
    /// The profile is new.
    Created(Profile),
    /// A profile with one of the identifiers exists already: its id.
    Existing(String),
}

/// What [`upsert`](crate::contacts::upsert) did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Upserted {
    /// The profile as it is now.
    pub profile: Profile,
    /// Whether it is new.
    pub created: bool,
}

/// What [`opt_in`](crate::contacts::opt_in) did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Receipt {
    /// The profile that is on the list now.
    pub profile_id: String,
    /// The first name that Klaviyo has, else the one that was given.
    pub profile_name: Option<String>,
    /// The list.
    pub list_id: String,
    /// Whether this call created the profile.
    pub created: bool,
    /// What was not taken as given, one sentence each.
    pub warnings: Vec<String>,
}

/// A list that profiles can be members of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Audience {
    /// Klaviyo's id.
    pub id: String,
    /// The name, which can change.
    pub name: String,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was last updated, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// `single_opt_in` or `double_opt_in`, as Klaviyo wrote it.
    pub opt_in: Option<String>,
}
