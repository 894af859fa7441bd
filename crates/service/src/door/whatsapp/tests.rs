//! Notifications as Meta sends them, and as it could.

use super::notification::Notification;
use super::rules::Rules;
use super::vocabulary::Vocabulary;
use crate::account::Account;
use crate::delivery_event::DeliveryEvent;
use crate::opt_in::{Channel, OptIn};
use crate::opt_out::{OptOut, Resume};
use crate::whatsapp_settings::WhatsappSettings;
use serde_json::{Value, json};

fn notification(messages: Value) -> Vec<u8> {
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550783881", "phone_number_id": "106540352242922" },
            "contacts": [{ "profile": { "name": "Priya Sharma" }, "wa_id": "919820000001" }],
            "messages": messages,
        },
    }] }] });
    serde_json::to_vec(&body).unwrap()
}

fn message(changes: Value) -> Value {
    let mut message =
        json!({ "from": "919820000001", "id": "wamid.1", "timestamp": "1749416383", "type": "text" });
    for (name, change) in changes.as_object().unwrap() {
        message[name] = change.clone();
    }
    message
}

fn written(words: &str) -> Value {
    message(json!({ "text": { "body": words } }))
}

const NOW: i64 = 1_749_416_383;

fn words() -> Vec<String> {
    ["SUBSCRIBE", "opt_in"].map(str::to_owned).into()
}

