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
    for value in ["", "-", "1,5", "1e3", "NaN", "01", ".5", "5.", "+1", "0x1", "1 2", "\"1\"", "null", "[1]"]
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

/// What a history is whose pages are all the same.
fn history_of(page: &str) -> Result<usize, Code> {
    let mut http =
        |_: Request| Ok(Response { status: 200, headers: Vec::new(), body: page.as_bytes().to_vec() });
    let timeline = history(&mut http, &Identifier::Id("01H".to_owned()), &Period::default());
    timeline.map(|timeline| timeline.unwrap().events.len()).map_err(|error| error.code)
}

#[test]
fn the_name_of_a_metric_counts_for_each_of_its_events() {
    const MIB: usize = 1 << 20;
    for (name, other, next, right) in [
        (MIB, 0, "", Ok(12)),
        (MIB + 1, 0, "", Err(Code::Malformed)),
        (MIB, 0, "https://a.klaviyo.com/api/events/?page=2", Err(Code::TooLarge)),
        (0, 12 * MIB, "https://a.klaviyo.com/api/events/?page=2", Err(Code::TooLarge)),
    ] {
        let next = if next.is_empty() { "null".to_owned() } else { format!("\"{next}\"") };
        let events = [r#"{"id":"1","relationships":{"metric":{"data":{"id":"m"}}}}"#; 12].join(",");
        let metric =
            format!(r#"{{"type":"metric","id":"m","attributes":{{"name":"{}"}}}}"#, "x".repeat(name));
        let other = "x".repeat(other);
        let page = format!(
            r#"{{"data":[{events}],"included":[{metric}],"links":{{"next":{next}}},"other":"{other}"}}"#
        );
        assert_eq!(history_of(&page), right, "{name}");
    }
}

#[test]
fn the_metrics_of_a_page_are_bounded() {
    for (metrics, right) in [(100_000, Ok(0)), (100_001, Err(Code::Malformed))] {
        let metric = |id| format!(r#"{{"type":"metric","id":"{id}","attributes":{{"name":""}}}}"#);
        let metrics: Vec<_> = (0..metrics).map(metric).collect();
        let page = format!(r#"{{"data":[],"included":[{}]}}"#, metrics.join(","));
        assert_eq!(history_of(&page), right);
    }
}
