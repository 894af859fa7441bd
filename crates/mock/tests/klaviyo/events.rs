//! Reporting events and reading them.

use crate::client::{Client, JOB, Reply, event, events, one, server, stopped};
use klaviyo_mock::{Account, Rates, Server};
use serde_json::{Value, json};
use std::time::Duration;

const MANY: &str = "/api/event-bulk-create-jobs/";

/// A server at 2026-01-15T12:00:00Z.
fn at_noon() -> Server {
    Server::start(stopped(Account::demo()).rates(Rates::off()).stop_the_clock_at(1_768_478_400)).unwrap()
}

fn priya() -> Value {
    json!({ "email": "priya@example.com" })
}

/// The `datetime` of each event, without the date and the offset.
fn times(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let data = reply.at("/data").as_array().unwrap();
    data.iter().map(|event| event["attributes"]["datetime"].as_str().unwrap().get(11..19).unwrap()).collect()
}

/// A server with an event each minute from 12:00 to 12:04, of two metrics in turn.
fn five_minutes() -> Server {
    let server = at_noon();
    let client = Client::new(&server);
    for minute in 0..5 {
        let metric = if minute % 2 == 0 { "Placed Order" } else { "Active on Site" };
        let time = format!("2026-01-15T12:0{minute}:00Z");
        client.report(metric, priya(), json!({ "time": time, "unique_id": time }));
    }
    server.advance(JOB);
    server
}

#[test]
fn an_event_is_accepted_first_and_recorded_later() {
    let server = at_noon();
    let client = Client::new(&server);
    let more = json!({
        "time": "2026-01-15T11:59:30.750+00:00", "value": 49.5, "value_currency": "EUR", "unique_id": "4711",
        "properties": { "items": ["shoe"], "number": 1.10 },
    });
    client.report("Placed Order", json!({ "email": "priya@example.com", "first_name": "Priya" }), more);
    assert!(client.get("/api/events").ids().is_empty());
    assert_eq!(client.get("/_mock/state").at("/accounts/0/pending_event_jobs"), 1);
    server.advance(JOB);

    let profile = client.get("/api/profiles");
    assert_eq!(profile.at("/data/0/attributes/first_name"), "Priya");
    assert_eq!(profile.at("/data/0/attributes/last_event_date"), "2026-01-15T11:59:30+00:00");
    let reply = client.get("/api/events/?include=profile,metric");
    let (id, attributes) = (reply.text_at("/data/0/id"), reply.at("/data/0/attributes"));
    assert_eq!(attributes["timestamp"], 1_768_478_370);
    assert_eq!(attributes["datetime"], "2026-01-15T11:59:30+00:00");
    let properties = json!({
        "items": ["shoe"], "number": 1.1, "$value": 49.5, "$currency_code": "EUR", "$event_id": "4711",
    });
    assert_eq!(attributes["event_properties"], properties);
    assert_eq!(attributes["uuid"].as_str().unwrap().len(), 36);
    assert_eq!(reply.at("/data/0/relationships/profile/data/id"), profile.at("/data/0/id"));
    assert_eq!(reply.at("/data/0/relationships/metric/data/id"), reply.at("/included/0/id"));
    assert_eq!(reply.at("/included/0/attributes/name"), "Placed Order");
    assert_eq!(reply.at("/included/1/attributes/email"), "priya@example.com");
    assert_eq!(reply.at("/included/2"), &Value::Null);

    let alone = client.get(&format!("/api/events/{id}/?include=metric"));
    assert_eq!(alone.at("/data"), reply.at("/data/0"));
    assert_eq!(alone.at("/included/0"), reply.at("/included/0"));
    assert_eq!(client.get("/api/events/nothing").error(), (404, "not_found", ""));
    assert_eq!(client.get("/api/events?include=flow").error(), (400, "invalid", "include"));
}