fn read_with(body: &[u8], change: impl FnOnce(&mut Rules<'_>)) -> Option<Notification> {
    let (words, settings) = (words(), WhatsappSettings::default());
    let vocabulary = Vocabulary::new(&settings, &words);
    let metrics = &settings.delivery_events;
    let mut rules = Rules { vocabulary: &vocabulary, metrics, numbers: None, numbers_only: false, now: NOW };
    change(&mut rules);
    Notification::read(body, rules)
}

/// Reads a notification for an account with these settings.
fn read_as(settings: &str, body: &[u8]) -> Notification {
    let (words, settings) = (words(), WhatsappSettings::parse(settings).unwrap());
    let vocabulary = Vocabulary::new(&settings, &words);
    let metrics = &settings.delivery_events;
    let rules = Rules { vocabulary: &vocabulary, metrics, numbers: None, numbers_only: false, now: NOW };
    Notification::read(body, rules).unwrap()
}

fn opt_outs(notified: Notification) -> Vec<OptOut> {
    let account = Account::default();
    notified.opt_outs.into_iter().map(|request| request.into_opt_out(&account, &[])).collect()
}

fn resumes(notified: Notification) -> Vec<Resume> {
    notified.resumes.into_iter().map(|request| request.into_resume(&Account::default())).collect()
}

fn events(notified: Notification) -> Vec<DeliveryEvent> {
    notified.statuses.into_iter().map(|status| status.into_event(&Account::default())).collect()
}

fn read(body: &[u8]) -> Notification {
    read_with(body, |_| {}).unwrap()
}

/// Reads a notification of messages.
fn read_of(messages: Value) -> Notification {
    read(&notification(messages))
}

fn reasons(notified: &Notification) -> Vec<(&'static str, usize)> {
    notified.ignored.counts().map(|(why, count)| (why.into_str(), count)).collect()
}

/// The opt-ins that are made of it, cleaned.
fn opt_ins(notified: Notification) -> Vec<OptIn> {
    let account = Account::default();
    let mut opt_ins: Vec<OptIn> =
        notified.opt_ins.into_iter().map(|request| request.into_opt_in(&account, "Y6nRLr", &[])).collect();
    opt_ins.iter_mut().for_each(|opt_in| opt_in.take_in().unwrap());
    opt_ins
}

fn opt_in(notified: Notification) -> OptIn {
    let [opt_in] = <[OptIn; 1]>::try_from(opt_ins(notified)).unwrap();
    opt_in
}

#[test]
fn only_the_accounts_own_numbers_count() {
    let body = notification(json!([written("SUBSCRIBE"), written("hello")]));
    let read = |numbers| {
        let notified = read_with(&body, |rules| rules.numbers = numbers).unwrap();
        (notified.opt_ins.len(), reasons(&notified))
    };
    for own in [None, Some("106540352242922"), Some("7\n106540352242922")] {
        assert_eq!(read(own), (1, vec![("not-a-wish", 1)]));
    }
    for other in ["7", "10654035224292", "15550783881"] {
        assert_eq!(read(Some(other)), (0, vec![("not-a-wish", 1), ("foreign-number", 1)]), "{other}");
    }
    let text = String::from_utf8(body.clone()).unwrap();
    let unnamed = text.replace("phone_number_id", "id");
    let notified = read_with(unnamed.as_bytes(), |rules| rules.numbers = Some("106540352242922")).unwrap();
    assert_eq!((notified.opt_ins.len(), reasons(&notified)[1]), (0, ("foreign-number", 1)));
    let page = text.replace("whatsapp_business_account", "page");
    assert_eq!(reasons(&self::read(page.as_bytes())), [("empty", 1)]);
}

#[test]
fn a_message_has_an_age() {
    let week = 7 * 24 * 60 * 60;
    let read = |timestamp: Value, now: i64| {
        let mut message = written("SUBSCRIBE");
        message["timestamp"] = timestamp;
        let notified = read_with(&notification(json!([message])), |rules| rules.now = now).unwrap();
        (notified.opt_ins.len(), reasons(&notified))
    };
    let old = (0, vec![("old", 1)]);
    assert_eq!(read(json!(NOW.to_string()), NOW + week), (1, vec![]));
    assert_eq!(read(json!(NOW.to_string()), NOW + week + 1), old);
    // Each of the two clocks may be ahead.
    assert_eq!(read(json!(NOW.to_string()), NOW - 60), (1, vec![]));
    for as_number in [json!(NOW), json!(NOW as f64), json!(format!("{NOW}.5")), json!(NOW * 1_000)] {
        assert_eq!(read(as_number, NOW), (1, vec![]));
    }
    for unreadable in [
        Value::Null,
        json!(""),
        json!("yesterday"),
        json!([]),
        json!(i64::MIN.to_string()),
        json!("99999999999"),
        json!("1e999"),
        json!("NaN"),
    ] {
        assert_eq!(read(unreadable, NOW), old);
    }
}

#[test]
fn the_word_and_nothing_else_opts_its_sender_in() {
    let found = opt_in(read_of(json!([written("\u{200e}subscribe\u{200b}\n")])));
    assert_eq!(found.id.as_deref(), Some("wamid.1"));
    assert_eq!(found.phone_number.as_deref(), Some("+919820000001"));
    assert_eq!((found.first_name.as_deref(), found.last_name.as_deref()), (Some("Priya"), Some("Sharma")));
    assert!(found.external_id.is_none() && found.properties.is_none() && found.warnings.is_empty());
    assert_eq!(read_of(json!([written("SUBSCRIBE!")])).opt_ins.len(), 1);
    let notified = read_of(json!([written("UNSUBSCRIBE!")]));
    assert_eq!((notified.opt_ins.len(), notified.opt_outs.len()), (0, 1));
    for words in ["", "please subscribe", "SUBSCRIBE?", "subscribe subscribe"] {
        let notified = read_of(json!([written(words)]));
        assert_eq!((notified.opt_ins.len(), reasons(&notified)), (0, vec![("not-a-wish", 1)]), "{words}");
    }
}

#[test]
fn buttons_and_choices_say_it_by_their_id_and_by_their_label() {
    for (part, says) in [
        (json!({ "button": { "text": "Subscribe", "payload": "x" } }), true),
        (json!({ "button": { "text": "Yes, please", "payload": "SUBSCRIBE" } }), true),
        (json!({ "button": { "payload": "opt_in" } }), true),
        (json!({ "button": { "text": 7, "payload": "opt_in" } }), true),
        (json!({ "button": { "text": "No", "payload": "x" } }), false),
        (json!({ "interactive": { "button_reply": { "id": "1", "title": "Subscribe" } } }), true),
        (json!({ "interactive": { "button_reply": { "id": "opt_in", "title": "Yes" } } }), true),
        (
            json!({ "interactive": { "list_reply": { "id": "1", "title": "Subscribe", "description": "x" } } }),
            true,
        ),
        (json!({ "interactive": { "list_reply": { "id": "OPT_IN", "title": "x" } } }), true),
        (
            json!({ "interactive": { "list_reply": { "id": "x", "title": "y", "description": "Subscribe" } } }),
            false,
        ),
        // One part that cannot be read does not hide another.
        (json!({ "text": { "body": "SUBSCRIBE" }, "button": null, "interactive": [7] }), true),
        (json!({ "text": "SUBSCRIBE", "button": { "payload": "opt_in" } }), true),
    ] {
        let notified = read_of(json!([message(part.clone())]));
        assert_eq!(notified.opt_ins.len(), usize::from(says), "{part}");
        assert_eq!(reasons(&notified).is_empty(), says, "{part}");
    }
    for part in [
        json!({ "type": "image", "image": { "caption": "SUBSCRIBE" } }),
        json!({ "type": "reaction", "reaction": { "emoji": "SUBSCRIBE" } }),
        json!({ "type": "unsupported", "errors": [{ "code": 131051 }] }),
        json!({ "text": null }),
        json!({ "interactive": {} }),
    ] {
        let notified = read_of(json!([message(part.clone())]));
        assert_eq!(
            (notified.opt_ins.len(), reasons(&notified)),
            (0, vec![("unsupported-type", 1)]),
            "{part}"
        );
    }
}

/// A Flow's answer.
fn flow(response: Value) -> Value {
    message(json!({ "interactive": { "type": "nfm_reply", "nfm_reply": {
        "name": "flow", "body": "Sent", "response_json": response,
    } } }))
}

#[test]
fn a_flow_says_yes_or_no_and_who_it_is() {
    for (response, yes) in [
        (json!({ "flow_token": "opt_in", "email": "p@example.com" }), Some(true)),
        (json!({ "choice": "0_Subscribe" }), Some(true)),
        (json!({ "screen_0_OptIn_0": true }), Some(true)),
        (json!({ "consent": "Yes" }), Some(true)),
        (json!({ "consent": ["0_Yes,_please"] }), Some(true)),
        (json!({ "Marketing Consent": "I agree" }), Some(true)),
        (json!({ "newsletter": 1 }), Some(true)),
        (json!({ "email_opt_in": "on" }), Some(true)),
        (json!({ "data": { "whatsapp_opt_in": "true" } }), Some(true)),
        (json!({ "consent": "SUBSCRIBE" }), Some(true)),
        (json!({ "consent": false, "flow_token": "SUBSCRIBE" }), Some(false)),
        (json!({ "consent": "no", "choice": "subscribe" }), Some(false)),
        (json!({ "opt-in": "1_No" }), Some(false)),
        (json!({ "newsletter": [] }), Some(false)),
        (json!({ "subscribe": 0 }), Some(false)),
        (json!({ "consent": "not now" }), Some(false)),
        (json!({ "optIn": true, "newsletter": "unsubscribed" }), Some(false)),
        (json!({ "consent": null }), Some(false)),
        (json!({ "terms_consent": true, "unsubscribe": "yes", "sms_consent": true }), Some(false)),
        (json!({ "terms_consent": true, "unsubscribe": "no", "sms_consent": true }), None),
        // The business writes the word here, and the person makes the choice.
        (json!({ "flow_token": "SUBSCRIBE", "screen_0_Want_our_newsletter_0": "0_No" }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "marketing_consent_2026": false }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "consent": "I do not agree" }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "consent": "0_I_don\u{2019}t_want_any" }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "consent": "" }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "opt_out": true }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "data": { "unsubscribe": ["0_Yes"] } }), Some(false)),
        (json!({ "flow_token": "SUBSCRIBE", "updates": ["0_Offers", "1_News"] }), Some(true)),
        (json!({ "flow_token": "SUBSCRIBE", "unsubscribe": false }), Some(true)),
        (json!({ "subscription": { "consent": "yes", "sms_consent": false } }), Some(true)),
        (json!({ "email": "subscribe" }), None),
        (json!({}), None),
        (json!([true]), None),
        (json!("SUBSCRIBE"), None),
    ] {
        let expected = match yes {
            Some(true) => (1, vec![]),
            Some(false) => (0, vec![("declined", 1)]),
            None => (0, vec![("not-a-wish", 1)]),
        };
        // As a text, as Meta sends it, and as an object.
        for response in [json!(response.to_string()), response] {
            let notified = read_of(json!([flow(response.clone())]));
            assert_eq!((notified.opt_ins.len(), reasons(&notified)), expected, "{response}");
        }
    }
    for unclear in [
        json!({ "consent": "perhaps" }),
        json!({ "consent": "perhaps", "flow_token": "SUBSCRIBE" }),
        json!({ "consent": { "value": 7 }, "flow_token": "SUBSCRIBE" }),
        json!({ "updates": ["0_Offers"] }),
    ] {
        let notified = read_of(json!([flow(json!(unclear.to_string()))]));
        assert_eq!((notified.opt_ins.len(), reasons(&notified)), (0, vec![("unclear", 1)]), "{unclear}");
    }
    let mut named = flow(json!("{}"));
    named["interactive"]["nfm_reply"]["name"] = json!("subscribe");
    assert_eq!(read_of(json!([named])).opt_ins.len(), 1);

    for (fields, email, first, last) in [
        (
            json!({ "email": " Priya <p@example.com> ", "name": "Priya R. Sharma" }),
            true,
            "Priya",
            "R. Sharma",
        ),
        (json!({ "screen_0_Email_1": "p@example.com", "screen_0_First_Name_0": "Pri" }), true, "Pri", ""),
        (json!({ "E-Mail": "p@example.com", "surname": "Rao", "givenName": "Pri" }), true, "Pri", "Rao"),
        (json!({ "customer_email": "p@example.com", "your_name": "Pri Rao" }), true, "Pri", "Rao"),
        (json!({ "email": "none", "username": "nobody" }), false, "Priya", "Sharma"),
        (json!({ "email": 7, "name": null, "first_name": " " }), false, "Priya", "Sharma"),
    ] {
        let mut answer = fields.clone();
        answer["consent"] = json!(true);
        let opt_in = opt_in(read_of(json!([flow(json!(answer.to_string()))])));
        assert_eq!(opt_in.email.as_deref(), email.then_some("p@example.com"), "{fields}");
        assert_eq!(opt_in.phone_number.as_deref(), Some("+919820000001"));
        assert_eq!(opt_in.first_name.as_deref(), Some(first), "{fields}");
        assert_eq!(opt_in.last_name.unwrap_or_default(), last, "{fields}");
    }
    // An invalid email is left out, and nothing else is.
    let bad = opt_in(read_of(json!([flow(json!(
        json!({ "consent": 1, "email": "x".repeat(1 << 20) }).to_string()
    ))])));
    assert_eq!((bad.email, bad.warnings.len()), (None, 1));
}

