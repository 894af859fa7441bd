//! The notifications of Meta's WhatsApp webhook.

use crate::queue::OUTCOMES;
use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

/// A message that asks to be opted in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// The message's id. Meta delivers a message again under the same one.
    pub(super) id: String,
    /// The sender's number, with its country code.
    pub(super) phone_number: String,
    /// The name that the sender goes by.
    pub(super) name: Option<String>,
}

// What is not named here is not for this door, and may be anything. So may what is in the places of these: each part is
// read by itself, and passed over if it is not what it should be. Until then it is the text that came, which is not copied.

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    entry: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Content<'a> {
    /// Of the number that the messages were sent to.
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    phone_number_id: &'a RawValue,
}

#[derive(Deserialize)]
struct Message<'a> {
    id: String,
    from: String,
    /// When it was sent, in seconds since 1970: a string, or a number.
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    button: Option<&'a RawValue>,
    #[serde(borrow)]
    interactive: Option<&'a RawValue>,
}

/// A part, if it is what it should be.
fn part<'a, T: Deserialize<'a>>(part: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(part?.get()).ok()
}

/// The parts of an array; none if it is no array.
fn parts(array: Option<&RawValue>) -> Vec<&RawValue> {
    part(array).unwrap_or_default()
}

/// A text, or a number as it is written.
fn text_or_number(value: Option<&RawValue>) -> Option<String> {
    part(value).or_else(|| part::<Number>(value).map(|number| number.to_string()))
}

#[derive(Deserialize)]
struct Text {
    body: String,
}

/// The reply to a template's button.
#[derive(Deserialize)]
struct Button {
    text: String,
}

#[derive(Deserialize)]
struct Interactive {
    button_reply: Option<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    title: String,
}

#[derive(Deserialize)]
struct Contact {
    wa_id: String,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    name: String,
}

impl Message<'_> {
    fn sent_at(&self) -> Option<i64> {
        text_or_number(self.timestamp)?.parse().ok()
    }

    /// What was written, or the button that was pressed.
    fn words(&self) -> Option<String> {
        let text = part(self.text).map(|Text { body }| body);
        let button = || part(self.button).map(|Button { text }| text);
        let reply =
            || part(self.interactive).and_then(|Interactive { button_reply }| Some(button_reply?.title));
        text.or_else(button).or_else(reply)
    }
}

/// How old a message may be, in seconds: Meta repeats a notification for a week. Outcomes are known for as long, so that
/// with a queue none is done a second time.
const OLDEST: i64 = OUTCOMES.as_secs().cast_signed();
/// How far the clocks may be apart, in seconds. A message of the future would have no age.
const AHEAD: i64 = 24 * 60 * 60;

/// What a notification asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notified {
    pub(super) wishes: Vec<Wish>,
    /// How many more there are to other numbers.
    pub(super) foreign: usize,
    /// How many more there are that are too old, or do not say how old they are.
    pub(super) old: usize,
}

/// The messages of a notification that are nothing but this word, in either case, to one of these numbers (their ids,
/// with white space between them; none: to any), at this time in seconds since 1970. None: the body is not JSON.
pub(super) fn read(body: &[u8], word: &str, numbers: Option<&str>, now: i64) -> Option<Notified> {
    let body: &RawValue = serde_json::from_slice(body).ok()?;
    let mut notified = Notified::default();
    let Some(Body { object, entry }) = part(Some(body)) else { return Some(notified) };
    if part::<String>(object).as_deref() != Some("whatsapp_business_account") {
        return Some(notified);
    }
    let changes = parts(entry).into_iter().filter_map(|entry| part::<Entry>(Some(entry)));
    let changes = changes.flat_map(|Entry { changes }| parts(changes));
    for Change { value } in changes.filter_map(|change| part::<Change>(Some(change))) {
        let Some(Content { metadata, messages, contacts }) = part(value) else { continue };
        let number =
            part(metadata).and_then(|Metadata { phone_number_id }| text_or_number(Some(phone_number_id)));
        let is_own =
            numbers.is_none_or(|own| own.split_whitespace().any(|own| Some(own) == number.as_deref()));
        let contacts: Vec<Contact> =
            parts(contacts).into_iter().filter_map(|contact| part(Some(contact))).collect();
        for message in parts(messages).into_iter().filter_map(|message| part::<Message>(Some(message))) {
            let age = message.sent_at().map(|at| now.saturating_sub(at));
            let is_young = age.is_some_and(|age| (-AHEAD..=OLDEST).contains(&age));
            match wish(message, &contacts, word) {
                None => {}
                Some(_) if !is_own => notified.foreign += 1,
                Some(_) if !is_young => notified.old += 1,
                Some(wish) => notified.wishes.push(wish),
            }
        }
    }
    Some(notified)
}

