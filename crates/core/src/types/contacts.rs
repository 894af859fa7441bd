//! The results of `contacts`.

use crate::Profile;
use alloc::{string::String, vec::Vec};
use serde::Serialize;

/// The result of [`create`](crate::contacts::create).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Creation {
    /// The profile is new.
    Created(Profile),
    /// A profile with one of the identifiers exists already: its id.
    Existing(String),
}

/// The result of [`upsert`](crate::contacts::upsert).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Upserted {
    /// The profile as it is now.
    pub profile: Profile,
    /// Whether it is new.
    pub created: bool,
}

/// The result of [`opt_in`](crate::contacts::opt_in).
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
    /// The values that were not taken as given, one sentence each.
    pub warnings: Vec<String>,
}
