//! Messages that are refused, with Meta's codes.

use crate::door::{ask, connected, messages_url, pass, refused, send, taken, text};
use klaviyo_whatsapp_mock::{Business, Contact, Limits, Statuses};
use serde_json::{Value, json};
use std::time::Duration;

const NUMBER: &str = "919820000001";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn template() -> Value {
    json!({ "messaging_product": "whatsapp", "to": NUMBER, "type": "template",
        "template": { "name": "sale", "language": { "code": "en" } } })
}

#[test]
fn a_wrong_token_is_190_and_another_number_is_100() {
    let (whatsapp, _door) = connected(Business::new());
    whatsapp.person(Contact::new(NUMBER)).writes("SUBSCRIBE");
    let (url, body) = (messages_url(&whatsapp), text(NUMBER, "hi").to_string());
    for token in ["", "wrong", "eaagdemo3f9c1b7a5e2d4860"] {
        assert_eq!(refused(ask("POST", &url, token, &body)), (401, 190), "{token}");
    }
    for path in
        ["/v25.0/1/messages", "/v25/106540352242922/messages", "/106540352242922/messages", "/v25.0/me"]
    {
        let url = format!("{}{path}", whatsapp.url());
        assert_eq!(refused(ask("POST", &url, Business::TOKEN, &body)), (400, 100), "{path}");
    }
    assert_eq!(refused(ask("GET", &url, Business::TOKEN, "")), (400, 100));
    assert!(whatsapp.messages().is_empty());
}

