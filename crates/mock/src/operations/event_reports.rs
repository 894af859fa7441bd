//! Reporting events. The answer is 202 without a body; the events are recorded later.

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::check::{self, Result, given, member, object};
use crate::clock;
use crate::events::Report;
use crate::patch;
use crate::profile::IDENTIFIERS;
use crate::shape;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::time::{Duration, SystemTime};

const PER_REQUEST: usize = 1_000;
/// A metric's name is shorter.
const NAME_CHARACTERS: usize = 128;
const PROPERTIES: usize = 400;
const LEVELS: usize = 10;
const STRING_BYTES: usize = 100_000;
/// The first second of 1990.
const EARLIEST: Duration = Duration::from_secs(631_152_000);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(crate) fn create(call: &mut Call<'_>) -> Result<Answer> {
    let document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, "event", "/data")?;
    let attributes = object(data, "attributes", "/data")?;
    let profile = resource(attributes, "profile", "/data/attributes")?;
    // One event has the changes of properties among the person's attributes.
    let meta = profile.pointer("/attributes/meta").cloned();
    let patch = meta.map(|meta| json!({ "meta": meta })).unwrap_or_default();
    let person = person(profile, patch, "/data/attributes/profile/data")?;
    patch::check(&person.patch, "/data/attributes/profile/data/attributes")?;
    let report = event(&person, data, "/data", call.account.clock.date())?;
    shape::EVENT.check(&document, call.revision)?;
    call.account.accept_events(vec![report]);
    Ok(Answer::Nothing(StatusCode::ACCEPTED))
}

/// Accepts all events or none.
pub(crate) fn create_many(call: &mut Call<'_>) -> Result<Answer> {
    const POINTER: &str = "/data/attributes/events-bulk-create/data";
    let document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, "event-bulk-create-job", "/data")?;
    let attributes = member(data, "attributes", "/data")?;
    let people = list(attributes, "events-bulk-create", "/data/attributes")?;
    let now = call.account.clock.date();
    let mut reports = Vec::new();
    let mut unique = HashSet::new();
    for (n, row) in people.iter().enumerate() {
        check::resource(row, "event-bulk-create", &format!("{POINTER}/{n}"))?;
        let pointer = format!("{POINTER}/{n}/attributes");
        let attributes = object(row, "attributes", &format!("{POINTER}/{n}"))?;
        let profile = resource(attributes, "profile", &pointer)?;
        let person = person(profile, profile.clone(), &format!("{pointer}/profile/data"))?;
        patch::check(&person.patch, &format!("{pointer}/profile/data"))?;
        let events = list(row.get("attributes").unwrap_or(&Value::Null), "events", &pointer)?;
        for (m, own) in events.iter().enumerate() {
            let pointer = format!("{pointer}/events/data/{m}");
            let report = event(&person, own, &pointer, now)?;
            if let Some(id) = &report.unique_id {
                let key = (who(call, &report), report.metric.clone(), id.clone());
                if !unique.insert(key) {
                    // Unproven: the text.
                    let detail = format!("The unique_id '{id}' is repeated for a profile and a metric.");
                    let pointer = format!("{pointer}/attributes/unique_id");
                    return Err(Refusal::invalid(&detail, &pointer).into());
                }
            }
            reports.push(report);
        }
    }
    if reports.len() > PER_REQUEST {
        let detail = format!("Ensure this field has no more than {PER_REQUEST} elements.");
        return Err(Refusal::invalid(&detail, POINTER).into());
    }
    shape::EVENTS.check(&document, call.revision)?;
    call.account.accept_events(reports);
    Ok(Answer::Nothing(StatusCode::ACCEPTED))
}

/// The person of a report: the id of a profile, or otherwise an identifier.
fn who(call: &Call<'_>, report: &Report) -> String {
    let known = match &report.id {
        Some(id) => Some(id.clone()),
        None => {
            let holder = call.account.holders(&report.attributes).first().copied();
            holder.and_then(|position| call.account.profile_at(position)).map(|profile| profile.id.clone())
        }
    };
    known.unwrap_or_else(|| {
        let given = IDENTIFIERS.iter().find_map(|name| given(&report.attributes, name));
        given.unwrap_or_default().to_ascii_lowercase()
    })
}

