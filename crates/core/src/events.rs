//! What people did: tracks events, and reads them back.

use crate::batch::Row;
use crate::contacts;
use crate::jsonapi::{self, Body, MetricName, NewResource, Tracked, TrackedRow};
use crate::operation::REVISION;
use crate::operation::events::{
    bulk_create_events, create_event, get_events_at, get_events_of, get_metrics, get_metrics_at,
};
use crate::paging::{self, Wanted};
use crate::text::trimmed;
use crate::{
    BatchResult, Error, Event, Http, Identifier, Metric, NewEvent, Period, Timeline, check, event_properties,
    identifiers,
};
use alloc::collections::BTreeSet;
use alloc::{boxed::Box, vec::Vec};

/// Klaviyo's limit on the name of a metric.
const METRIC_CHARACTERS: usize = 127;
/// The contract's limit on a unique id.
const UNIQUE_ID_CHARACTERS: usize = 255;
/// 1990-01-01, the first day that Klaviyo takes.
const EARLIEST: i64 = 631_152_000;
/// The limit of a history whose period has none: a page.
const LIMIT: u32 = 200;

/// Tracks an event.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, and the errors of Klaviyo and of
/// the transport.
pub fn track(http: &mut dyn Http, event: &NewEvent) -> Result<(), Box<Error>> {
    let profile = profile(event)?;
    let mut attributes = attributes(event)?;
    attributes.profile = Some(jsonapi::person(&profile));
    create_event(&attributes)?.send(http)
}

/// Tracks many events. An event that cannot work, or has the unique id of an earlier one, is refused.
///
/// # Errors
/// Those of Klaviyo and of the transport, when nothing was accepted. Later failures are in
/// [`BatchResult::stopped`].
pub fn track_many(http: &mut dyn Http, events: &[NewEvent]) -> Result<BatchResult, Box<Error>> {
    let mut unique_ids = BTreeSet::new();
    let mut row = |event| {
        let profile = profile(event)?;
        if let Identifier::Email(email) = &profile {
            identifiers::bulk_email(email).map_err(|error| error.at("profile"))?;
        }
        let attributes = attributes(event)?;
        if !unique_ids.insert(attributes.unique_id) {
            return Err(Error::invalid(
                "unique-id",
                "an earlier event of the call has it, and Klaviyo refuses all events of a request for one that \
                 is in it twice",
            ));
        }
        let attributes = TrackedRow {
            profile: jsonapi::person(&profile),
            events: Body { data: [NewResource { kind: "event", id: None, attributes }] },
        };
        Row::new(&NewResource { kind: "event-bulk-create", id: None, attributes }, REVISION)
    };
    bulk_create_events().send(http, &mut events.iter().map(&mut row), &mut ()).map(Into::into)
}

/// A person's events, the newest first. If there is no such profile, the value is none.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, and the errors of Klaviyo and of
/// the transport.
pub fn history(
    http: &mut dyn Http,
    by: &Identifier,
    period: &Period,
) -> Result<Option<Timeline>, Box<Error>> {
    let by = by.cleaned()?;
    let since = period.since.as_deref().map(trimmed);
    let until = period.until.as_deref().map(trimmed);
    for (field, time) in [("since", since), ("until", until)] {
        time.map(|time| check::time(field, time)).transpose()?;
    }
    let limit = usize::try_from(period.limit.unwrap_or(LIMIT)).unwrap_or(usize::MAX);
    if limit == 0 {
        return Err(Error::invalid("limit", "it is 0, and a history has at least one event"));
    }
    let profile_id = match by {
        Identifier::Id(id) => id,
        by => match contacts::lookup(http, &by)? {
            Some(profile) => profile.id,
            None => return Ok(None),
        },
    };
    let mut events: Vec<Event> = Vec::new();
    let more = paging::each(http, get_events_of(&profile_id, since, until), get_events_at, &mut |event| {
        events.push(event);
        Ok(if events.len() < limit { Wanted::More } else { Wanted::Enough })
    })?;
    Ok(Some(Timeline { profile_id, events, more }))
}

/// All metrics, in Klaviyo's order.
///
/// # Errors
/// When a page cannot be read, and when a `next` link leaves Klaviyo's origin, repeats, or never ends.
pub fn metrics(http: &mut dyn Http) -> Result<Vec<Metric>, Box<Error>> {
    paging::collect(http, get_metrics(), get_metrics_at)
}

/// Checks who did it.
fn profile(event: &NewEvent) -> Result<Identifier, Box<Error>> {
    event.profile.cleaned().map_err(|error| error.at("profile"))
}

/// Checks an event, and returns the attributes to send, without the person.
fn attributes(event: &NewEvent) -> Result<Tracked<'_>, Box<Error>> {
    let name = check::name("metric", &event.metric, METRIC_CHARACTERS)?;
    let unique_id = check::name("unique-id", &event.unique_id, UNIQUE_ID_CHARACTERS)?;
    let time = event.time.as_deref().map(trimmed);
    if let Some(time) = time
        && check::time("time", time)?.seconds() < EARLIEST
    {
        return Err(Error::invalid("time", "it is before 1990, and Klaviyo takes no such event"));
    }
    let value = event.value.as_deref().map(|value| check::number("value", trimmed(value))).transpose()?;
    let value_currency = event.value_currency.as_deref().map(trimmed);
    if value_currency.is_some_and(|code| code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase())) {
        return Err(Error::invalid("value-currency", "it is no currency code of ISO 4217, such as INR"));
    }
    let properties = check::properties(event.properties.as_deref().unwrap_or("{}"))?;
    event_properties::check(properties)?;
    Ok(Tracked {
        properties,
        time,
        value,
        value_currency,
        metric: Body { data: NewResource { kind: "metric", id: None, attributes: MetricName { name } } },
        profile: None,
        unique_id,
    })
}

#[cfg(test)]
mod tests;