#[test]
fn a_body_that_meta_does_not_know_is_100() {
    let (whatsapp, _door) = connected(Business::new().limits(Limits::off()));
    whatsapp.person(Contact::new(NUMBER)).writes("SUBSCRIBE");
    let changed = |pointer: &str, value: Value| {
        let mut body = text(NUMBER, "hi");
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = text(NUMBER, "hi");
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let asks = |interactive: Value| json!({ "messaging_product": "whatsapp", "to": NUMBER, "type": "interactive", "interactive": interactive });
    let name = json!({ "name": "request_contact_info" });
    for body in [
        without("messaging_product"),
        without("to"),
        without("text"),
        changed("/messaging_product", json!("sms")),
        changed("/recipient_type", json!("group")),
        changed("/to", json!(919_820_000_001_u64)),
        changed("/to", json!("priya")),
        changed("/recipient", json!("919820000001")),
        changed("/recipient", json!("US.1 2")),
        changed("/type", json!("audio")),
        changed("/type", json!("image")),
        changed("/text", json!("hi")),
        changed("/text/body", json!("")),
        changed("/text/body", json!("x".repeat(4097))),
        changed("/text/boddy", json!("hi")),
        changed("/text/preview_url", json!("no")),
        changed("/note", json!("hi")),
        changed("/context", json!("wamid.X")),
        changed("/context", json!({ "id": "wamid.X" })),
        changed("/context", json!({ "message_id": "wamid.X" })),
        changed("/template", json!({ "name": "sale", "language": { "code": "en" } })),
        asks(json!({ "type": "button", "body": { "text": "?" }, "action": { "buttons": [] } })),
        asks(json!({ "type": "request_contact_info", "action": name })),
        asks(json!({ "type": "request_contact_info", "body": { "text": "?" }, "action": {} })),
        asks(json!({ "type": "request_contact_info", "body": { "text": "x".repeat(1025) }, "action": name })),
        json!([]),
    ] {
        assert_eq!(refused(send(&whatsapp, &body)), (400, 100), "{body}");
    }
    let url = messages_url(&whatsapp);
    assert_eq!(refused(ask("POST", &url, Business::TOKEN, "{")), (400, 100));
    let form = ureq::post(&url).config().http_status_as_error(false).build();
    let form = form.header("authorization", format!("Bearer {}", Business::TOKEN)).content_type("text/plain");
    assert_eq!(form.send(text(NUMBER, "hi").to_string()).unwrap().status(), 400);
    assert!(whatsapp.messages().is_empty());
    taken(send(&whatsapp, &changed("/text/body", json!("x".repeat(4096)))));
}

#[test]
fn text_is_for_those_who_wrote_within_a_day() {
    let (whatsapp, _door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new(NUMBER));
    assert_eq!(refused(send(&whatsapp, &text(NUMBER, "hi"))), (400, 131_047));
    priya.stops();
    assert_eq!(refused(send(&whatsapp, &text(NUMBER, "hi"))), (400, 131_047), "a preference is no message");
    let noah = whatsapp.person(Contact::new("919820000002"));
    noah.changes_number("919820000003");
    assert_eq!(
        refused(send(&whatsapp, &text("919820000003", "hi"))),
        (400, 131_047),
        "a notice is no message"
    );
    priya.writes("SUBSCRIBE");
    pass(&whatsapp, DAY);
    taken(send(&whatsapp, &text(NUMBER, "hi")));
    pass(&whatsapp, Duration::from_secs(7));
    assert_eq!(refused(send(&whatsapp, &text(NUMBER, "hi"))), (400, 131_047));
    assert_eq!(refused(send(&whatsapp, &template())), (400, 131_050));
    priya.resumes();
    taken(send(&whatsapp, &template()));
}

#[test]
fn who_stopped_marketing_still_has_answers() {
    let (whatsapp, _door) = connected(Business::new().limits(Limits::off()));
    let priya = whatsapp.person(Contact::new(NUMBER));
    priya.writes("STOP");
    priya.stops();
    taken(send(&whatsapp, &text(NUMBER, "You are unsubscribed.")));
    assert_eq!(refused(send(&whatsapp, &template())), (400, 131_050));
}

#[test]
fn a_number_without_whatsapp_is_131026() {
    let (whatsapp, _door) = connected(Business::new());
    assert_eq!(refused(send(&whatsapp, &text("919820000009", "hi"))), (400, 131_026));
    let mut body = text(NUMBER, "hi");
    body.as_object_mut().unwrap().remove("to");
    body["recipient"] = json!("US.1");
    assert_eq!(refused(send(&whatsapp, &body)), (400, 131_026));
}

#[test]
fn too_many_messages_wait() {
    let (whatsapp, _door) = connected(Business::new());
    whatsapp.person(Contact::new(NUMBER)).writes("SUBSCRIBE");
    taken(send(&whatsapp, &text(NUMBER, "1")));
    assert_eq!(refused(send(&whatsapp, &text(NUMBER, "2"))), (400, 131_056));
    pass(&whatsapp, Duration::from_secs(6));
    taken(send(&whatsapp, &text(NUMBER, "3")));
    for n in 0..79 {
        let number = format!("9198200001{n:02}");
        whatsapp.person(Contact::new(&number)).writes("SUBSCRIBE");
        taken(send(&whatsapp, &text(&number, "hi")));
    }
    assert_eq!(refused(send(&whatsapp, &text(NUMBER, "4"))), (400, 130_429));
    pass(&whatsapp, Duration::from_secs(6));
    taken(send(&whatsapp, &text(NUMBER, "5")));
}

#[test]
fn a_refusal_can_come_as_a_status() {
    let statuses = Statuses::none();
    let (whatsapp, door) = connected(Business::new().refuse_later().statuses(statuses));
    let priya = whatsapp.person(Contact::new(NUMBER));
    let id = taken(send(&whatsapp, &text(NUMBER, "hi")));
    pass(&whatsapp, Duration::from_secs(1));
    let (_, status) = door.items("statuses").remove(0);
    assert_eq!((&status["id"], &status["status"]), (&json!(id), &json!("failed")));
    assert_eq!(status["errors"][0]["code"], 131_047);
    assert_eq!(priya.messages().len(), 1);
}
