//! The values of the contract, as `wit/types.wit` documents them.
//!
//! Their serde form is the contract's JSON: records with kebab-case names, variants as `{"case": payload}`,
//! options as the value or null.

use crate::{Detail, Error};
use alloc::{boxed::Box, string::String, vec::Vec};
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

/// An item of a call that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its position in the argument.
    pub index: u32,
    /// Why.
    pub reason: Detail,
}

/// Where marketing messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Email.
    Email,
    /// Text messages.
    Sms,
    /// WhatsApp.
    Whatsapp,
    /// Mobile push.
    Push,
}

/// The consent of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subscription {
    /// Klaviyo's id of the profile.
    pub id: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The phone number, with its country code.
    pub phone_number: Option<String>,
    /// The channels that the person agreed to.
    pub channels: Vec<Channel>,
    /// When that was, for historical imports.
    pub consented_at: Option<String>,
    /// The date of birth, for accounts that use age-gating.
    pub date_of_birth: Option<String>,
}

/// A historical import.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Historical {
    /// The present time.
    pub now: String,
}

/// Options for all subscriptions of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConsentOptions {
    /// The source of the consent that Klaviyo keeps.
    pub custom_source: Option<String>,
    /// If present, the consent was collected earlier.
    pub historical_import: Option<Historical>,
}

/// A person whose consent is revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Unsubscription {
    /// The email address.
    pub email: Option<String>,
    /// The phone number, with its country code.
    pub phone_number: Option<String>,
    /// The channels that the person leaves.
    pub channels: Vec<Channel>,
}

/// The result of [`grant`](crate::consent::grant) or [`revoke`](crate::consent::revoke).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConsentOutcome {
    /// The number of people that Klaviyo accepted.
    pub accepted: u32,
    /// The people who were not sent or were refused.
    pub refused: Vec<Refusal>,
    /// The values that Klaviyo took only in part.
    pub warnings: Vec<String>,
    /// Why the rest was not sent.
    pub stopped: Option<Box<Error>>,
}

/// A reason that stops marketing email in spite of consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Suppression {
    /// Klaviyo's word for it.
    pub reason: String,
    /// When it began, as Klaviyo wrote it.
    pub since: Option<String>,
    /// The list that it is for; none: all email.
    pub list: Option<String>,
}

/// A person's consent on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChannelConsent {
    /// The channel.
    pub channel: Channel,
    /// Klaviyo's word for the consent.
    pub state: String,
    /// Whether Klaviyo would send marketing there.
    pub can_receive: Option<bool>,
    /// When the consent was given, as Klaviyo wrote it.
    pub consented_at: Option<String>,
    /// When it last changed, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// How it was given.
    pub method: Option<String>,
    /// The source that was given with it.
    pub custom_source: Option<String>,
    /// The reasons that stop email in spite of consent.
    pub suppressions: Vec<Suppression>,
}

/// A person's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Consents {
    /// The profile.
    pub profile_id: String,
    /// The channels in Klaviyo's answer.
    pub channels: Vec<ChannelConsent>,
}

/// A job that Klaviyo took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Submitted {
    /// Klaviyo's id.
    pub job: String,
    /// The contacts in it, each as its position in the argument.
    pub rows: Vec<u32>,
}

/// The result of [`submit`](crate::bulk::submit).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Submission {
    /// The jobs.
    pub jobs: Vec<Submitted>,
    /// The contacts that are in no job.
    pub refused: Vec<Refusal>,
    /// The values that Klaviyo took only in part.
    pub warnings: Vec<String>,
    /// Why the rest was not submitted.
    pub stopped: Option<Box<Error>>,
}

/// The status of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// The job has not begun.
    Queued,
    /// The job is being processed.
    Processing,
    /// Done.
    Complete,
    /// Stopped.
    Cancelled,
    /// Another word.
    Other(String),
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Job {
    /// Klaviyo's id.
    pub id: String,
    /// The status.
    pub status: JobStatus,
    /// How many contacts it has.
    pub total: u32,
    /// How many were imported so far.
    pub completed: u32,
    /// How many could not be imported.
    pub failed: u32,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was begun, as Klaviyo wrote it.
    pub started: Option<String>,
    /// When it was done, as Klaviyo wrote it.
    pub finished: Option<String>,
    /// Until when it is kept, as Klaviyo wrote it.
    pub expires: Option<String>,
}

/// A contact that a job could not import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImportFailure {
    /// Its position in the job.
    pub row: Option<u32>,
    /// Klaviyo's reason.
    pub reason: Detail,
    /// The contact as it was sent: the text of a JSON object.
    pub payload: Option<String>,
}
