//! The values of `consent`.

use crate::{Channel, Detail, Error, Refusal};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

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
    /// The channels on which the person agreed to marketing.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// The channels on which the person agreed to transactional messages.
    #[serde(default)]
    pub transactional: Vec<Channel>,
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
    /// The channels of marketing that the person leaves.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// The channels of transactional messages that the person leaves.
    #[serde(default)]
    pub transactional: Vec<Channel>,
}

/// A channel that Klaviyo refuses for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChannelRefusal {
    /// The position of the person in the argument.
    pub index: u32,
    /// The channel.
    pub channel: Channel,
    /// Klaviyo's reason.
    pub reason: Detail,
}

/// The result of [`grant`](crate::consent::grant) or [`revoke`](crate::consent::revoke).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ConsentOutcome {
    /// The number of people that Klaviyo accepted.
    pub accepted: u32,
    /// The people who were not sent or were refused.
    pub refused: Vec<Refusal>,
    /// The channels that were refused, of people who were not.
    pub refused_channels: Vec<ChannelRefusal>,
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
    /// Whether Klaviyo would send such messages there.
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
    /// The consent to marketing.
    pub channels: Vec<ChannelConsent>,
    /// The consent to transactional messages.
    pub transactional: Vec<ChannelConsent>,
    /// The consent to conversations that the person began.
    pub conversational: Vec<ChannelConsent>,
}
