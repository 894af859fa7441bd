//! The data subject of an erasure: one person, and which messages and entries are about that person.

use crate::key::OptInKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use klaviyo_core::identifiers::whatsapp_number;
use klaviyo_host::types::Identifier;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// One person, by all identifiers that are known of the person.
#[derive(Clone)]
pub struct DataSubject {
    identifiers: Vec<Identifier>,
    /// The identifiers, each in the one spelling in which they are compared.
    names: BTreeSet<String>,
}

impl DataSubject {
    /// The person with these identifiers. WhatsApp's own id of a person is an external id.
    #[must_use]
    pub fn new(identifiers: Vec<Identifier>) -> Self {
        let names = identifiers.iter().map(name).collect();
        Self { identifiers, names }
    }

    /// The identifiers as they were given.
    pub(crate) fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    /// Whether a message of a lane, or the part of a dead letter that was one, is about this person.
    pub(crate) fn is_of_message(&self, message: &[u8]) -> bool {
        match names_in(message) {
            Some(names) => !self.names.is_disjoint(&names),
            None => self.is_in_text(message),
        }
    }

    /// Whether the message of a change is about this person.
    pub(crate) fn is_of_change(&self, message: &[u8]) -> bool {
        match serde_json::from_slice::<Change>(message) {
            Ok(Change { data }) => !self.names.is_disjoint(&data.names()),
            Err(_) => self.is_in_text(message),
        }
    }

    /// Whether an entry under a key has one of this person's marks.
    pub(crate) fn has_mark<'a>(&self, key: &OptInKey, marks: impl IntoIterator<Item = &'a String>) -> bool {
        let own: BTreeSet<String> = self.names.iter().map(|name| mark(key, name)).collect();
        marks.into_iter().any(|mark| own.contains(mark))
    }

    /// Whether the profile with this id of Klaviyo's is this person's.
    pub(crate) fn is_profile(&self, id: &str) -> bool {
        self.names.contains(&name(&Identifier::Id(id.to_owned())))
    }

    /// Whether a text that cannot be read has an identifier of this person in it. Klaviyo's ids are too short for that.
    pub(crate) fn is_in_text(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        // The beginning of a message that is no JSON is in its dead letter as base64.
        let decoded = STANDARD.decode(text.trim_matches('"')).unwrap_or_default();
        [text.to_lowercase(), String::from_utf8_lossy(&decoded).to_lowercase()].iter().any(|text| {
            self.identifiers.iter().any(|identifier| match identifier {
                Identifier::Email(value) | Identifier::ExternalId(value) => {
                    text.contains(&value.to_lowercase())
                }
                Identifier::PhoneNumber(number) => text.contains(number.trim_start_matches('+')),
                Identifier::Id(_) => false,
            })
        })
    }
}

/// Leaves out everything about the person.
impl fmt::Debug for DataSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSubject").finish_non_exhaustive()
    }
}

/// The marks of the people whom a message is about, for the entry under a key. A mark tells the person only to who
/// knows an identifier already, and is another one under each key.
pub(crate) fn marks(key: &OptInKey, message: &[u8]) -> Vec<String> {
    names_in(message).unwrap_or_default().iter().map(|name| mark(key, name)).collect()
}

/// 64 bits of a SHA-256.
fn mark(key: &OptInKey, name: &str) -> String {
    let digest = Sha256::digest(format!("{key} {name}"));
    digest.first_chunk::<8>().map(hex::encode).unwrap_or_default()
}

/// Whether a message is an opt-out, which takes something from a person.
pub(crate) fn is_opt_out(message: &[u8]) -> bool {
    serde_json::from_slice::<Message>(message).is_ok_and(|message| message.opt_out.is_some())
}

/// An identifier in the one spelling in which identifiers are compared.
fn name(identifier: &Identifier) -> String {
    match identifier {
        Identifier::Email(email) => format!("email {}", email.trim().to_lowercase()),
        Identifier::PhoneNumber(number) => {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            format!("phone_number {digits}")
        }
        Identifier::ExternalId(id) => format!("external_id {id}"),
        Identifier::Id(id) => format!("id {id}"),
    }
}

