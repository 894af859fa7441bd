//! Reading events, and their metrics and profiles beside them.

use crate::access;
use crate::answer::{Answer, ORIGIN, Refusal};
use crate::call::Call;
use crate::check::Result;
use crate::clock::{self, timestamp};
use crate::events::{Event, Metric};
use crate::filter::{self, Condition, Literal, Operator};
use crate::keyset::{KeysetPage, Span};
use crate::page::SIZE;
use crate::revision::Revision;
use http::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const PER_PAGE: usize = 200;
/// The largest page from 2026-01-15. Before, the size cannot be chosen.
const LARGEST_PAGE: usize = 1_000;
const SORTS: [&str; 4] = ["datetime", "-datetime", "timestamp", "-timestamp"];

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    if call.revision < Revision::JANUARY_2026 && call.query.get(SIZE).is_some() {
        let detail = "'page[size]' is not a valid parameter for this operation";
        return Err(Refusal::invalid_parameter(detail, SIZE).into());
    }
    // Unproven: the order without `sort`. Here the newest come first.
    let sort = call.query.get("sort").unwrap_or("-datetime");
    if !SORTS.contains(&sort) {
        return Err(Refusal::invalid_parameter(&format!("'{sort}' is not a valid sort field"), "sort").into());
    }
    let page = KeysetPage::of(call, PER_PAGE, LARGEST_PAGE, sort.starts_with('-'))?;
    let include = Include::read(call)?;
    let wanted = Wanted::read(call.query.get("filter"))?;
    let events = &call.account.events;
    let item = |(_, number): &(String, usize)| {
        let (_, event) = events.all.get_index(*number)?;
        wanted.admits(event).then_some(event)
    };
    let shown = events.shown(wanted.profile.as_deref());
    let resource = |event: &Event| call.sparse("event", resource(event));
    let mut document = page.document(call, shown, &wanted.span(), item, resource);
    include.add(call, &mut document);
    Ok(Answer::Document(StatusCode::OK, document))
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let include = Include::read(call)?;
    let missing = || Refusal::not_found(&format!("An event with id {} does not exist.", call.id));
    let event = call.account.events.visible(&call.id).ok_or_else(missing)?;
    let mut document = json!({ "data": call.sparse("event", resource(event)) });
    include.add(call, &mut document);
    Ok(Answer::Document(StatusCode::OK, document))
}

fn resource(event: &Event) -> Value {
    let own = format!("{ORIGIN}/api/events/{}", event.id);
    let seconds = seconds(event.time);
    let related = |what: &str| {
        let itself = format!("{own}/relationships/{what}/");
        json!({ "self": itself, "related": format!("{own}/{what}/") })
    };
    let to = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id }, "links": related(kind) });
    json!({
        "type": "event",
        "id": event.id,
        "attributes": {
            "timestamp": seconds,
            "event_properties": event.properties,
            "datetime": timestamp(event.time),
            "uuid": event.uuid(),
        },
        "relationships": { "profile": to("profile", &event.profile), "metric": to("metric", &event.metric) },
        "links": { "self": format!("{own}/") },
    })
}

/// The seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    // An event is younger: see `event_reports`.
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// What the filter asks for.
#[derive(Default)]
struct Wanted {
    profile: Option<String>,
    metric: Option<String>,
    times: Vec<(Operator, SystemTime)>,
}

impl Wanted {
    fn read(filter: Option<&str>) -> Result<Self> {
        let mut wanted = Self::default();
        let Some(filter) = filter else { return Ok(wanted) };
        let invalid = || Refusal::invalid_parameter("Invalid filter provided", "filter");
        for condition in filter::parse(filter).ok_or_else(invalid)? {
            wanted.add(condition).ok_or_else(invalid)?;
        }
        Ok(wanted)
    }