#[test]
fn one_unique_id_of_one_metric_and_person_is_one_event() {
    let server = at_noon();
    let client = Client::new(&server);
    let unique = |id: &str| json!({ "unique_id": id });
    for (metric, person, more) in [
        ("Placed Order", "a@example.com", unique("1")),
        ("Placed Order", "A@example.com", unique("1")),
        ("Placed Order", "a@example.com", unique("2")),
        ("Refunded Order", "a@example.com", unique("1")),
        ("Placed Order", "b@example.com", unique("1")),
    ] {
        client.report(metric, json!({ "email": person }), more);
    }
    server.advance(JOB);
    assert_eq!(server.account().events().count(), 4);
}

#[test]
fn without_a_unique_id_a_second_has_one_event() {
    let server = at_noon();
    let client = Client::new(&server);
    for (metric, time) in [
        ("Active on Site", "2026-01-15T11:00:00.100Z"),
        ("Active on Site", "2026-01-15T11:00:00.900Z"),
        ("Active on Site", "2026-01-15T11:00:01Z"),
        ("Viewed Product", "2026-01-15T11:00:00Z"),
    ] {
        client.report(metric, priya(), json!({ "time": time }));
    }
    // Now is the time of an event that has none.
    client.report("Active on Site", priya(), json!({}));
    client.report("Active on Site", priya(), json!({ "time": null }));
    server.advance(JOB);
    let reply = client.get("/api/events?sort=datetime");
    assert_eq!(times(&reply), ["11:00:00", "11:00:00", "11:00:01", "12:00:00"]);
}

#[test]
fn an_event_finds_its_person_by_any_identifier() {
    let server = at_noon();
    let client = Client::new(&server);
    let id = client.create(json!({
        "email": "a@example.com", "phone_number": "+14155550100", "external_id": "7", "first_name": "A",
    }));
    for person in [
        json!({ "email": "A@example.com" }),
        json!({ "phone_number": "+14155550100", "last_name": "B" }),
        json!({ "external_id": "7" }),
    ] {
        let unique = json!({ "unique_id": person.to_string() });
        client.report("Active on Site", person, unique);
    }
    let mut by_id = event("Active on Site", json!({}), json!({ "unique_id": "id" }));
    by_id["data"]["attributes"]["profile"]["data"]["id"] = json!(id);
    assert_eq!(client.post("/api/events", &by_id).status, 202);
    server.advance(JOB);
    let account = server.account();
    assert_eq!((account.profiles().len(), account.events().count()), (1, 4));
    assert_eq!(account.profiles()[0].attributes["last_name"], "B");
    assert!(account.events().all(|event| event.profile == id));
}

#[test]
fn events_are_filtered_and_sorted() {
    let server = five_minutes();
    let client = Client::new(&server);
    let earlier = json!({ "time": "2026-01-15T11:00:00Z" });
    client.report("Placed Order", json!({ "email": "noah@example.com" }), earlier);
    server.advance(JOB);
    let (profile, metric) = {
        let account = server.account();
        let placed = account.metrics().find(|metric| metric.name == "Placed Order").unwrap();
        (account.profile("email", "priya@example.com").unwrap().id.clone(), placed.id.clone())
    };
    let of_priya = format!("equals(profile_id,%22{profile}%22)");
    for (filter, found) in [
        (format!("&filter={of_priya}"), &["12:00:00", "12:01:00", "12:02:00", "12:03:00", "12:04:00"][..]),
        (format!("&filter={of_priya},equals(metric_id,'{metric}')"), &["12:00:00", "12:02:00", "12:04:00"]),
        ("&filter=greater-than(datetime,2026-01-15T12:03:00Z)".to_owned(), &["12:04:00"]),
        ("&filter=greater-or-equal(datetime,2026-01-15T12:03:00Z)".to_owned(), &["12:03:00", "12:04:00"]),
        ("&filter=greater-than(datetime,2026-01-15T12:02:59.5Z)".to_owned(), &["12:03:00", "12:04:00"]),
        (
            "&filter=greater-than(timestamp,1768478400),less-than(timestamp,1768478520)".to_owned(),
            &["12:01:00"],
        ),
        (
            format!("&filter={of_priya},less-or-equal(datetime,2026-01-15T17:31:00%2B05:30)"),
            &["12:00:00", "12:01:00"],
        ),
        ("&filter=equals(profile_id,'01NOBODY')".to_owned(), &[]),
    ] {
        let reply = client.get(&format!("/api/events?sort=datetime{filter}"));
        assert_eq!(times(&reply), found, "{filter}");
        let reply = client.get(&format!("/api/events?sort=-timestamp{filter}"));
        assert_eq!(times(&reply), found.iter().rev().copied().collect::<Vec<_>>(), "{filter}");
    }
    for filter in [
        "equals(email,'a')",
        "any(metric_id,['a'])",
        "equals(metric_id,a)",
        "equals(datetime,2026-01-15T12:00:00Z)",
        "greater-than(datetime,'2026-01-15T12:00:00Z')",
        "greater-than(timestamp,'1768478400')",
        "greater-than(timestamp,yesterday)",
        "greater-than(updated,2026-01-15T12:00:00Z)",
    ] {
        let reply = client.get(&format!("/api/events?filter={filter}"));
        assert_eq!(reply.error(), (400, "invalid", "filter"), "{filter}");
    }
    assert_eq!(client.get("/api/events?sort=uuid").error(), (400, "invalid", "sort"));
}

