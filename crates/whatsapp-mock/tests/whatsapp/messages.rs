//! Messages that are taken.

use crate::door::{PATIENCE, ask, connected, messages_url, pass, refused, send, taken, text};
use klaviyo_whatsapp_mock::{Business, Contact, Limits, Message, Server};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_message_is_answered_with_its_id_and_kept() {
    let (whatsapp, _door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("5215512345678").named("Priya"));
    let wish = priya.writes("SUBSCRIBE");
    let mut body = text("+52 55 1234 5678", "You are now subscribed, Priya!");
    body["context"] = json!({ "message_id": wish });
    let (status, answer) = send(&whatsapp, &body);
    let id = taken((status, answer.clone()));
    let contacts = json!([{ "input": "+52 55 1234 5678", "wa_id": "5215512345678" }]);
    assert_eq!(
        answer,
        json!({ "messaging_product": "whatsapp", "contacts": contacts, "messages": [{ "id": id }] })
    );
    let [message] = &priya.waits_for(1, PATIENCE).unwrap()[..] else { panic!("one message was sent") };
    let at = message.at;
    let kept = Message {
        id,
        to: "+52 55 1234 5678".to_owned(),
        kind: "text",
        text: "You are now subscribed, Priya!".to_owned(),
        context: Some(wish),
        body,
        at,
    };
    assert_eq!((message, whatsapp.messages()), (&kept, vec![kept.clone()]));
    assert_eq!(whatsapp.state()["messages"][0]["status"], "accepted");
}

#[test]
fn a_person_is_reached_by_either_id_and_the_number_goes_first() {
    let (whatsapp, _door) = connected(Business::new().limits(Limits::off()));
    let asha = Contact::new("919820000001").with_username("asha").with_user_id("IN.7");
    let asha = whatsapp.person(asha.with_parent_user_id("IN.ENT.9"));
    let noah = whatsapp.person(Contact::new("919820000002").with_user_id("IN.8"));
    asha.writes("SUBSCRIBE");
    noah.writes("SUBSCRIBE");
    let body = |ids: &[(&str, &str)]| {
        let mut body = json!({ "messaging_product": "whatsapp", "text": { "body": "hi" } });
        for (name, id) in ids {
            body[*name] = json!(id);
        }
        body
    };
    for ids in [[("recipient", "IN.7")], [("recipient", "IN.ENT.9")], [("to", "919820000001")]] {
        taken(send(&whatsapp, &body(&ids)));
    }
    assert_eq!(asha.messages().len(), 3);
    taken(send(&whatsapp, &body(&[("recipient", "IN.7"), ("to", "919820000002")])));
    assert_eq!((asha.messages().len(), noah.messages().len()), (3, 1));
    let (_, answer) = send(&whatsapp, &body(&[("recipient", "IN.8")]));
    assert_eq!(answer["contacts"], json!([{ "input": "IN.8", "user_id": "IN.8" }]));
}

#[test]
fn a_wait_ends_with_the_message_or_with_the_time() {
    let (whatsapp, _door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new("919820000001"));
    priya.writes("SUBSCRIBE");
    assert!(priya.waits_for(1, Duration::from_millis(20)).is_err());
    let url = messages_url(&whatsapp);
    let later = std::thread::spawn(move || {
        ask("POST", &url, Business::TOKEN, &text("919820000001", "hi").to_string())
    });
    assert_eq!(priya.waits_for(1, PATIENCE).unwrap()[0].text, "hi");
    taken(later.join().unwrap());
    pass(&whatsapp, Duration::ZERO);
}

#[test]
fn several_businesses_at_one_address_are_told_apart_by_the_id_of_their_number() {
    let business = |id: &str| Business::new().number_id(id).token(&format!("EAAG{id}"));
    let servers = Server::start_all(vec![business("106"), business("206")]).unwrap();
    let [one, other] = &servers[..] else { panic!("two were started") };
    assert_eq!(one.url(), other.url());
    for server in &servers {
        server.person(Contact::new("919820000001")).writes("SUBSCRIBE");
    }
    let send = |id: &str, token: &str| {
        let url = format!("{}/v25.0/{id}/messages", one.url());
        ask("POST", &url, token, &text("919820000001", "hi").to_string())
    };
    taken(send("206", "EAAG206"));
    assert_eq!((one.messages().len(), other.messages().len()), (0, 1));
    assert_eq!(refused(send("206", "EAAG106")), (401, 190));
    assert_eq!(refused(send("306", "EAAG106")), (400, 100));
    assert!(Server::start_all(vec![business("106"), business("106")]).is_err());
}