#[test]
fn whatever_writes_a_number_it_is_the_persons() {
    for (from, right) in [
        (json!("919820000001"), "+919820000001"),
        (json!("+919820000001"), "+919820000001"),
        (json!(" \u{200e}919820000001 "), "+919820000001"),
        (json!(919_820_000_001_u64), "+919820000001"),
        (json!(919_820_000_001.0), "+919820000001"),
        (json!("5215512345678"), "+525512345678"),
        (json!("558199112233"), "+5581999112233"),
        (json!("5491112345678"), "+5491112345678"),
        (json!("+55 81 9911-2233"), "+5581999112233"),
        (json!("+52 1 55 1234 5678"), "+525512345678"),
    ] {
        let mut message = written("SUBSCRIBE");
        message["from"] = from.clone();
        assert_eq!(opt_in(read_of(json!([message]))).phone_number.as_deref(), Some(right), "{from}");
    }
    // An invalid number is not skipped: it makes an opt-in that is refused with a reason.
    for (from, field) in [
        (json!("9198200000010000"), "phone_number"),
        (json!("12"), "phone_number"),
        (json!("x"), "phone_number"),
        (json!(9.1982e21), "phone_number"),
        (json!(919_820_000_001.5), "phone_number"),
        (json!(-919_820_000_001_i64), "email"),
        (json!(null), "email"),
        (json!([]), "email"),
        (json!(" "), "email"),
    ] {
        let mut message = written("SUBSCRIBE");
        message["from"] = from.clone();
        let notified = read_of(json!([message]));
        let mut request =
            notified.opt_ins.into_iter().next().unwrap().into_opt_in(&Account::default(), "x", &[]);
        assert_eq!(request.check(), Ok(()), "{from}");
        // Without any identifier the error names the first one.
        assert_eq!(request.take_in().unwrap_err().field, field, "{from}");
    }
}

