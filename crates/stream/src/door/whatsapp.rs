//! The notifications of Meta's WhatsApp webhook.

use crate::queue::OUTCOMES;
use serde::Deserialize;
use serde_json::Value;

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
// read by itself, and passed over if it is not what it should be.

#[derive(Deserialize)]
struct Change {
    /// Of the number that the messages were sent to.
    metadata: Option<Value>,
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    contacts: Vec<Value>,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    from: String,
    /// When it was sent, in seconds since 1970: a string.
    timestamp: Option<Value>,
    text: Option<Text>,
    button: Option<Button>,
    interactive: Option<Interactive>,
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

impl Message {
    fn sent_at(&self) -> Option<i64> {
        self.timestamp.as_ref()?.as_str()?.parse().ok()
    }

    /// What was written, or the button that was pressed.
    fn words(&self) -> Option<&str> {
        let text = self.text.as_ref().map(|text| text.body.as_str());
        let button = || self.button.as_ref().map(|button| button.text.as_str());
        let reply = || Some(self.interactive.as_ref()?.button_reply.as_ref()?.title.as_str());
        text.or_else(button).or_else(reply)
    }
}

/// How old a message may be, in seconds: Meta repeats a notification for a week. Outcomes are known for as long, so that
/// with a queue none is done a second time.
const OLDEST: i64 = OUTCOMES.as_secs().cast_signed();

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
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut notified = Notified::default();
    if body.get("object").and_then(Value::as_str) != Some("whatsapp_business_account") {
        return Some(notified);
    }
    let all =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for entry in all(&body, "entry") {
        for change in all(&entry, "changes") {
            let value = change.get("value").cloned().unwrap_or_default();
            let Ok(Change { metadata, messages, contacts }) = serde_json::from_value(value) else { continue };
            let number = metadata.as_ref().and_then(|metadata| metadata.get("phone_number_id")?.as_str());
            let is_own = numbers.is_none_or(|own| own.split_whitespace().any(|own| Some(own) == number));
            let contacts: Vec<Contact> =
                contacts.into_iter().filter_map(|contact| serde_json::from_value(contact).ok()).collect();
            for message in messages {
                let Ok(message) = serde_json::from_value::<Message>(message) else { continue };
                let is_young = message.sent_at().is_some_and(|at| now.saturating_sub(at) <= OLDEST);
                match wish(message, &contacts, word) {
                    None => {}
                    Some(_) if !is_own => notified.foreign += 1,
                    Some(_) if !is_young => notified.old += 1,
                    Some(wish) => notified.wishes.push(wish),
                }
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
    use serde_json::json;

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
        for unreadable in [Value::Null, json!(""), json!("yesterday"), json!([]), json!(i64::MIN.to_string())]
        {
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
        for empty in ["{}", "[]", "null", r#"{"entry": {}}"#] {
            assert_eq!(wishes(empty.as_bytes(), "SUBSCRIBE"), Some(Vec::new()));
        }
        assert_eq!(wishes(b"SUBSCRIBE", "SUBSCRIBE"), None);
    }
}
