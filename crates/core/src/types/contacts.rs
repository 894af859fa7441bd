//! The values of `contacts`.

use crate::{Channel, Detail, Error, NewProfile, Profile};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The result of [`create`](crate::contacts::create).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Creation {
    /// The profile is new.
    Created(Box<Profile>),
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
    /// What became of the consent, for each channel of the permission.
    pub consent: Vec<Permitted>,
}

/// Consent to marketing that a person gives together with an opt-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Permission {
    /// One or more.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// The source of the consent that Klaviyo keeps.
    pub custom_source: Option<String>,
}

/// What became of the consent on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Permitted {
    /// The channel.
    pub channel: Channel,
    /// Klaviyo's reason, if it refuses.
    pub refused: Option<Detail>,
    /// Klaviyo's word for the consent right after the call.
    pub state: Option<String>,
    /// Whether Klaviyo would send marketing there right after the call.
    pub can_receive: Option<bool>,
}

/// What became of one contact of [`opt_in_many`](crate::contacts::opt_in_many).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enrollment {
    /// The contact is on the list.
    Enrolled(Receipt),
    /// The contact cannot work, or Klaviyo refuses it.
    Refused(Detail),
    /// The call was stopped before.
    Pending,
}

/// The result of [`opt_in_many`](crate::contacts::opt_in_many).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Enrollments {
    /// One for each contact.
    pub outcomes: Vec<Enrollment>,
    /// Why the rest is pending.
    pub stopped: Option<Box<Error>>,
}

/// What became of the consent on one channel of an opt-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Revocation {
    /// The channel.
    pub channel: Channel,
    /// Whether the person was subscribed to marketing there right before.
    pub was_subscribed: bool,
    /// Why the consent stays as it was, if it does.
    pub refused: Option<Detail>,
}

/// What became of the membership of a list in an opt-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Removal {
    /// The list, by its id, that the person was on.
    pub list: String,
    /// Klaviyo's reason, if it leaves the person there.
    pub refused: Option<Detail>,
}

/// What [`opt_out`](crate::contacts::opt_out) took from a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Taken {
    /// The profile; none if there was none.
    pub profile_id: Option<String>,
    /// One for each channel of the call; empty before the person's consent was dealt with.
    pub consent: Vec<Revocation>,
    /// One for each list that the person was on and that was dealt with.
    pub lists: Vec<Removal>,
}

/// What became of one person of [`opt_out`](crate::contacts::opt_out).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Departure {
    /// All was dealt with.
    Departed(Taken),
    /// The identifier cannot work, or Klaviyo refuses to look it up.
    Refused(Detail),
    /// The call was stopped before all was dealt with.
    Pending(Taken),
}

/// The result of [`opt_out`](crate::contacts::opt_out).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Departures {
    /// One for each person.
    pub outcomes: Vec<Departure>,
    /// The lists that the account does not have.
    pub missing_lists: Vec<String>,
    /// The values that Klaviyo took only in part.
    pub warnings: Vec<String>,
    /// Why the rest is pending.
    pub stopped: Option<Box<Error>>,
}

/// One change of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Sets fields.
    Set(NewProfile),
    /// Clears a field.
    Clear(String),
    /// Adds values to custom properties that are lists: the text of a JSON object.
    Append(String),
    /// Takes values out of custom properties that are lists: the text of a JSON object.
    Unappend(String),
    /// Removes a custom property.
    Unset(String),
}