/// One notification, of these contacts and this message.
fn of_person(contacts: Value, person: Value) -> Vec<u8> {
    let mut message = message(json!({ "text": { "body": "SUBSCRIBE" } }));
    message.as_object_mut().unwrap().remove("from");
    for (name, value) in person.as_object().unwrap() {
        message[name] = value.clone();
    }
    let mut body: Value = serde_json::from_slice(&notification(json!([message]))).unwrap();
    body["entry"][0]["changes"][0]["value"]["contacts"] = contacts;
    body.to_string().into_bytes()
}

const ID: &str = "IN.13491208655302741918";

#[test]
fn somebody_without_a_number_is_known_by_whatsapps_id() {
    let profile = json!({ "name": "Priya Sharma", "username": "@priya" });
    for (contact, person) in [
        (json!({ "user_id": ID, "profile": profile }), json!({ "from_user_id": ID })),
        (json!({ "user_id": ID, "profile": profile }), json!({ "from": ID })),
        (
            json!({ "user_id": ID, "profile": profile, "wa_id": ID }),
            json!({ "from": ID, "from_user_id": ID }),
        ),
        (
            json!({ "user_id": ID, "profile": profile, "parent_user_id": "IN.ENT.7" }),
            json!({ "from_parent_user_id": "IN.ENT.7" }),
        ),
        (json!({ "user_id": ID, "profile": profile }), json!({ "from": "", "from_user_id": ID })),
        (json!({ "user_id": ID, "profile": profile }), json!({ "from": "IN.ENT.7", "from_user_id": ID })),
        (
            json!({ "user_id": ID, "profile": profile, "wa_id": "IN.ENT.7", "parent_user_id": "IN.ENT.7" }),
            json!({ "from": "IN.ENT.7" }),
        ),
    ] {
        let body = of_person(json!([{ "wa_id": "1555" }, contact]), person.clone());
        let found = opt_in(read(&body));
        assert_eq!((found.external_id.as_deref(), &found.phone_number), (Some(ID), &None), "{person}");
        assert_eq!(found.last_name.as_deref(), Some("Sharma"), "{person}");
        let properties: Value = serde_json::from_str(found.properties.unwrap().get()).unwrap();
        assert_eq!(properties, json!({ "whatsapp_user_id": ID, "whatsapp_username": "@priya" }));
        assert!(found.consent.is_empty());
        assert_eq!(found.warnings.len(), 1);
        assert!(found.warnings[0].starts_with("phone_number: "));

        let off = read_with(&body, |rules| rules.numbers_only = true).unwrap();
        assert_eq!((off.opt_ins.len(), reasons(&off)), (0, vec![("without-number", 1)]));
    }
    // The answers in a Flow go into the opt-in.
    let mut answer = flow(json!(r#"{"consent":true,"email":"p@example.com"}"#));
    answer.as_object_mut().unwrap().remove("from");
    answer["from_user_id"] = json!(ID);
    let found = opt_in(read_of(json!([answer])));
    let known = (found.email.as_deref(), found.external_id.as_deref(), found.phone_number);
    assert_eq!(known, (Some("p@example.com"), Some(ID), None));
    // A warning names an invalid number.
    let both = opt_in(read(&of_person(json!(null), json!({ "from": "12", "from_user_id": ID }))));
    assert_eq!((both.external_id.as_deref(), both.phone_number, both.warnings.len()), (Some(ID), None, 2));
    for not_one in ["IN", "IN.", "IN.x y", "I.1", "1N.1", "INN.1", &format!("IN.{}", "1".repeat(129))] {
        let notified = read(&of_person(json!(null), json!({ "from_user_id": not_one })));
        let mut request =
            notified.opt_ins.into_iter().next().unwrap().into_opt_in(&Account::default(), "x", &[]);
        assert!(request.external_id.is_none() && request.take_in().is_err(), "{not_one}");
    }
    let longest = format!("IN.{}", "a".repeat(128));
    let notified = read(&of_person(json!(null), json!({ "from_user_id": longest })));
    assert_eq!(opt_in(notified).external_id.as_deref(), Some(&*longest));
}

#[test]
fn an_opt_in_consents_to_what_its_account_says_and_the_person_can_be_reached_by() {
    let all = [Channel::Whatsapp, Channel::Email, Channel::Sms];
    let form = flow(json!(r#"{"consent":true,"email":"p@example.com"}"#));
    let by_number = || message(json!({ "text": { "body": "SUBSCRIBE" } }));
    let by_id = || of_person(json!(null), json!({ "from_user_id": ID }));
    for (body, asked, given) in [
        (notification(json!([by_number()])), &all[..], &[Channel::Whatsapp, Channel::Sms][..]),
        (notification(json!([by_number()])), &all[..1], &all[..1]),
        (notification(json!([by_number()])), &[], &[]),
        (notification(json!([form])), &all[..2], &all[..2]),
        (by_id(), &all[..], &[]),
    ] {
        let request = read(&body).opt_ins.into_iter().next().unwrap();
        let mut opt_in = request.into_opt_in(&Account::default(), "Y6nRLr", asked);
        assert_eq!(opt_in.consent, given);
        assert_eq!(opt_in.consent_source.is_some(), !given.is_empty());
        opt_in.take_in().unwrap();
        assert_eq!(opt_in.check(), Ok(()));
    }
}

#[test]
fn with_a_number_beside_it_is_the_number() {
    let contact =
        json!([{ "user_id": ID, "wa_id": "919820000001", "profile": { "name": "Priya", "username": "@p" } }]);
    for person in [
        json!({ "from": "919820000001", "from_user_id": ID }),
        json!({ "from": "+919820000001" }),
        json!({ "from_user_id": ID }),
        json!({ "from": ID }),
    ] {
        for numbers_only in [false, true] {
            let body = of_person(contact.clone(), person.clone());
            let found = opt_in(read_with(&body, |rules| rules.numbers_only = numbers_only).unwrap());
            assert_eq!(found.phone_number.as_deref(), Some("+919820000001"), "{person}");
            assert_eq!(found.first_name.as_deref(), Some("Priya"), "{person}");
            assert!(found.external_id.is_none() && found.properties.is_none() && found.warnings.is_empty());
        }
    }
}

#[test]
fn nobody_gets_the_name_of_another_and_nobody_is_hidden() {
    let from = json!({ "from": "919820000001" });
    for contacts in [
        json!(null),
        json!({}),
        json!({ "wa_id": "919820000001" }),
        json!("x"),
        json!(7),
        json!([]),
        json!([null, 7, "x", {}, []]),
        json!([{ "wa_id": "919820000001" }]),
        json!([{ "wa_id": "919820000001", "profile": null }]),
        json!([{ "wa_id": "919820000001", "profile": { "name": 7 } }]),
        json!([{ "wa_id": "919820000001", "profile": { "name": " \u{200b}" } }]),
        json!([{ "wa_id": "919820000002", "profile": { "name": "Other" } }]),
        json!([{ "wa_id": null, "profile": { "name": "Other" } }]),
        json!([{ "user_id": ID, "profile": { "name": "Other" } }]),
    ] {
        let found = opt_in(read(&of_person(contacts.clone(), from.clone())));
        assert_eq!(
            (found.first_name, found.phone_number.as_deref()),
            (None, Some("+919820000001")),
            "{contacts}"
        );
    }
    for contacts in [
        json!([{ "wa_id": "919820000002", "profile": { "name": "Other" } }, { "wa_id": "919820000001", "profile": { "name": "Pri" } }]),
        json!([{ "wa_id": 919_820_000_001_u64, "profile": { "name": "Pri" } }]),
        json!([{ "wa_id": "+919820000001", "profile": { "name": "\u{200e}Pri " } }]),
    ] {
        let found = opt_in(read(&of_person(contacts.clone(), from.clone())));
        assert_eq!(found.first_name.as_deref(), Some("Pri"), "{contacts}");
    }
}

#[test]
fn what_is_unknown_does_not_hide_what_is_known() {
    let odd = json!([7, null, "x", [], {}, { "id": "x" }, written("SUBSCRIBE"), message(json!({ "type": "system" }))]);
    let notified = read_of(odd);
    assert_eq!(notified.opt_ins.len(), 1);
    assert_eq!(reasons(&notified), [("unsupported-type", 3), ("unreadable", 4)]);
    let body = json!({ "object": "whatsapp_business_account", "entry": [7, { "changes": "x" }, { "changes": [
        { "value": { "statuses": [{}, 7] } },
        { "value": 7 },
        { "value": { "messages": { "0": written("SUBSCRIBE") } } },
        { "value": { "messages": [written("SUBSCRIBE")], "contacts": [{}, { "wa_id": "1" }] } },
    ] }] });
    let notified = read(body.to_string().as_bytes());
    assert_eq!(notified.opt_ins.len(), 1);
    assert_eq!(reasons(&notified), [("status", 1), ("unreadable", 5)]);
    for field in ["message_echoes", "smb_message_echoes", "history", "account_update"] {
        let body = String::from_utf8(notification(json!([written("SUBSCRIBE")]))).unwrap();
        let notified =
            read(body.replace("\"field\":\"messages\"", &format!("\"field\":\"{field}\"")).as_bytes());
        assert_eq!((notified.opt_ins.len(), reasons(&notified)), (0, vec![("other-field", 1)]));
    }
    for empty in ["{}", "[]", "null", "7", r#"{"entry": {}}"#, r#"{"object":"whatsapp_business_account"}"#] {
        assert_eq!(reasons(&read(empty.as_bytes())), [("empty", 1)]);
    }
    for broken in [&b"SUBSCRIBE"[..], b"", b"{", b"\xff\xfe", b"{} x"] {
        assert_eq!(read_with(broken, |_| {}), None);
    }
}

#[test]
fn a_message_without_an_id_has_one_of_its_own() {
    let mut one = written("SUBSCRIBE");
    one["id"] = json!("");
    let mut other = one.clone();
    other["from"] = json!("919820000002");
    let id = |message: &Value| opt_in(read_of(json!([message]))).id.unwrap();
    assert_eq!(id(&one), id(&one));
    assert_ne!(id(&one), id(&other));
}

#[test]
fn of_two_fields_of_one_name_the_last_counts() {
    let body = String::from_utf8(notification(json!([written("hello")]))).unwrap();
    let twice = body
        .replace("\"from\":", "\"from\":\"1555\",\"text\":7,\"from\":")
        .replace("\"text\":{\"body\":\"hello\"}", "\"text\":{\"body\":\"hello\",\"body\":\"SUBSCRIBE\"}");
    let found = read(twice.as_bytes());
    assert_eq!(found.opt_ins.len(), 1, "{twice}");
    assert_eq!(opt_in(found).phone_number.as_deref(), Some("+919820000001"));
}

fn preferences(preferences: Value) -> Vec<u8> {
    json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "field": "user_preferences", "value": {
        "metadata": { "phone_number_id": "106540352242922" },
        "contacts": [{ "wa_id": "919820000001", "user_id": ID }],
        "user_preferences": preferences,
    } }] }] })
    .to_string()
    .into_bytes()
}