/// The names of the people whom a message of a lane is about; none if it cannot be read.
fn names_in(message: &[u8]) -> Option<BTreeSet<String>> {
    let message: Message = serde_json::from_slice(message).ok()?;
    let Message { email, phone_number, external_id, whatsapp, conversation, address, .. } = message;
    let mut names = names_of(email, phone_number, external_id);
    for conversation in whatsapp.into_iter().chain(conversation) {
        let Conversation { number, user_id } = conversation;
        // WhatsApp writes some numbers in its own way.
        let number = number.map(|number| whatsapp_number(&number).unwrap_or(number));
        names.extend(number.map(|number| name(&Identifier::PhoneNumber(number))));
        names.extend(user_id.map(|id| name(&Identifier::ExternalId(id))));
    }
    // WhatsApp's id of the person before and after a change of it.
    let ids = [message.previous, message.renamed_to].into_iter().flatten();
    names.extend(ids.map(|id| name(&Identifier::ExternalId(id))));
    names.extend(address.map(|address| match address.contains('@') {
        true => name(&Identifier::Email(address)),
        false => name(&Identifier::PhoneNumber(address)),
    }));
    Some(names)
}

/// The names of a person whom three fields of a message tell.
fn names_of(email: Option<Text>, number: Option<Text>, id: Option<Text>) -> BTreeSet<String> {
    let email = email.and_then(Text::text).map(Identifier::Email);
    let number = number.and_then(Text::text).map(Identifier::PhoneNumber);
    let id = id.and_then(Text::text).map(Identifier::ExternalId);
    [email, number, id].iter().flatten().map(name).collect()
}

/// A text, or something else in its place.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Other(IgnoredAny),
}

impl Text {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(IgnoredAny) => None,
        }
    }
}

// All other fields are passed over without being read: a properties object may hold numbers that fit nowhere, and people
// whom the message is not about.

/// What opt-ins, opt-outs, resumes, events, replies and changed ids have in common.
#[derive(Deserialize)]
struct Message {
    email: Option<Text>,
    phone_number: Option<Text>,
    external_id: Option<Text>,
    whatsapp: Option<Conversation>,
    conversation: Option<Conversation>,
    address: Option<String>,
    opt_out: Option<IgnoredAny>,
    previous: Option<String>,
    renamed_to: Option<String>,
}

#[derive(Deserialize)]
struct Conversation {
    number: Option<String>,
    user_id: Option<String>,
}

/// The message of a change: see [`crate::feed::Message`].
#[derive(Deserialize)]
struct Change {
    data: ChangeData,
}

#[derive(Deserialize)]
struct ChangeData {
    email: Option<Text>,
    phone_number: Option<Text>,
    external_id: Option<Text>,
    profile: Option<ChangedProfile>,
    consent: Option<ChangedConsent>,
}

#[derive(Deserialize)]
struct ChangedProfile {
    id: String,
    email: Option<Text>,
    phone_number: Option<Text>,
    external_id: Option<Text>,
}

#[derive(Deserialize)]
struct ChangedConsent {
    profile_id: String,
}