#[test]
fn events_come_in_pages_in_both_directions() {
    let server = five_minutes();
    let client = Client::new(&server).revision("2026-01-15");
    let pages = client.pages("/api/events?sort=datetime&page[size]=2");
    let found: Vec<Vec<&str>> = pages.iter().map(times).collect();
    assert_eq!(found, [vec!["12:00:00", "12:01:00"], vec!["12:02:00", "12:03:00"], vec!["12:04:00"]]);
    assert_eq!(pages[0].at("/links/prev"), &Value::Null);
    let before =
        |page: &Reply| client.get(page.text_at("/links/prev").strip_prefix("https://a.klaviyo.com").unwrap());
    let middle = before(&pages[2]);
    assert_eq!(times(&middle), ["12:02:00", "12:03:00"]);
    let first = before(&middle);
    assert_eq!(times(&first), ["12:00:00", "12:01:00"]);
    assert_eq!(first.at("/links/prev"), &Value::Null);

    for size in ["0", "1001", "x"] {
        let reply = client.get(&format!("/api/events?page[size]={size}"));
        assert_eq!(reply.error(), (400, "invalid", "page[size]"), "{size}");
    }
    assert_eq!(client.get("/api/events?page[size]=1000").ids().len(), 5);
    let old = Client::new(&server).revision("2025-10-15").get("/api/events?page[size]=2");
    assert_eq!(old.error(), (400, "invalid", "page[size]"));
    let cursor = pages[0].text_at("/links/next").split_once("cursor%5D=").unwrap().1.to_owned();
    let elsewhere = client.get(&format!("/api/events?sort=-datetime&page[cursor]={cursor}"));
    assert_eq!(elsewhere.error(), (400, "invalid", "page[cursor]"));
}

#[test]
fn events_that_come_while_one_reads_shift_no_page() {
    let server = five_minutes();
    let client = Client::new(&server).revision("2026-01-15");
    let first = client.get("/api/events?sort=-datetime&page[size]=2");
    assert_eq!(times(&first), ["12:04:00", "12:03:00"]);
    client.report("Placed Order", priya(), json!({ "time": "2026-01-15T12:30:00Z" }));
    server.advance(JOB);
    let next = client.get(first.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap());
    assert_eq!(times(&next), ["12:02:00", "12:01:00"]);
}

#[test]
fn a_thousand_events_are_accepted_at_once() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let own = |n: usize| one("Active on Site", json!({ "unique_id": n.to_string() }));
    let people = [
        (json!({ "email": "a@example.com" }), (0..600).map(own).collect()),
        (json!({ "email": "b@example.com" }), (0..400).map(own).collect::<Vec<_>>()),
    ];
    let reply = client.post(MANY, &events(&people));
    assert_eq!((reply.status, reply.text.as_str()), (202, ""));
    server.advance(JOB);
    assert_eq!(server.account().events().count(), 1_000);

    let too_many = events(&[(json!({ "email": "a@example.com" }), (0..1_001).map(own).collect())]);
    assert_eq!(
        client.post(MANY, &too_many).error(),
        (400, "invalid", "/data/attributes/events-bulk-create/data")
    );
}