fn stop(changes: Value) -> Value {
    let mut preference = json!({
        "wa_id": "919820000001", "category": "marketing_messages", "value": "stop", "timestamp": NOW,
    });
    for (name, change) in changes.as_object().unwrap() {
        preference[name] = change.clone();
    }
    preference
}

#[test]
fn who_presses_stop_leaves_whatsapp() {
    for (changes, number, at) in [
        (json!({}), Some("+919820000001"), NOW * 1_000 + 999),
        (json!({ "wa_id": 919_820_000_001_u64 }), Some("+919820000001"), NOW * 1_000 + 999),
        (json!({ "wa_id": "5215512345678" }), Some("+525512345678"), NOW * 1_000 + 999),
        (json!({ "wa_id": null, "user_id": ID }), Some("+919820000001"), NOW * 1_000 + 999),
        (
            json!({ "value": "STOP", "timestamp": (NOW * 1_000 + 7).to_string() }),
            Some("+919820000001"),
            NOW * 1_000 + 7,
        ),
        (json!({ "timestamp": null }), Some("+919820000001"), NOW * 1_000 + 999),
        (json!({ "wa_id": null, "user_id": "IN.7" }), None, NOW * 1_000 + 999),
    ] {
        let notified = read(&preferences(json!([stop(changes.clone())])));
        assert!(notified.opt_ins.is_empty() && reasons(&notified).is_empty(), "{changes}");
        let [opt_out] = <[OptOut; 1]>::try_from(opt_outs(notified)).unwrap();
        assert_eq!(opt_out.phone_number.as_deref(), number, "{changes}");
        assert_eq!(opt_out.opt_out, [Channel::Whatsapp]);
        assert_eq!(opt_out.at.unwrap().unix_ms(), at, "{changes}");
        if number.is_none() {
            assert_eq!(opt_out.external_id.as_deref(), Some("IN.7"));
        }
        let resume = read(&preferences(json!([stop({
            let mut changes = changes.clone();
            changes["value"] = json!("resume");
            changes["timestamp"] = json!(NOW);
            changes
        })])));
        let [resume] = <[Resume; 1]>::try_from(resumes(resume)).unwrap();
        assert_eq!((resume.phone_number.as_deref(), resume.at.unwrap().unix_ms()), (number, NOW * 1_000));
    }
    let id = |changes: Value| opt_outs(read(&preferences(json!([stop(changes)])))).remove(0).id;
    assert_eq!(id(json!({})), id(json!({})));
    // A later one has another id, and that of another person.
    assert_ne!(id(json!({})), id(json!({ "timestamp": NOW + 1 })));
    assert_ne!(id(json!({})), id(json!({ "wa_id": "919820000002" })));
}

