//! Events and metrics.

use super::{Body, NewResource};
use crate::json::Json;
use crate::{Event, Identifier, Metric};
use alloc::{borrow::ToOwned, format, string::String};
use serde::Serialize;
use serde_json::value::RawValue;

/// The checked attributes of an event to track.
#[derive(Serialize)]
pub(crate) struct Tracked<'a> {
    pub(crate) properties: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_currency: Option<&'a str>,
    pub(crate) metric: Body<NewResource<'a, MetricName<'a>>>,
    /// Beside the event where there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<Body<Person<'a>>>,
    pub(crate) unique_id: &'a str,
}

#[derive(Serialize)]
pub(crate) struct MetricName<'a> {
    pub(crate) name: &'a str,
}

/// The person who did something.
pub(crate) type Person<'a> = NewResource<'a, PersonAttributes<'a>>;

/// The identifier of a person, unless it is the id.
#[derive(Serialize)]
pub(crate) struct PersonAttributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
}

/// The person with a checked identifier.
pub(crate) fn person(by: &Identifier) -> Body<Person<'_>> {
    let (field, value) = by.field();
    let of = |name| Some(value).filter(|_| field == name);
    let attributes = PersonAttributes {
        email: of("email"),
        phone_number: of("phone_number"),
        external_id: of("external_id"),
    };
    Body { data: NewResource { kind: "profile", id: of("id"), attributes } }
}

/// The attributes of a row of many events: one event of one person.
#[derive(Serialize)]
pub(crate) struct TrackedRow<'a> {
    pub(crate) profile: Body<Person<'a>>,
    pub(crate) events: Body<[NewResource<'a, Tracked<'a>>; 1]>,
}

/// The field of the contract that a member of a [`TrackedRow`] is.
pub(crate) fn field_of_event(member: &str) -> String {
    let member = member.strip_prefix("attributes/").unwrap_or(member);
    let attribute = |member: &'_ str| member.strip_prefix("attributes/").unwrap_or(member).replace('_', "-");
    if let Some(member) = member.strip_prefix("events/data/0/") {
        let field = attribute(member);
        return if field.starts_with("metric/") { "metric".to_owned() } else { field };
    }
    match member.strip_prefix("profile/data/") {
        Some(member) => format!("profile/{}", attribute(member)),
        None => attribute(member),
    }
}

/// An event resource, without the name of its metric.
pub(crate) fn event(resource: &Json<'_>) -> Result<Event, String> {
    let [id, attributes, relationships] = resource.members(["id", "attributes", "relationships"])?;
    let id = id.string()?;
    let [properties] = attributes.members(["event_properties"])?;
    let [value] = properties.members(["$value"])?;
    let [time, uuid] = attributes.strings(["datetime", "uuid"])?;
    let [metric, profile] = relationships.members(["metric", "profile"])?;
    Ok(Event {
        id,
        metric_id: related(&metric)?,
        metric: None,
        profile_id: related(&profile)?,
        time,
        value: value.number_text().map(ToOwned::to_owned),
        properties: properties.object_text()?.unwrap_or("{}").to_owned(),
        uuid,
    })
}

/// The id that a relationship to one resource has.
fn related(relationship: &Json<'_>) -> Result<Option<String>, String> {
    let [data] = relationship.members(["data"])?;
    let [id] = data.strings(["id"])?;
    Ok(id.filter(|id| !id.is_empty()))
}

/// The id and the name of an included resource; none if it is no metric, or has no name.
pub(crate) fn metric_name(resource: &Json<'_>) -> Result<Option<(String, String)>, String> {
    let [kind, id] = resource.strings(["type", "id"])?;
    if kind.as_deref() != Some("metric") {
        return Ok(None);
    }
    let [attributes] = resource.members(["attributes"])?;
    let [name] = attributes.strings(["name"])?;
    Ok(id.zip(name))
}

/// A metric resource.
pub(crate) fn metric(resource: &Json<'_>) -> Result<Metric, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [name, created, updated] = attributes.strings(["name", "created", "updated"])?;
    let [integration] = attributes.members(["integration"])?;
    let [integration] = integration.strings(["name"])?;
    Ok(Metric { id, name: name.unwrap_or_default(), created, updated, integration })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_row_is_a_field_of_the_contract() {
        for (member, field) in [
            ("attributes/events/data/0/attributes/unique_id", "unique-id"),
            ("attributes/events/data/0/attributes/metric/data/attributes/name", "metric"),
            ("attributes/events/data/0/attributes/value_currency", "value-currency"),
            ("attributes/events/data/0/attributes/properties/x", "properties/x"),
            ("attributes/profile/data/attributes/phone_number", "profile/phone-number"),
            ("attributes/profile/data/id", "profile/id"),
            ("attributes/profile", "profile"),
            ("", ""),
        ] {
            assert_eq!(field_of_event(member), field, "{member}");
        }
    }
}
