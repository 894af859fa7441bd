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
mod tests {
    use super::*;
    use crate::{Code, ORIGIN, Request, Response};
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;
    use serde_json::Value;

    fn event(unique_id: &str) -> NewEvent {
        NewEvent {
            metric: "Placed Order".to_owned(),
            profile: Identifier::Email("priya@example.com".to_owned()),
            unique_id: unique_id.to_owned(),
            time: None,
            value: None,
            value_currency: None,
            properties: None,
        }
    }

    fn accepted(sent: &mut Vec<Request>) -> impl FnMut(Request) -> Result<Response, crate::TransportError> {
        |request| {
            sent.push(request);
            Ok(Response { status: 202, headers: Vec::new(), body: Vec::new() })
        }
    }

    #[test]
    fn a_value_is_sent_with_its_digits() {
        let mut sent = Vec::new();
        let order = NewEvent { value: Some(" 12345678901234567890.10 ".to_owned()), ..event("1") };
        track(&mut accepted(&mut sent), &order).unwrap();
        let body = String::from_utf8(sent.remove(0).body).unwrap();
        assert!(body.contains(r#""value":12345678901234567890.10,"#), "{body}");
    }

    #[test]
    fn what_klaviyo_would_not_take_is_not_sent() {
        let bad = |field: &str, event: NewEvent| {
            let error = track(&mut |_: Request| unreachable!(), &event).unwrap_err();
            assert_eq!(error.code, Code::InvalidInput);
            assert_eq!(error.details[0].pointer.as_deref(), Some(field));
        };
        for metric in ["", " ", &"x".repeat(128)] {
            bad("metric", NewEvent { metric: metric.to_owned(), ..event("1") });
        }
        for unique_id in ["", "\u{200b}", &"x".repeat(256)] {
            bad("unique-id", event(unique_id));
        }
        for value in
            ["", "-", "1,5", "1e3", "NaN", "01", ".5", "5.", "+1", "0x1", "1 2", "\"1\"", "null", "[1]"]
        {
            bad("value", NewEvent { value: Some(value.to_owned()), ..event("1") });
        }
        bad("value", NewEvent { value: Some("1".repeat(101)), ..event("1") });
        for currency in ["", "inr", "IN", "INRS", "₹"] {
            bad("value-currency", NewEvent { value_currency: Some(currency.to_owned()), ..event("1") });
        }
        for time in ["", "yesterday", "2025-03-01", "1989-12-31T23:59:59Z"] {
            bad("time", NewEvent { time: Some(time.to_owned()), ..event("1") });
        }
        bad("properties", NewEvent { properties: Some("[]".to_owned()), ..event("1") });
        let long = format!("{{\"note\":\"{}\"}}", "x".repeat(100_001));
        bad("properties/note", NewEvent { properties: Some(long), ..event("1") });
        bad("profile/email", NewEvent { profile: Identifier::Email("priya".to_owned()), ..event("1") });
        bad("profile/id", NewEvent { profile: Identifier::Id(String::new()), ..event("1") });
    }

    #[test]
    fn the_largest_event_that_is_taken_fits_into_a_request() {
        let mut sent = Vec::new();
        let control = "\u{1}";
        let largest = |unique_id: String| NewEvent {
            metric: format!("x{}x", control.repeat(125)),
            profile: Identifier::ExternalId(format!("x{}x", control.repeat(253))),
            unique_id,
            time: Some("2025-03-01T12:00:00.000000000000+00:00".to_owned()),
            value: Some("1".repeat(100)),
            value_currency: Some("INR".to_owned()),
            properties: Some(format!("{{{}}}", " ".repeat(event_properties::BYTES - 2))),
        };
        let ids = ["x", "y"].map(|end| format!("x{}{end}", control.repeat(253)));
        let result = track_many(&mut accepted(&mut sent), &ids.map(largest)).unwrap();
        assert_eq!((result.accepted, result.refused.len(), sent.len()), (2, 0, 2));
        track(&mut accepted(&mut sent), &largest("1".to_owned())).unwrap();
        assert!(sent.iter().all(|request| request.body.len() <= check::REQUEST_BYTES));
    }

    #[test]
    fn the_second_event_with_a_unique_id_is_refused() {
        let mut sent = Vec::new();
        let refused_first = NewEvent { metric: String::new(), ..event("3") };
        let events = [event("1"), event("2"), event(" 1 "), refused_first, event("3")];
        let result = track_many(&mut accepted(&mut sent), &events).unwrap();
        assert_eq!(result.accepted, 3);
        let refused: Vec<_> = result.refused.iter().map(|refusal| refusal.index).collect();
        assert_eq!(refused, [2, 3]);
        assert_eq!(result.refused[0].reason.pointer.as_deref(), Some("unique-id"));
    }

    proptest! {
        #[test]
        fn a_request_has_the_events_and_nothing_else(
            ids in prop::collection::vec(any::<String>(), 1..4), metric in any::<String>(), external in any::<String>(),
        ) {
            let mut sent = Vec::new();
            let events: Vec<_> = ids.iter().map(|id| NewEvent {
                metric: metric.clone(),
                profile: Identifier::ExternalId(external.clone()),
                ..event(id)
            }).collect();
            let result = track_many(&mut accepted(&mut sent), &events).unwrap();
            prop_assert_eq!(result.accepted as usize + result.refused.len(), ids.len());
            if let Some(request) = sent.first() {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                prop_assert_eq!(&request.url, &format!("{ORIGIN}/api/event-bulk-create-jobs/"));
                let rows = body["data"]["attributes"]["events-bulk-create"]["data"].as_array().unwrap();
                prop_assert_eq!(rows.len(), result.accepted as usize);
                for row in rows {
                    let event = &row["attributes"]["events"]["data"][0]["attributes"];
                    prop_assert_eq!(&event["metric"]["data"]["attributes"]["name"], trimmed(&metric));
                    let unique_id = event["unique_id"].as_str().unwrap();
                    prop_assert!(ids.iter().any(|id| trimmed(id) == unique_id));
                }
            }
        }
    }

    /// Pages of so many events, each with its own second.
    fn pages(sizes: &'static [u32]) -> impl FnMut(Request) -> Result<Response, crate::TransportError> {
        move |request| {
            let page: usize = request.url.rsplit_once("page=").map_or(0, |(_, page)| page.parse().unwrap());
            let events: Vec<_> = (0..sizes[page]).map(|n| format!(r#"{{"id":"{page}-{n}"}}"#)).collect();
            let next = match sizes.len() - page {
                1 => "null".to_owned(),
                _ => format!("\"{ORIGIN}/api/events/?page={}\"", page + 1),
            };
            let body = format!(r#"{{"data":[{}],"links":{{"next":{next}}}}}"#, events.join(","));
            Ok(Response { status: 200, headers: Vec::new(), body: body.into_bytes() })
        }
    }

    #[test]
    fn a_history_ends_at_its_limit_and_says_whether_there_is_more() {
        let by = Identifier::Id("01H".to_owned());
        for (sizes, limit, count, more) in [
            (&[3, 3, 1][..], Some(2), 2, true),
            (&[3, 3, 1], Some(3), 3, true),
            (&[3, 3, 1], Some(6), 6, true),
            (&[3, 3, 1], Some(7), 7, false),
            (&[3, 3, 1], Some(u32::MAX), 7, false),
            (&[3, 0, 1], Some(3), 3, true),
            (&[200], None, 200, false),
            (&[200, 1], None, 200, true),
            (&[0], None, 0, false),
        ] {
            let period = Period { limit, ..Period::default() };
            let timeline = history(&mut pages(sizes), &by, &period).unwrap().unwrap();
            assert_eq!((timeline.events.len(), timeline.more), (count, more), "{sizes:?} {limit:?}");
        }
    }

    #[test]
    fn long_names_of_metrics_do_not_fill_the_memory() {
        let event = r#"{"id":"1","relationships":{"metric":{"data":{"id":"m"}}}}"#;
        let events = [event; 1_000].join(",");
        let name = "x".repeat(50_000);
        let body = format!(
            r#"{{"data":[{events}],"included":[{{"type":"metric","id":"m","attributes":{{"name":"{name}"}}}}]}}"#
        );
        let mut http =
            |_: Request| Ok(Response { status: 200, headers: Vec::new(), body: body.clone().into_bytes() });
        let error = history(&mut http, &Identifier::Id("01H".to_owned()), &Period::default()).unwrap_err();
        assert_eq!(error.code, Code::Malformed);
    }
}