#[test]
fn what_takes_nothing_back_is_counted() {
    for (preference, reason) in [
        (stop(json!({ "category": "utility_messages" })), "preference"),
        (stop(json!({ "value": null })), "unreadable"),
        (stop(json!({ "value": "pause" })), "unreadable"),
        (json!({}), "preference"),
        (json!(7), "unreadable"),
        (stop(json!({ "timestamp": NOW - 8 * 24 * 60 * 60 })), "old"),
        (stop(json!({ "value": "resume", "timestamp": null })), "old"),
        (stop(json!({ "wa_id": null })), "nobody"),
        (stop(json!({ "value": "resume", "wa_id": null })), "nobody"),
    ] {
        let notified = read(&preferences(json!([preference])));
        assert_eq!((notified.opt_outs.len(), notified.resumes.len()), (0, 0), "{preference}");
        assert_eq!(reasons(&notified), vec![(reason, 1)], "{preference}");
    }
    let foreign =
        read_with(&preferences(json!([stop(json!({}))])), |rules| rules.numbers = Some("7")).unwrap();
    assert_eq!((foreign.opt_outs.len(), reasons(&foreign)), (0, vec![("foreign-number", 1)]));
}

const SPANISH: &str = r#"{"languages": {"es": {"opt_in_words": ["ALTA"], "opt_out_words": ["BAJA"], "resume_words": ["VOLVER"]}}}"#;

