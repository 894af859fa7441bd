//! What people do, as the webhooks tell it.

use crate::door::{changes, connected, pass};
use klaviyo_whatsapp_mock::{Business, Contact, Content, Notation};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_text_names_its_sender_its_time_and_the_business() {
    let (whatsapp, door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("+91 98200 00001").named("Priya Sharma").with_user_id("IN.7"));
    let id = priya.writes("SUBSCRIBE");
    pass(&whatsapp, Duration::ZERO);
    let at = whatsapp.date().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
    let expected = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [{
        "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "contacts": [{ "profile": { "name": "Priya Sharma" }, "wa_id": "919820000001", "user_id": "IN.7" }],
            "messages": [{ "from": "919820000001", "from_user_id": "IN.7", "id": id, "timestamp": at,
                "type": "text", "text": { "body": "SUBSCRIBE" } }],
        },
        "field": "messages",
    }] }] });
    assert_eq!(door.bodies(), [expected]);
    assert!(id.starts_with("wamid."), "{id}");
}

#[test]
fn every_kind_of_message_has_its_own_part() {
    let (whatsapp, door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya"));
    let button = |text: &str, payload: &str| Content::Button { text: text.into(), payload: payload.into() };
    let cases = [
        (Content::Text("hi".into()), "text", json!({ "body": "hi" })),
        (button("Sign up", "SUBSCRIBE"), "button", json!({ "payload": "SUBSCRIBE", "text": "Sign up" })),
        (
            Content::ButtonReply { id: "SUBSCRIBE".into(), title: "Yes".into() },
            "interactive",
            json!({ "type": "button_reply", "button_reply": { "id": "SUBSCRIBE", "title": "Yes" } }),
        ),
        (
            Content::ListReply { id: "a".into(), title: "News".into(), description: "weekly".into() },
            "interactive",
            json!({ "type": "list_reply",
                "list_reply": { "id": "a", "title": "News", "description": "weekly" } }),
        ),
        (
            Content::Flow(fields(json!({ "email": "priya@example.com", "optin": true }))),
            "interactive",
            json!({ "type": "nfm_reply", "nfm_reply": { "name": "flow", "body": "Sent",
                "response_json": r#"{"email":"priya@example.com","optin":true}"# } }),
        ),
        (Content::Reaction("👍".into()), "reaction", json!({ "message_id": "", "emoji": "👍" })),
    ];
    for (content, kind, part) in &cases {
        priya.sends(content);
        pass(&whatsapp, Duration::ZERO);
        let (field, message) = door.items("messages").pop().unwrap();
        assert_eq!((field.as_str(), message["type"].as_str()), ("messages", Some(*kind)));
        assert_eq!(&message[*kind], part);
    }
    let others = [
        (Content::Image { caption: Some("SUBSCRIBE".into()) }, "image", "/image/caption"),
        (Content::Order, "order", "/order/product_items"),
        (Content::Unsupported, "unsupported", "/errors/0/code"),
        (Content::Number { asked: false }, "contacts", "/contacts/0/phones/0/phone"),
    ];
    for (content, kind, pointer) in &others {
        priya.sends(content);
        pass(&whatsapp, Duration::ZERO);
        let (_, message) = door.items("messages").pop().unwrap();
        assert_eq!(message["type"], *kind);
        assert!(message.pointer(pointer).is_some(), "{message}");
    }
    let ids: Vec<Value> = door.items("messages").iter().map(|(_, message)| message["id"].clone()).collect();
    assert!(ids.iter().enumerate().all(|(n, id)| !ids[..n].contains(id)), "{ids:?}");
}

#[test]
fn a_number_is_written_as_the_person_has_it() {
    let (whatsapp, door) = connected(Business::new());
    for (number, notation, expected) in [
        ("5215512345678", Notation::Digits, json!("5215512345678")),
        ("551187654321", Notation::Digits, json!("551187654321")),
        ("919820000001", Notation::Plus, json!("+919820000001")),
        ("919820000002", Notation::Number, json!(919_820_000_002_u64)),
    ] {
        whatsapp.person(Contact::new(number).written_as(notation)).writes("SUBSCRIBE");
        pass(&whatsapp, Duration::ZERO);
        let change = changes(door.bodies().last().unwrap()).remove(0);
        assert_eq!(change["value"]["messages"][0]["from"], expected);
        assert_eq!(change["value"]["contacts"][0]["wa_id"], expected);
    }
}

#[test]
fn a_person_with_a_username_has_no_number_until_it_is_shared() {
    let (whatsapp, door) = connected(Business::new());
    let asha = whatsapp.person(
        Contact::new("919820000001").named("Asha").with_username("asha.r").with_parent_user_id("IN.ENT.9"),
    );
    asha.writes("SUBSCRIBE");
    pass(&whatsapp, Duration::ZERO);
    let change = changes(&door.bodies()[0]).remove(0);
    let (message, contact) = (&change["value"]["messages"][0], &change["value"]["contacts"][0]);
    let user_id = asha.contact();
    assert_eq!((message.get("from"), contact.get("wa_id")), (None, None));
    assert!(message["from_user_id"].as_str().unwrap().starts_with("IN.1"));
    assert_eq!(message["from_user_id"], contact["user_id"]);
    assert_eq!(message["from_parent_user_id"], "IN.ENT.9");
    assert_eq!(contact["profile"], json!({ "name": "Asha", "username": "asha.r" }));

    assert!(asha.shares_number().is_err(), "nobody has asked");
    let ask = json!({ "messaging_product": "whatsapp", "recipient": message["from_user_id"], "type": "interactive",
        "interactive": { "type": "request_contact_info", "body": { "text": "Your number?" },
            "action": { "name": "request_contact_info" } } });
    let asked = crate::door::taken(crate::door::send(&whatsapp, &ask));
    asha.shares_number().unwrap();
    assert!(asha.shares_number().is_err(), "it was asked once");
    asha.writes("and now?");
    pass(&whatsapp, Duration::ZERO);
    let messages: Vec<Value> = door.items("messages").into_iter().map(|(_, message)| message).collect();
    let shared = &messages[1];
    assert_eq!((&shared["type"], &shared["origin"]), (&json!("contacts"), &json!("contact_request")));
    assert_eq!(shared["context"]["id"], asked.as_str());
    assert_eq!(shared.get("from"), None);
    assert_eq!(shared["contacts"][0]["phones"][0]["phone"], "+919820000001");
    assert_eq!(messages[2]["from"], "919820000001");
    assert_ne!(user_id, asha.contact());
}

#[test]
fn stop_and_resume_are_preferences() {
    let (whatsapp, door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya").with_user_id("IN.7"));
    priya.stops();
    priya.resumes();
    pass(&whatsapp, Duration::ZERO);
    let preferences = door.items("user_preferences");
    for ((field, item), value) in preferences.iter().zip(["stop", "resume"]) {
        assert_eq!((field.as_str(), &item["value"]), ("user_preferences", &json!(value)));
        assert_eq!(
            (&item["category"], &item["wa_id"]),
            (&json!("marketing_messages"), &json!("919820000001"))
        );
        assert_eq!(item["user_id"], "IN.7");
        assert!(item["timestamp"].is_u64());
    }
    assert_eq!(preferences.len(), 2);
}

#[test]
fn another_number_brings_another_id() {
    let (whatsapp, door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya").with_user_id("IN.7"));
    priya.changes_number("+44 7700 900123");
    priya.writes("it is me");
    pass(&whatsapp, Duration::ZERO);
    let messages = door.items("messages");
    assert_eq!(messages[0].1["system"]["type"], "user_changed_number");
    assert_eq!(messages[0].1["system"]["wa_id"], "447700900123");
    assert_eq!(messages[0].1["from"], "919820000001");
    let (field, update) = door.items("user_id_update").remove(0);
    let current = update["user_id"]["current"].as_str().unwrap();
    assert_eq!((field.as_str(), &update["user_id"]["previous"]), ("user_id_update", &json!("IN.7")));
    assert!(current.starts_with("GB."), "{current}");
    assert_eq!(
        (&messages[1].1["from"], &messages[1].1["from_user_id"]),
        (&json!("447700900123"), &json!(current))
    );
    assert!(whatsapp.find("919820000001").is_none());
    // In the same second.
    let asha = whatsapp.person(Contact::new("919820000002"));
    asha.changes_number("+44 7700 900124");
    let first = asha.user_id();
    asha.changes_number("+44 7700 900125");
    assert_eq!(std::collections::BTreeSet::from([priya.user_id(), first, asha.user_id()]).len(), 3);
}

#[test]
fn echoes_and_history_are_no_messages_of_the_person() {
    let (whatsapp, door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("919820000001"));
    priya.is_written_to("SUBSCRIBE");
    priya.has_history(&["SUBSCRIBE", "STOP"]);
    pass(&whatsapp, Duration::ZERO);
    assert!(door.items("messages").is_empty());
    let (field, echo) = door.items("message_echoes").remove(0);
    assert_eq!((field.as_str(), &echo["to"]), ("message_echoes", &json!("919820000001")));
    assert_eq!(echo["from"], "15550783881");
    let (field, history) = door.items("history").remove(0);
    let told = history["threads"][0]["messages"].as_array().unwrap();
    assert_eq!((field.as_str(), told.len()), ("history", 2));
    assert_eq!((&told[1]["from"], &told[1]["text"]["body"]), (&json!("919820000001"), &json!("STOP")));
}

#[test]
fn the_same_seed_makes_the_same_ids() {
    let ids = |seed| {
        let (whatsapp, _) = connected(Business::new().seed(seed));
        let priya = whatsapp.person(Contact::new("919820000001"));
        (priya.writes("a"), priya.writes("b"), format!("{:?}", priya.contact()))
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}