impl ChangeData {
    fn names(self) -> BTreeSet<String> {
        let mut names = names_of(self.email, self.phone_number, self.external_id);
        let mut ids: Vec<String> = self.consent.map(|consent| consent.profile_id).into_iter().collect();
        if let Some(ChangedProfile { id, email, phone_number, external_id }) = self.profile {
            ids.push(id);
            names.extend(names_of(email, phone_number, external_id));
        }
        names.extend(ids.into_iter().map(|id| name(&Identifier::Id(id))));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use serde_json::{Value, json};

    fn priya() -> DataSubject {
        DataSubject::new(vec![
            Identifier::Email("priya@example.com".to_owned()),
            Identifier::PhoneNumber("+919820000001".to_owned()),
            Identifier::ExternalId("US.1".to_owned()),
            Identifier::Id("01PRIYA".to_owned()),
        ])
    }

    #[test]
    fn a_message_is_of_whom_it_is_about() {
        for (message, is_hers) in [
            (json!({ "email": "Priya@Example.com" }), true),
            (json!({ "email": "asha@example.com" }), false),
            (json!({ "email": "asha@example.com", "phone_number": "+91 98200 00001" }), true),
            (json!({ "email": "priya@example.com.au" }), false),
            (json!({ "external_id": "US.1" }), true),
            (json!({ "external_id": "US.11" }), false),
            (json!({ "previous": "US.1", "renamed_to": "US.2" }), true),
            (json!({ "previous": "US.0", "renamed_to": "US.1" }), true),
            (json!({ "previous": "US.0", "renamed_to": "US.2" }), false),
            (json!({ "external_id": "01PRIYA" }), false),
            (json!({ "whatsapp": { "message_id": "1", "number": "919820000001" } }), true),
            (json!({ "conversation": { "message_id": "1", "user_id": "US.1" } }), true),
            (json!({ "conversation": { "message_id": "1" }, "address": "priya@example.com" }), true),
            (json!({ "conversation": { "message_id": "1" }, "address": "+919820000001" }), true),
            // Who names her is another person.
            (
                json!({ "email": "asha@example.com", "properties": { "friend": "priya@example.com", "n": 1e3 } }),
                false,
            ),
            (json!(["no", "message"]), false),
            (json!(["priya@example.com"]), true),
            (json!(STANDARD.encode("{\"email\":\"priya@example.com\"")), true),
        ] {
            assert_eq!(priya().is_of_message(message.to_string().as_bytes()), is_hers, "{message}");
        }
        assert!(priya().is_of_message(b"{\"email\":\"priya@example.com\",,"));
        assert!(!priya().is_of_message(b"{\"email\":\"asha@example.com\",,"));
        // Not every number that JSON can write is a number here.
        let huge = br#"{"email":"asha@example.com","properties":{"friend":"priya@example.com","n":1e999}}"#;
        assert!(!priya().is_of_message(huge));
        let shown = format!("{:?}", priya());
        assert!(!shown.contains("riya") && !shown.contains("9198"), "{shown}");
    }

    #[test]
    fn a_change_is_of_its_profile() {
        for (data, is_hers) in [
            (json!({ "profile": { "id": "01PRIYA", "email": null, "properties": { "n": 1.10 } } }), true),
            (json!({ "profile": { "id": "01ASHA", "external_id": "US.1" }, "list": "Y6nRLr" }), true),
            (json!({ "profile": { "id": "01ASHA", "email": "asha@example.com" } }), false),
            (json!({ "consent": { "profile_id": "01PRIYA" }, "email": null }), true),
            (json!({ "consent": { "profile_id": "01ASHA" }, "phone_number": "+919820000001" }), true),
            (json!({ "consent": { "profile_id": "01ASHA" }, "email": "asha@example.com" }), false),
        ] {
            let message = json!({ "type": "profile.changed", "data": data });
            assert_eq!(priya().is_of_change(message.to_string().as_bytes()), is_hers, "{message}");
        }
    }

    #[test]
    fn an_outcome_is_of_whom_its_marks_tell() {
        let key = |id| OptInKey::new(&Account::default(), id);
        let of = |key: &OptInKey, message: Value| marks(key, message.to_string().as_bytes());
        let (hers, others) = (
            of(&key("1"), json!({ "email": "p@x.co", "phone_number": "+919820000001" })),
            of(&key("1"), json!({ "phone_number": "+919820000002" })),
        );
        assert!(priya().has_mark(&key("1"), &hers));
        assert!(!priya().has_mark(&key("1"), &others));
        assert!(priya().is_profile("01PRIYA") && !priya().is_profile("01ASHA"));
        // Marks of two outcomes do not tell that they are one person's.
        assert!(!priya().has_mark(&key("2"), &hers));
        assert_eq!(of(&key("1"), json!(7)), [""; 0]);
    }
}