#[test]
fn a_repeated_unique_id_fails_the_whole_request() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let own = |metric: &str| one(metric, json!({ "unique_id": "1" }));
    let people = |metric: &str, email: &str| {
        let first = (json!({ "email": "a@example.com" }), vec![own("Placed Order")]);
        events(&[first, (json!({ "email": email }), vec![one("Active on Site", json!({})), own(metric)])])
    };
    let reply = client.post(MANY, &people("Placed Order", "A@example.com"));
    let pointer = "/data/attributes/events-bulk-create/data/1/attributes/events/data/1/attributes/unique_id";
    assert_eq!(reply.error(), (400, "invalid", pointer));
    server.advance(JOB);
    assert_eq!(server.account().events().count(), 0);
    // Of another metric or person it is another event.
    assert_eq!(client.post(MANY, &people("Refunded Order", "a@example.com")).status, 202);
    assert_eq!(client.post(MANY, &people("Placed Order", "b@example.com")).status, 202);
}

#[test]
fn a_report_has_limits() {
    let server = at_noon();
    let client = Client::new(&server);
    let deep = |levels: usize| (1..levels).fold(json!("end"), |inner, _| json!({ "a": inner }));
    let keys = |count: usize| (0..count).map(|n| (n.to_string(), json!(n))).collect::<Value>();
    let name = |characters: usize| "é".repeat(characters);
    let with = |more: Value| event("Placed Order", priya(), more);
    for good in [
        with(json!({ "properties": keys(400) })),
        with(json!({ "properties": { "a": deep(10) } })),
        with(json!({ "properties": { "a": "x".repeat(100_000) } })),
        with(json!({ "time": "1990-01-01T00:00:00Z" })),
        with(json!({ "time": "2027-01-15T00:00:00Z" })),
        event(&name(127), priya(), json!({})),
    ] {
        assert_eq!(client.post("/api/events", &good).status, 202);
    }
    for (bad, member) in [
        (with(json!({ "properties": keys(401) })), "properties"),
        (with(json!({ "properties": { "a": deep(11) } })), "properties/a"),
        (with(json!({ "properties": { "a": ["x".repeat(100_001)] } })), "properties/a"),
        (with(json!({ "time": "1989-12-31T23:59:59Z" })), "time"),
        (with(json!({ "time": "2027-01-17T00:00:00Z" })), "time"),
        (with(json!({ "value": "9.99" })), "value"),
        (event(&name(128), priya(), json!({})), "metric/data/attributes/name"),
        (event("", priya(), json!({})), "metric/data/attributes/name"),
        (event("Placed Order", json!({ "first_name": "A" }), json!({})), "profile/data/attributes"),
        (event("Placed Order", json!({ "email": "a" }), json!({})), "profile/data/attributes/email"),
        (
            event("Placed Order", json!({ "phone_number": "1" }), json!({})),
            "profile/data/attributes/phone_number",
        ),
    ] {
        let reply = client.post("/api/events", &bad);
        assert_eq!(reply.error(), (400, "invalid", &*format!("/data/attributes/{member}")));
    }
}

#[test]
fn events_have_rates_of_their_own() {
    let server = Server::start(stopped(Account::demo())).unwrap();
    let client = Client::new(&server);
    assert_eq!(client.get("/api/events").header("ratelimit-limit"), "350, 350;w=1, 3500;w=60");
    let reply = client.post("/api/events", &event("Active on Site", priya(), json!({})));
    assert_eq!(reply.header("ratelimit-limit"), "350, 350;w=1, 3500;w=60");
    for path in ["/api/metrics", "/api/metrics/X", "/api/events/X"] {
        assert_eq!(client.get(path).header("ratelimit-limit"), "10, 10;w=1, 150;w=60", "{path}");
    }
    server.advance(Duration::from_secs(1));
}