/// The resource in `{"NAME": {"data": {…}}}`.
fn resource<'a>(parent: &'a Map<String, Value>, name: &str, pointer: &str) -> Result<&'a Value> {
    let missing = || Refusal::invalid(&format!("'{name}' is a required property"), pointer);
    let pointer = format!("{pointer}/{name}");
    let resource = member(parent.get(name).ok_or_else(missing)?, "data", &pointer)?;
    check::resource(resource, name, &format!("{pointer}/data"))?;
    Ok(resource)
}

/// The resources in `{"NAME": {"data": […]}}`, at least one.
fn list<'a>(parent: &'a Value, name: &str, pointer: &str) -> Result<&'a Vec<Value>> {
    let pointer = format!("{pointer}/{name}/data");
    let items = parent.pointer(&format!("/{name}/data")).and_then(Value::as_array);
    let items = items.ok_or_else(|| Refusal::invalid("'data' must be an array", &pointer))?;
    if items.is_empty() {
        return Err(Refusal::invalid("This field may not be empty.", &pointer).into());
    }
    Ok(items)
}

/// A report without an event yet.
fn person(profile: &Value, patch: Value, pointer: &str) -> Result<Report> {
    let mut attributes = object(profile, "attributes", pointer)?.clone();
    attributes.shift_remove("meta");
    let pointer = format!("{pointer}/attributes");
    check::attributes(&attributes, &pointer)?;
    check::phone_number(&attributes, &pointer)?;
    let id = profile.get("id").and_then(Value::as_str).map(str::to_owned);
    if id.is_none() {
        check::identified(&attributes, &pointer)?;
    }
    Ok(Report { id, attributes, patch, ..Report::default() })
}

/// The report of one event of a person. Unproven: the texts of refusals.
fn event(person: &Report, event: &Value, pointer: &str, now: SystemTime) -> Result<Report> {
    check::resource(event, "event", pointer)?;
    let attributes = object(event, "attributes", pointer)?;
    let pointer = format!("{pointer}/attributes");
    let refuse = |detail: &str, name: &str| Refusal::invalid(detail, &format!("{pointer}/{name}"));
    let text = |name: &str| given(attributes, name).map(str::to_owned);

    let metric = resource(attributes, "metric", &pointer)?;
    let name = metric.pointer("/attributes/name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.chars().count() >= NAME_CHARACTERS {
        let detail = format!("Ensure this field has 1 to {} characters.", NAME_CHARACTERS - 1);
        return Err(refuse(&detail, "metric/data/attributes/name").into());
    }
    let service = metric.pointer("/attributes/service").and_then(Value::as_str).map(str::to_owned);

    let time = match attributes.get("time").filter(|time| !time.is_null()) {
        None => None,
        Some(time) => {
            let time = time.as_str().and_then(clock::parse).ok_or_else(|| refuse("Invalid time", "time"))?;
            let latest = now.checked_add(YEAR).unwrap_or(now);
            if time < SystemTime::UNIX_EPOCH + EARLIEST || time > latest {
                return Err(refuse("The time must be after 1990 and at most a year ahead.", "time").into());
            }
            Some(time)
        }
    };

    let mut properties = match attributes.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => return Err(refuse("'properties' must be an object", "properties").into()),
    };
    if properties.len() > PROPERTIES {
        let detail = format!("Ensure this field has no more than {PROPERTIES} properties.");
        return Err(refuse(&detail, "properties").into());
    }
    for (name, value) in &properties {
        check_property(value, 1).map_err(|detail| refuse(&detail, &format!("properties/{name}")))?;
    }
    let unique_id = text("unique_id");
    // Unproven: the names of the currency and of the unique id.
    let shown = [
        ("$value", attributes.get("value").cloned()),
        ("$currency_code", text("value_currency").map(Value::String)),
        ("$event_id", unique_id.clone().map(Value::String)),
    ];
    let shown = shown.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_null())?)));
    properties.extend(shown.map(|(name, value)| (name.to_owned(), value)));
    let metric = name.to_owned();
    Ok(Report { metric, service, time, unique_id, properties, ..person.clone() })
}

/// Checks a value of a property, which is on this level of all of them.
fn check_property(value: &Value, level: usize) -> std::result::Result<(), String> {
    let inner: Vec<&Value> = match value {
        Value::String(text) if text.len() > STRING_BYTES => {
            return Err("Ensure this string is not larger than 100 KB.".to_owned());
        }
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => return Ok(()),
    };
    if level >= LEVELS {
        return Err(format!("Ensure this field has no more than {LEVELS} levels."));
    }
    inner.into_iter().try_for_each(|value| check_property(value, level + 1))
}
