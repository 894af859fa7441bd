//! `/_whatsapp/`, as tests in other languages use it.

use crate::door::{PATIENCE, ask, connected, pass, send, taken, text};
use klaviyo_whatsapp_mock::{Business, Limits, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn act(whatsapp: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    ask(method, &format!("{}/_whatsapp/{path}", whatsapp.url()), "", &body.to_string())
}

#[test]
fn people_act_by_http() {
    let (whatsapp, door) = connected(Business::new().limits(Limits::off()));
    let acts = [
        ("919820000001", json!({ "text": "SUBSCRIBE" }), "text"),
        ("%2B919820000001", json!({ "button": { "text": "Yes", "payload": "SUBSCRIBE" } }), "button"),
        ("919820000002", json!({ "button_reply": { "id": "a", "title": "Yes" } }), "interactive"),
        ("919820000002", json!({ "list_reply": { "id": "a", "title": "Yes" } }), "interactive"),
        ("919820000001", json!({ "flow": { "email": "priya@example.com" } }), "interactive"),
        ("919820000001", json!({ "reaction": "👍" }), "reaction"),
        ("919820000001", json!({ "image": "" }), "image"),
        ("919820000001", json!({ "order": true }), "order"),
        ("919820000001", json!({ "unsupported": true }), "unsupported"),
    ];
    for (person, body, kind) in acts {
        let (status, answer) = act(&whatsapp, "POST", &format!("people/{person}/messages"), body);
        assert_eq!(status, 200, "{answer}");
        pass(&whatsapp, Duration::ZERO);
        let (_, message) = door.items("messages").pop().unwrap();
        assert_eq!((&message["id"], &message["type"]), (&answer["id"], &json!(kind)));
    }
    assert_eq!(act(&whatsapp, "GET", "state", json!({})).1["people"].as_array().unwrap().len(), 2);

    for value in ["stop", "resume"] {
        assert_eq!(
            act(&whatsapp, "POST", "people/919820000001/preferences", json!({ "value": value })).0,
            200
        );
    }
    pass(&whatsapp, Duration::ZERO);
    let values: Vec<Value> =
        door.items("user_preferences").into_iter().map(|(_, item)| item["value"].clone()).collect();
    assert_eq!(values, ["stop", "resume"]);

    let messages =
        json!([{ "person": "919820000001", "text": "a" }, { "person": "919820000003", "text": "b" }]);
    let body = json!({ "packing": "values", "messages": messages });
    assert_eq!(act(&whatsapp, "POST", "together", body).1["ids"].as_array().unwrap().len(), 2);
    pass(&whatsapp, Duration::ZERO);
    let last = door.bodies().pop().unwrap();
    assert_eq!(last["entry"][0]["changes"][0]["value"]["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn a_person_without_a_number_is_described_asked_and_answers_by_http() {
    let (whatsapp, door) = connected(Business::new());
    let described = json!({ "name": "Asha", "username": "asha.r", "written": "plus", "fails_with": 131_026 });
    let (_, answer) = act(&whatsapp, "PUT", "people/919820000001", described);
    let id = answer["user_id"].as_str().unwrap();
    act(&whatsapp, "POST", "people/asha.r/messages", json!({ "text": "SUBSCRIBE" }));
    let ask = json!({ "messaging_product": "whatsapp", "recipient": id, "type": "interactive",
        "interactive": { "type": "request_contact_info", "body": { "text": "?" },
            "action": { "name": "request_contact_info" } } });
    taken(send(&whatsapp, &ask));
    let state = act(&whatsapp, "GET", "state", json!({})).1;
    assert_eq!(
        (&state["people"][0]["asked_for_number"], &state["messages"][0]["type"]),
        (&json!(true), &json!("interactive"))
    );
    assert_eq!(act(&whatsapp, "POST", &format!("people/{id}/messages"), json!({ "number": true })).0, 200);
    assert_eq!(act(&whatsapp, "POST", &format!("people/{id}/messages"), json!({ "number": true })).0, 400);
    assert_eq!(act(&whatsapp, "POST", "clock", json!({ "advance": "1s" })).0, 200);
    whatsapp.settle(PATIENCE).unwrap();
    assert_eq!(door.statuses()[0].1, "failed");
    assert_eq!(act(&whatsapp, "PUT", "people/919820000001", json!({ "fails_with": null })).0, 200);
    let (_, moved) = act(&whatsapp, "POST", "people/asha.r/number", json!({ "number": "447700900123" }));
    assert_ne!(moved["user_id"].as_str(), Some(id));
}

#[test]
fn the_simulator_is_set_by_http() {
    let (whatsapp, door) = connected(Business::new());
    assert_eq!(act(&whatsapp, "POST", "verify", json!({})).0, 200);
    assert_eq!(door.asked().len(), 1);
    let faults = json!({ "seed": 7, "rules": ["POST /*: always status 500"] });
    assert_eq!(act(&whatsapp, "PUT", "faults", faults).1["seed"], 7);
    assert_eq!(send(&whatsapp, &text("919820000001", "hi")).0, 500);
    assert_eq!(act(&whatsapp, "GET", "faults", json!({})).1["rules"][0]["applied"], 1);
    assert_eq!(act(&whatsapp, "PUT", "webhook", json!({ "url": "http://127.0.0.1:1/" })).0, 200);
    assert_eq!(act(&whatsapp, "POST", "verify", json!({})).0, 400);
}

#[test]
fn what_cannot_be_read_says_what_can() {
    let (whatsapp, _door) = connected(Business::new());
    for (method, path, body) in [
        ("POST", "people/919820000001/messages", json!({})),
        ("POST", "people/919820000001/messages", json!({ "text": 7 })),
        ("POST", "people/919820000001/messages", json!({ "text": "a", "image": "" })),
        ("POST", "people/919820000001/messages", json!({ "txt": "a" })),
        ("POST", "people/919820000001/messages", json!({ "order": false })),
        ("POST", "people/919820000001/messages", json!([])),
        ("POST", "people/nobody/messages", json!({ "text": "a" })),
        ("POST", "people/919820000001/preferences", json!({ "value": "pause" })),
        ("PUT", "people/asha", json!({ "name": "Asha" })),
        ("PUT", "people/919820000001", json!({ "nam": "Asha" })),
        ("PUT", "people/919820000001", json!({ "written": "words" })),
        ("PUT", "people/919820000001", json!({ "fails_with": "never" })),
        ("POST", "together", json!({ "packing": "boxes", "messages": [] })),
        ("POST", "clock", json!({ "advance": "soon" })),
        ("PUT", "webhook", json!({ "url": "nowhere" })),
        ("PUT", "faults", json!({ "rules": ["nonsense"] })),
    ] {
        let (status, answer) = act(&whatsapp, method, path, body);
        assert_eq!(status, 400, "{path}");
        assert!(answer["error"].is_string());
    }
    assert_eq!(act(&whatsapp, "GET", "nothing", json!({})).0, 404);
    assert!(whatsapp.webhooks().is_empty());
}

#[test]
fn each_event_is_one_line_of_the_log() {
    let lines = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let (whatsapp, door) = connected(Business::new().report(move |line| log.lock().push(line.to_owned())));
    door.answers(&[503]);
    act(&whatsapp, "POST", "people/919820000001/messages", json!({ "text": "SUB\nSCRIBE" }));
    pass(&whatsapp, Duration::ZERO);
    pass(&whatsapp, Duration::from_secs(1));
    taken(send(&whatsapp, &text("919820000001", "You are in.\nBye")));
    send(&whatsapp, &text("919820000009", "hi"));
    let lines = lines.lock();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
    let facts = [
        ["919820000001", "503"],
        ["919820000001", "200"],
        ["919820000001", "You are in."],
        ["POST", "131026"],
    ];
    for (line, facts) in lines.iter().zip(facts) {
        assert!(facts.iter().all(|fact| line.contains(fact)), "{line}");
    }
}