    fn add(&mut self, condition: Condition) -> Option<()> {
        let Condition { operator, field, values } = condition;
        let value = values.into_iter().next()?;
        match (field.as_str(), operator, value) {
            ("profile_id", Operator::Equals, Literal::Text(id)) if self.profile.is_none() => {
                self.profile = Some(id);
            }
            ("metric_id", Operator::Equals, Literal::Text(id)) if self.metric.is_none() => {
                self.metric = Some(id);
            }
            (_, Operator::Equals | Operator::Any, _) => return None,
            ("datetime", operator, Literal::Bare(time)) => {
                self.times.push((operator, clock::parse(&time)?));
            }
            ("timestamp", operator, Literal::Bare(seconds)) => {
                let seconds = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
                self.times.push((operator, SystemTime::UNIX_EPOCH.checked_add(seconds)?));
            }
            _ => return None,
        }
        Some(())
    }

    fn admits(&self, event: &Event) -> bool {
        self.metric.as_ref().is_none_or(|metric| *metric == event.metric)
            && self.times.iter().all(|(operator, time)| match operator {
                Operator::GreaterThan => event.time > *time,
                Operator::GreaterOrEqual => event.time >= *time,
                Operator::LessThan => event.time < *time,
                _ => event.time <= *time,
            })
    }

    /// The part of the index in which all events that fit are.
    fn span(&self) -> Span {
        let is_least = |operator| matches!(operator, Operator::GreaterThan | Operator::GreaterOrEqual);
        let least =
            self.times.iter().filter(|(operator, _)| is_least(*operator)).map(|(_, time)| *time).max();
        let most =
            self.times.iter().filter(|(operator, _)| !is_least(*operator)).map(|(_, time)| *time).min();
        let most = most.and_then(|time| time.checked_add(Duration::from_secs(1)));
        let key = |time: SystemTime| (timestamp(time), 0);
        Span { from: least.map(key), to: most.map(key) }
    }
}

/// The resources beside the events.
struct Include {
    metrics: bool,
    profiles: bool,
}

impl Include {
    fn read(call: &Call<'_>) -> Result<Self> {
        let asked: Vec<&str> =
            call.query.get("include").map(|all| all.split(',').collect()).unwrap_or_default();
        let known = ["attributions", "metric", "profile"];
        if let Some(unknown) = asked.iter().find(|asked| !known.contains(asked)) {
            let detail = format!("'{unknown}' is not a valid include for the resource 'event'");
            return Err(Refusal::invalid_parameter(&detail, "include").into());
        }
        let include = Self { metrics: asked.contains(&"metric"), profiles: asked.contains(&"profile") };
        // Unproven: that profiles beside events need a scope of their own, as metrics do.
        let scopes = [("metrics:read", include.metrics), ("profiles:read", include.profiles)];
        let scopes: Vec<&str> =
            scopes.into_iter().filter(|(_, asked)| *asked).map(|(scope, _)| scope).collect();
        access::allow(&call.granted, &scopes)?;
        Ok(include)
    }

    /// Adds the resources to which the events of a document are related, each once.
    fn add(&self, call: &Call<'_>, document: &mut Value) {
        if !self.metrics && !self.profiles {
            return;
        }
        let mut included: Vec<Value> = Vec::new();
        if let Some(data) = document.get("data") {
            let events = data.as_array().map_or(std::slice::from_ref(data), Vec::as_slice);
            let ids = |kind: &str| {
                let pointer = format!("/relationships/{kind}/data/id");
                let ids = events.iter().filter_map(|event| event.pointer(&pointer)?.as_str());
                ids.collect::<indexmap::IndexSet<&str>>()
            };
            if self.metrics {
                let metrics = ids("metric").into_iter().filter_map(|id| call.account.events.metrics.get(id));
                included
                    .extend(metrics.map(|metric: &Metric| call.sparse("metric", metric.resource(ORIGIN))));
            }
            if self.profiles {
                let profiles = ids("profile").into_iter().filter_map(|id| call.account.profile("id", id));
                included.extend(
                    profiles.map(|profile| call.sparse("profile", profile.resource(call.revision, false))),
                );
            }
        }
        if let Value::Object(document) = document {
            document.insert("included".to_owned(), Value::Array(included));
        }
    }
}