#[test]
fn words_stop_and_resume_in_every_language_and_part() {
    for (part, language) in [
        (json!({ "text": { "body": " stop\u{200b}" } }), None),
        (json!({ "text": { "body": "Unsubscribe" } }), None),
        (json!({ "text": { "body": "Baja" } }), Some("es")),
        (json!({ "button": { "text": "No more", "payload": "STOP" } }), None),
        (json!({ "button": { "text": "Stop", "payload": "SUBSCRIBE" } }), None),
        (json!({ "interactive": { "list_reply": { "id": "opt_in", "title": "baja" } } }), Some("es")),
    ] {
        let notified = read_as(SPANISH, &notification(json!([message(part.clone())])));
        assert!(notified.opt_ins.is_empty() && reasons(&notified).is_empty(), "{part}");
        let [opt_out] = <[OptOut; 1]>::try_from(opt_outs(notified)).unwrap();
        assert_eq!(
            (opt_out.id.as_str(), opt_out.phone_number.as_deref()),
            ("wamid.1", Some("+919820000001"))
        );
        let said = opt_out.whatsapp.unwrap();
        assert_eq!((said.message_id.as_str(), said.language.as_deref()), ("wamid.1", language), "{part}");
        assert_eq!(said.phone_number_id.as_deref(), Some("106540352242922"));
        assert_eq!(said.number.as_deref(), Some("919820000001"));
    }
    for (word, language) in [("START", None), ("volver", Some("es"))] {
        let [resume] =
            <[Resume; 1]>::try_from(resumes(read_as(SPANISH, &notification(json!([written(word)])))))
                .unwrap();
        assert_eq!(resume.whatsapp.unwrap().language.as_deref(), language, "{word}");
        assert_eq!(resume.at.unwrap().unix_ms(), NOW * 1_000);
    }
    for (word, language) in [("SUBSCRIBE", None), ("alta", Some("es"))] {
        let found = opt_in(read_as(SPANISH, &notification(json!([written(word)]))));
        assert_eq!(found.whatsapp.unwrap().language.as_deref(), language, "{word}");
        assert_eq!(found.at.unwrap().unix_ms(), NOW * 1_000);
    }
    // Without a time an opt-out is done, and a resume is not.
    for (word, done) in [("STOP", true), ("START", false)] {
        let mut undated = written(word);
        undated.as_object_mut().unwrap().remove("timestamp");
        let notified = read_of(json!([undated]));
        assert_eq!(notified.opt_outs.len() + notified.resumes.len(), usize::from(done), "{word}");
        assert_eq!(reasons(&notified).is_empty(), done, "{word}");
    }
    let foreign =
        read_with(&notification(json!([written("STOP")])), |rules| rules.numbers = Some("7")).unwrap();
    assert_eq!((foreign.opt_outs.len(), reasons(&foreign)), (0, vec![("foreign-number", 1)]));
}

#[test]
fn who_has_no_number_stops_by_whatsapps_id() {
    let mut stopping = written("STOP");
    stopping.as_object_mut().unwrap().remove("from");
    stopping["from_user_id"] = json!(ID);
    let [opt_out] = <[OptOut; 1]>::try_from(opt_outs(read_of(json!([stopping.clone()])))).unwrap();
    assert_eq!((opt_out.phone_number, opt_out.external_id.as_deref()), (None, Some(ID)));
    let said = opt_out.whatsapp.unwrap();
    assert_eq!((said.number, said.user_id.as_deref()), (None, Some(ID)));
    // With both, either may be what Klaviyo knows.
    stopping["from"] = json!("919820000001");
    let [opt_out] = <[OptOut; 1]>::try_from(opt_outs(read_of(json!([stopping])))).unwrap();
    assert_eq!(
        (opt_out.phone_number.as_deref(), opt_out.external_id.as_deref()),
        (Some("+919820000001"), Some(ID))
    );
}

#[test]
fn the_number_that_was_asked_for_completes_the_person() {
    let shared = json!([{ "name": { "formatted_name": "Priya" }, "phones": [{ "phone": "+91 98200 00009", "wa_id": "919820000009" }] }]);
    let asked = |message: Value| -> Option<OptIn> {
        let mut message = message;
        message["type"] = json!("contacts");
        message.as_object_mut().unwrap().remove("from");
        message["from_user_id"] = json!(ID);
        let notified = read_of(json!([message]));
        let reasons = reasons(&notified);
        let found = opt_ins(notified).pop();
        assert_eq!(reasons.is_empty(), found.is_some());
        found
    };
    let mut marked = shared.clone();
    marked[0]["origin"] = json!("contact_request");
    for message in [
        message(json!({ "contacts": shared, "origin": "contact_request" })),
        message(json!({ "contacts": marked })),
        message(json!({ "contacts": { "origin": "contact_request", "contacts": shared } })),
        message(json!({ "contacts": marked[0] })),
    ] {
        let found = asked(message.clone()).unwrap_or_else(|| panic!("{message}"));
        assert_eq!(
            (found.phone_number.as_deref(), found.external_id.as_deref()),
            (Some("+919820000009"), Some(ID))
        );
        assert!(found.completes && found.warnings.is_empty(), "{message}");
    }
    // The number of a friend.
    assert!(asked(message(json!({ "contacts": shared }))).is_none());
    assert!(asked(message(json!({ "contacts": shared, "origin": "other" }))).is_none());
    assert!(asked(message(json!({ "contacts": [], "origin": "contact_request" }))).is_none());
    // An invalid number leaves the person known as before.
    let mut invalid = shared.clone();
    invalid[0]["phones"] = json!([{ "phone": "12" }]);
    let found = asked(message(json!({ "contacts": invalid, "origin": "contact_request" }))).unwrap();
    assert_eq!((found.phone_number, found.external_id.as_deref()), (None, Some(ID)));
}

fn statuses(statuses: Value) -> Vec<u8> {
    json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "field": "messages", "value": {
        "metadata": { "phone_number_id": "106540352242922" }, "statuses": statuses,
    } }] }] })
    .to_string()
    .into_bytes()
}

fn status(changes: Value) -> Value {
    let mut status = json!({ "id": "wamid.9", "status": "delivered", "timestamp": NOW.to_string(), "recipient_id": "919820000001" });
    for (name, change) in changes.as_object().unwrap() {
        status[name] = change.clone();
    }
    status
}

