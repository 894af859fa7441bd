//! The JSON:API documents that Klaviyo reads and writes: a file for each kind of resource.
//!
//! Reading accepts extra, missing and null members, but no member of a wrong type that is used. What is written has
//! its members in the order of Klaviyo's own examples.

mod account;
mod attributes;
mod consents;
mod errors;
mod events;
mod jobs;
mod lists;
mod members;
mod privacy;
mod profiles;
mod segments;

pub(crate) use account::account;
pub(crate) use attributes::{Attributes, Patch, Value};
pub(crate) use consents::{
    Consent, Consenting, SUBSCRIBED, Subscriptions, UNSUBSCRIBED, consents, subscriber,
};
pub(crate) use errors::{errors, refused_rows};
pub(crate) use events::{
    MetricName, Tracked, TrackedRow, event, field_of_event, metric, metric_name, person,
};
pub(crate) use jobs::{failure, job};
pub(crate) use lists::{NewList, list};
pub(crate) use members::member;
pub(crate) use privacy::{Deletion, Identified};
pub(crate) use profiles::{field_of_profile, profile};
pub(crate) use segments::segment;

use serde::Serialize;

/// A body: everything is under `data`.
#[derive(Serialize)]
pub(crate) struct Body<T> {
    pub(crate) data: T,
}

/// A resource to create or to change.
#[derive(Serialize)]
pub(crate) struct NewResource<'a, T> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a str>,
    pub(crate) attributes: T,
}

/// A resource named by its id.
#[derive(Serialize)]
pub(crate) struct ResourceId<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) id: &'a str,
}
