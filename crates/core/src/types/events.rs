//! Events and their metrics.

use crate::Identifier;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// An event to track.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewEvent {
    /// The name of the metric.
    pub metric: String,
    /// Who did it.
    pub profile: Identifier,
    /// What tells the event from all others of the same metric and person.
    pub unique_id: String,
    /// When it happened: RFC 3339.
    pub time: Option<String>,
    /// The monetary value: a decimal number.
    pub value: Option<String>,
    /// The currency of the value: ISO 4217.
    pub value_currency: Option<String>,
    /// The properties: the text of a JSON object.
    pub properties: Option<String>,
}

/// An event that Klaviyo has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// Klaviyo's id.
    pub id: String,
    /// Klaviyo's id of the metric.
    pub metric_id: Option<String>,
    /// The name of the metric.
    pub metric: Option<String>,
    /// Klaviyo's id of the profile.
    pub profile_id: Option<String>,
    /// When it happened, as Klaviyo wrote it.
    pub time: Option<String>,
    /// The monetary value, as Klaviyo wrote the number.
    pub value: Option<String>,
    /// The properties: the text of a JSON object.
    pub properties: String,
    /// Klaviyo's UUID.
    pub uuid: Option<String>,
}

/// The part of a history that is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Period {
    /// Only events at or after this time: RFC 3339.
    pub since: Option<String>,
    /// Only events before this time: RFC 3339.
    pub until: Option<String>,
    /// The most events.
    pub limit: Option<u32>,
}

/// A person's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Timeline {
    /// Klaviyo's id of the person.
    pub profile_id: String,
    /// The newest first.
    pub events: Vec<Event>,
    /// Whether the period has more.
    pub more: bool,
}

/// A kind of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Metric {
    /// Klaviyo's id.
    pub id: String,
    /// The name; empty where Klaviyo has none.
    pub name: String,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was last updated, as Klaviyo wrote it.
    pub updated: Option<String>,
    /// The name of the integration that makes the events.
    pub integration: Option<String>,
}