#[test]
fn who_has_stopped_is_seen_by_a_message_that_failed() {
    let stopped =
        json!({ "status": "failed", "errors": [{ "code": 131026 }, { "code": 131050, "title": "stopped" }] });
    let [opt_out] =
        <[OptOut; 1]>::try_from(opt_outs(read(&statuses(json!([status(stopped.clone())]))))).unwrap();
    assert_eq!(
        (opt_out.phone_number.as_deref(), opt_out.at.unwrap().unix_ms()),
        (Some("+919820000001"), NOW * 1_000 + 999)
    );
    assert!(opt_out.whatsapp.is_none());
    let mut hidden = stopped;
    hidden["recipient_id"] = json!(null);
    hidden["recipient_user_id"] = json!(ID);
    let notified =
        read_as(r#"{"delivery_events": {"failed": "Failed"}}"#, &statuses(json!([status(hidden)])));
    assert_eq!(notified.statuses.len(), 1);
    assert_eq!(opt_outs(notified)[0].external_id.as_deref(), Some(ID));
    for other in [
        json!({}),
        json!({ "status": "failed", "errors": [{ "code": 131026 }] }),
        json!({ "status": "failed", "errors": null }),
        json!({ "status": 7 }),
    ] {
        let notified = read(&statuses(json!([status(other.clone())])));
        assert_eq!((notified.opt_outs.len(), reasons(&notified)), (0, vec![("status", 1)]), "{other}");
    }
}

#[test]
fn statuses_are_events_where_a_metric_is_named() {
    let named = r#"{"delivery_events": {"delivered": "WhatsApp delivered", "failed": "WhatsApp failed"}}"#;
    let failed = json!({ "status": "failed", "errors": [{ "code": 131026, "title": "Undeliverable", "error_data": { "details": "Not on WhatsApp" } }] });
    let notified = read_as(
        named,
        &statuses(json!([status(json!({})), status(json!({ "status": "read" })), status(failed)])),
    );
    assert_eq!(reasons(&notified), [("status", 1)]);
    let found = events(notified);
    let metrics: Vec<&str> = found.iter().map(|event| event.metric.as_str()).collect();
    assert_eq!(metrics, ["WhatsApp delivered", "WhatsApp failed"]);
    assert_eq!(found[0].phone_number.as_deref(), Some("+919820000001"));
    assert_eq!(found[0].at.unwrap().unix_ms(), NOW * 1_000);
    assert_eq!(
        Value::from(found[1].properties.clone()),
        json!({ "message_id": "wamid.9", "status": "failed", "phone_number_id": "106540352242922", "code": 131026, "reason": "Not on WhatsApp" })
    );
    assert_ne!(found[0].id, found[1].id);
    let again = events(read_as(named, &statuses(json!([status(json!({ "timestamp": NOW + 1 }))]))));
    assert_eq!(again[0].id, found[0].id);
    let hidden = json!({ "recipient_id": null, "recipient_user_id": ID });
    let hidden = events(read_as(named, &statuses(json!([status(hidden)]))));
    assert_eq!((hidden[0].phone_number.as_ref(), hidden[0].external_id.as_deref()), (None, Some(ID)));
    let event = hidden[0].event().unwrap();
    assert_eq!(event.unique_id, hidden[0].id);
}

/// Meta signs its notifications, but anybody can write to a number.
#[test]
fn whatever_is_in_a_notification_it_is_read_in_time() {
    let begun = std::time::Instant::now();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let body = String::from_utf8(notification(json!([written("SUBSCRIBE")]))).unwrap();
    let deep_inside = body.replace("\"type\":\"text\"", &format!("\"type\":{}", deep(1_000_000)));
    assert_eq!(read(deep_inside.as_bytes()).opt_ins.len(), 1);
    let objects = format!("{}1{}", "{\"a\":".repeat(200_000), "}".repeat(200_000));
    for response in [deep(1_000_000), objects.clone(), "x".repeat(1 << 20), "{".to_owned(), "\0".to_owned()] {
        let notified = read_of(json!([flow(json!(response)), written("SUBSCRIBE")]));
        assert_eq!((notified.opt_ins.len(), reasons(&notified)), (1, vec![("not-a-wish", 1)]));
    }
    // Many people, with as many contacts.
    let people = 20_000;
    let contacts: Vec<Value> = (0..people)
        .map(|n| json!({ "wa_id": format!("9198200{n:05}"), "profile": { "name": format!("P{n}") } }))
        .collect();
    let messages: Vec<Value> = (0..people)
        .rev()
        .map(|n| json!({ "from": format!("9198200{n:05}"), "id": n.to_string(), "timestamp": NOW, "text": { "body": "subscribe" } }))
        .collect();
    let body = json!({ "object": "whatsapp_business_account",
        "entry": [{ "changes": [{ "value": { "contacts": contacts, "messages": messages } }] }] });
    let found = opt_ins(read(body.to_string().as_bytes()));
    assert_eq!(found.len(), people);
    let name_of = |one: &OptIn| one.id.as_ref().map(|id| format!("P{id}"));
    assert!(found.iter().all(|one| one.first_name == name_of(one)));
    let many: Vec<Value> = (0..100_000).map(|_| json!({ "text": { "body": "x" } })).collect();
    assert_eq!(reasons(&read_of(json!(many))), [("not-a-wish", 100_000)]);
    let long = "é".repeat(1 << 20);
    let mut long_name = of_person(
        json!([{ "wa_id": "919820000001", "profile": { "name": long } }]),
        json!({ "from": "919820000001" }),
    );
    assert!(opt_in(read(&long_name)).first_name.unwrap().len() <= 256);
    long_name.truncate(100);
    assert_eq!(read_with(&long_name, |_| {}), None);
    // On a slow machine that has other work.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
