//! The values of `consent`.

use crate::{Error, Refusal};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

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
    #[serde(default)]
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
    #[serde(default)]
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
