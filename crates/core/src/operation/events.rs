//! Events and metrics.

use super::{Operation, REPEAT, REVISION, get, json, nothing_or_data, post};
use crate::batch::{Accepted, BulkRequest, Rows};
use crate::diagnosis::Advice;
use crate::encode::{equals, percent_encode};
use crate::event_properties;
use crate::json::Json;
use crate::jsonapi::{self, Body, NewResource, Tracked};
use crate::paging::{self, Page, page};
use crate::{Error, Event, Metric, ORIGIN};
use alloc::collections::BTreeMap;
use alloc::{borrow::ToOwned, boxed::Box, format, string::String};

/// The path of events.
pub(crate) const EVENTS: &str = "/api/events/";

/// Create event.
pub(crate) fn create_event(attributes: &Tracked<'_>) -> Result<Operation<()>, Box<Error>> {
    const WRITE: &Advice = &Advice {
        scopes: &["events:write"],
        form: "{data: {type: 'event', attributes: {metric: {data: …}, profile: {data: …}, properties: {…}}}}",
        if_uncertain: REPEAT,
    };
    let body = json(&Body { data: NewResource { kind: "event", id: None, attributes } })?;
    let request = post(format!("{ORIGIN}{EVENTS}"), REVISION, body);
    Ok(Operation { request, advice: WRITE, read: |_, document| nothing_or_data(document) })
}

/// Bulk create events.
pub(crate) fn bulk_create_events() -> BulkRequest {
    const WRITE: &Advice = &Advice {
        scopes: &["events:write"],
        form: "{data: {type: …, attributes: {events-bulk-create: {data: [{type: 'event-bulk-create', attributes: {…}}, …]}}}}",
        if_uncertain: REPEAT,
    };
    const ROWS: &Rows = &Rows {
        attribute: "events-bulk-create",
        name: "event",
        // That of the properties, and enough for the rest.
        bytes: event_properties::BYTES + 50_000,
        field: jsonapi::field_of_event,
    };
    BulkRequest::new("event-bulk-create-job", ROWS, 1_000, WRITE, Accepted::unnamed)
}

/// Get the events of a profile with the names of their metrics, the newest first, the first page. The times are
/// checked.
pub(crate) fn get_events_of(
    profile: &str,
    since: Option<&str>,
    until: Option<&str>,
) -> Operation<Page<Event>> {
    let mut filter = equals("profile_id", profile);
    for (operator, time) in [("greater-or-equal", since), ("less-than", until)] {
        if let Some(time) = time {
            filter.push_str(&format!(",{operator}(datetime,{time})"));
        }
    }
    let filter = percent_encode(&filter);
    get_events_at(format!("{ORIGIN}{EVENTS}?filter={filter}&include=metric&sort=-datetime"))
}

/// Get events with the names of their metrics, at this URL.
pub(crate) fn get_events_at(url: String) -> Operation<Page<Event>> {
    const READ: &Advice = &Advice::read(&["events:read", "metrics:read"]);
    get(url, REVISION, READ, |_, document| events(document))
}

/// Reads a page of events, and gives each the name of its metric.
pub(super) fn events(document: &Json<'_>) -> Result<Page<Event>, String> {
    let [included] = document.members(["included"])?;
    let mut names = BTreeMap::new();
    included.each_if_any(|resource| {
        names.extend(jsonapi::metric_name(resource)?);
        if names.len() > paging::MAX_ITEMS { Err(paging::too_many()) } else { Ok(()) }
    })?;
    let mut page = page(document, jsonapi::event)?;
    let mut bytes = 0;
    for event in &mut page.items {
        event.metric = event.metric_id.as_ref().and_then(|id| names.get(id)).cloned();
        // A long name would be copied to each event.
        bytes += event.metric.as_ref().map_or(0, String::len);
        if bytes > paging::MAX_BYTES {
            return Err("the names of its metrics are too long".to_owned());
        }
    }
    page.bytes += bytes;
    Ok(page)
}

/// Get metrics, the first page.
pub(crate) fn get_metrics() -> Operation<Page<Metric>> {
    get_metrics_at(format!("{ORIGIN}/api/metrics/"))
}

/// Get metrics, the page at a link of an earlier answer.
pub(crate) fn get_metrics_at(url: String) -> Operation<Page<Metric>> {
    const READ: &Advice = &Advice::read(&["metrics:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::metric))
}