fn wish(message: Message, contacts: &[Contact], word: &str) -> Option<Wish> {
    let is_word = message.words()?.trim().to_lowercase() == word.trim().to_lowercase();
    let is_number = !message.from.is_empty() && message.from.bytes().all(|byte| byte.is_ascii_digit());
    if !is_word || !is_number || message.id.is_empty() {
        return None;
    }
    let contact = contacts.iter().find(|contact| contact.wa_id == message.from);
    Some(Wish {
        id: message.id,
        phone_number: format!("+{}", message.from),
        name: contact.map(|contact| contact.profile.name.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn text(words: &str) -> Value {
        json!({
            "from": "919820000001", "id": "wamid.1", "timestamp": "1749416383", "type": "text",
            "text": { "body": words },
        })
    }

    const NOW: i64 = 1_749_416_383;

    fn wishes(body: &[u8], word: &str) -> Option<Vec<Wish>> {
        read(body, word, None, NOW).map(|notified| notified.wishes)
    }

    fn count(messages: Value) -> usize {
        wishes(&notification(messages), "SUBSCRIBE").unwrap().len()
    }

    #[test]
    fn only_the_accounts_own_numbers_count() {
        let body = notification(json!([text("SUBSCRIBE"), text("hello")]));
        let read = |numbers| {
            let Notified { wishes, foreign, old } = read(&body, "SUBSCRIBE", numbers, NOW).unwrap();
            (wishes.len(), foreign, old)
        };
        assert_eq!(read(None), (1, 0, 0));
        assert_eq!(read(Some("106540352242922")), (1, 0, 0));
        assert_eq!(read(Some("7\n106540352242922")), (1, 0, 0));
        for other in ["7", "10654035224292", "15550783881"] {
            assert_eq!(read(Some(other)), (0, 1, 0), "{other}");
        }
        let unnamed = String::from_utf8(body.clone()).unwrap().replace("phone_number_id", "id");
        let notified = super::read(unnamed.as_bytes(), "SUBSCRIBE", Some("106540352242922"), NOW).unwrap();
        assert_eq!((notified.wishes.len(), notified.foreign), (0, 1));
        let page = String::from_utf8(body.clone()).unwrap().replace("whatsapp_business_account", "page");
        assert_eq!(super::read(page.as_bytes(), "SUBSCRIBE", None, NOW), Some(Notified::default()));
    }

    #[test]
    fn a_message_has_an_age() {
        let week = 7 * 24 * 60 * 60;
        let read = |timestamp: Value, now: i64| {
            let mut message = text("SUBSCRIBE");
            message["timestamp"] = timestamp;
            let Notified { wishes, old, .. } =
                read(&notification(json!([message])), "SUBSCRIBE", None, now).unwrap();
            (wishes.len(), old)
        };
        assert_eq!(read(json!(NOW.to_string()), NOW + week), (1, 0));
        assert_eq!(read(json!(NOW.to_string()), NOW + week + 1), (0, 1));
        // The clock of either may be ahead.
        assert_eq!(read(json!(NOW.to_string()), NOW - 60), (1, 0));
        assert_eq!(read(json!(NOW), NOW), (1, 0));
        for unreadable in [
            Value::Null,
            json!(""),
            json!("yesterday"),
            json!([]),
            json!(i64::MIN.to_string()),
            json!("99999999999"),
            json!(NOW * 1_000),
        ] {
            assert_eq!(read(unreadable, NOW), (0, 1));
        }
    }

    #[test]
    fn the_word_and_nothing_else_opts_its_sender_in() {
        assert_eq!(
            wishes(&notification(json!([text(" subscribe\n")])), "SUBSCRIBE").unwrap(),
            [Wish {
                id: "wamid.1".to_owned(),
                phone_number: "+919820000001".to_owned(),
                name: Some("Priya Sharma".to_owned()),
            }]
        );
        for words in ["", "please subscribe", "SUBSCRIBE!", "UNSUBSCRIBE", "subscribe subscribe"] {
            assert_eq!(count(json!([text(words)])), 0, "{words}");
        }
        assert_eq!(wishes(&notification(json!([text("ÉCOUTER")])), "écouter").unwrap().len(), 1);
    }

    #[test]
    fn a_button_says_it_too() {
        let message = |kind: &str, value: Value| json!([{ "from": "1555", "id": "w", "timestamp": "1749416383", "type": kind, kind: value }]);
        assert_eq!(count(message("button", json!({ "text": "Subscribe", "payload": "x" }))), 1);
        let reply = json!({ "type": "button_reply", "button_reply": { "id": "1", "title": "Subscribe" } });
        assert_eq!(count(message("interactive", reply)), 1);
        assert_eq!(count(message("image", json!({ "caption": "SUBSCRIBE" }))), 0);
    }

    #[test]
    fn what_is_unknown_does_not_hide_what_is_known() {
        let odd = json!([7, {}, { "from": 5, "id": "x" }, { "from": "x", "id": "y", "text": { "body": "SUBSCRIBE" } },
                         text("SUBSCRIBE")]);
        assert_eq!(count(odd), 1);
        let no_contact = json!({ "object": "whatsapp_business_account", "entry": [7, { "changes": "x" }, { "changes": [{ "value": { "statuses": [{}] } },
            { "value": { "messages": [text("SUBSCRIBE")], "contacts": [{}, { "wa_id": "1" }] } }] }] });
        let found = wishes(&serde_json::to_vec(&no_contact).unwrap(), "SUBSCRIBE").unwrap();
        assert_eq!((found.len(), found[0].name.as_deref()), (1, None));
        for odd in [json!(null), json!({}), json!("x"), json!([null])] {
            let mut message = text("SUBSCRIBE");
            message["button"] = odd.clone();
            assert_eq!(count(json!([message])), 1, "{odd}");
            let body = notification(json!([text("SUBSCRIBE")]));
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            body["entry"][0]["changes"][0]["value"]["contacts"] = odd.clone();
            assert_eq!(wishes(body.to_string().as_bytes(), "SUBSCRIBE").unwrap().len(), 1, "{odd}");
        }
        for empty in ["{}", "[]", "null", r#"{"entry": {}}"#] {
            assert_eq!(wishes(empty.as_bytes(), "SUBSCRIBE"), Some(Vec::new()));
        }
        assert_eq!(wishes(b"SUBSCRIBE", "SUBSCRIBE"), None);
    }
}
