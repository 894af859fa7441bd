//! An opt-in: what a caller gives, and what waits in the queue.

use crate::account::Account;
use crate::opt_out::OptOut;
use bytes::Bytes;
use klaviyo_host::types::{self, Identifier, NewProfile};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

/// One person's opt-in.
///
/// What is said of its fields here is checked by [`OptIn::take_in`], which also cleans them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptIn {
    /// Whose Klaviyo it goes to.
    pub account: Account,
    /// The caller's own id of this opt-in, at most 200 bytes: a second one with the same id, in the same account, is
    /// the same opt-in, and is not done again. None: the front door gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The list's id, or its exact name.
    pub list: String,
    /// One of email, phone number and external id has to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// With its country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The caller's own id of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Custom properties: an object, as it was written. Read into values it would take many times the room, and numbers
    /// could lose digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Box<RawValue>>,
    /// The channels that the person consented to, each with its address. Empty: membership of the list, no consent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<Channel>,
    /// What Klaviyo keeps as the source of the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_source: Option<String>,
    /// Whether a value that cannot be refuses the opt-in also where the person is known by another one. It is decided
    /// about before anything waits, so it is not in the queue.
    #[serde(default, skip_serializing)]
    pub strict: bool,
    /// What of it was left out when it was taken in, one sentence each: at most [`OptIn::MOST_WARNINGS`] of
    /// [`OptIn::LONGEST_WARNING`] bytes. Only this service writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A channel that somebody consented to get marketing on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Needs an email.
    Email,
    /// Text messages. Needs a phone number.
    Sms,
    /// Needs a phone number.
    Whatsapp,
}

impl Channel {
    /// As a caller names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
        }
    }
}

impl From<Channel> for types::Channel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Sms => Self::Sms,
            Channel::Whatsapp => Self::Whatsapp,
        }
    }
}

/// What is wrong with an opt-in before anybody is asked. Nothing makes it one that can be done.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {reason}")]
pub struct InvalidField {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl InvalidField {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

impl OptIn {
    /// Bytes of an id.
    pub(crate) const LONGEST_ID: usize = 200;
    /// How many warnings it has at most.
    pub const MOST_WARNINGS: usize = 10;
    /// Bytes of a warning.
    pub const LONGEST_WARNING: usize = 500;
    /// Klaviyo takes no profile that is larger.
    const LARGEST: usize = 100_000;

    /// What makes no sense, whatever the identifiers are.
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let unfit = |field, reason: &str| Err(InvalidField::new(field, reason));
        let is_blank = |value: &Option<String>| value.as_deref().is_none_or(|text| text.trim().is_empty());
        if self.list.trim().is_empty() {
            return unfit("list", "name a list, by its id or its exact name");
        }
        if self.id.as_ref().is_some_and(|id| id.is_empty() || id.len() > Self::LONGEST_ID) {
            return unfit("id", "it has 1 to 200 bytes; leave it out to be given one");
        }
        if is_blank(&self.email) && is_blank(&self.phone_number) && is_blank(&self.external_id) {
            return unfit("email", "give an email, a phone_number or an external_id");
        }
        for channel in &self.consent {
            match channel {
                Channel::Email if self.email.is_none() => {
                    return unfit("consent", "consent to email needs an email");
                }
                Channel::Sms | Channel::Whatsapp if self.phone_number.is_none() => {
                    return unfit("consent", "consent to sms or whatsapp needs a phone_number");
                }
                _ => {}
            }
        }
        if self.consent.is_empty() && self.consent_source.is_some() {
            return unfit("consent_source", "there is no consent; name its channels in consent");
        }
        if self.properties.as_ref().is_some_and(|properties| !properties.get().starts_with('{')) {
            return unfit("properties", "they are an object: {\"plan\": \"pro\"}");
        }
        let is_long = |warning: &String| warning.len() > Self::LONGEST_WARNING;
        if self.warnings.len() > Self::MOST_WARNINGS || self.warnings.iter().any(is_long) {
            return unfit("warnings", "there are more, or longer ones, than this service writes");
        }
        // What Klaviyo does not get does not count: whoever reads the opt-in again finds an id and warnings that it did not
        // have before.
        let counted = || Self { id: None, warnings: Vec::new(), ..self.clone() }.to_json().len();
        if self.to_json().len() > Self::LARGEST && counted() > Self::LARGEST {
            return unfit(
                "properties",
                "the contact has more than 100,000 bytes, which Klaviyo does not take",
            );
        }
        Ok(())
    }

    /// Adds a warning. One that is too long is cut, and beyond [`Self::MOST_WARNINGS`] there are none.
    pub(crate) fn warn(&mut self, mut warning: String) {
        warning.truncate(warning.floor_char_boundary(Self::LONGEST_WARNING));
        if self.warnings.len() < Self::MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// As it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        // Strings, lists of them and JSON: there is nothing that JSON cannot have.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The contact, for the connector.
    #[must_use]
    pub fn contact(&self) -> NewProfile {
        NewProfile {
            email: self.email.clone(),
            phone_number: self.phone_number.clone(),
            external_id: self.external_id.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            properties: self.properties.as_ref().map(|properties| properties.get().to_owned()),
        }
    }

    /// What the connector looks the contact up by, as `contacts.opt-in` does: the first that is there.
    #[must_use]
    pub fn identifier(&self) -> Option<Identifier> {
        let email = || self.email.clone().map(Identifier::Email);
        let phone_number = || self.phone_number.clone().map(Identifier::PhoneNumber);
        let external_id = || self.external_id.clone().map(Identifier::ExternalId);
        email().or_else(phone_number).or_else(external_id)
    }
}

/// What a message in the queue is.
#[derive(Clone, Debug)]
pub enum QueueEntry {
    /// An opt-in that a front door has written, taken in: an older one did not clean it.
    OptIn(OptInKey, Box<OptIn>),
    /// An opt-in that cannot be.
    Invalid(OptInKey, InvalidField),
    /// An opt-out that a front door has written.
    OptOut(OptInKey, OptOut),
    /// An opt-in that says something which this version does not know: a newer front door has written it, perhaps.
    Newer(OptInKey),
    /// What no front door has written.
    Foreign,
}

/// What an opt-in has in every version.
#[derive(Deserialize)]
struct Envelope {
    account: Account,
    id: String,
}

impl QueueEntry {
    /// Reads a message in the queue of an account.
    #[must_use]
    pub fn read(message: &[u8], account: &str) -> Self {
        let is_its = |of: &Account| of.as_str() == account;
        let Ok(Envelope { account, id }) = serde_json::from_slice(message) else { return Self::Foreign };
        if !is_its(&account) {
            return Self::Foreign;
        }
        let key = OptInKey::new(&account, &id);
        match serde_json::from_slice::<OptIn>(message) {
            Ok(mut opt_in) if opt_in.check().is_ok() => match opt_in.clean() {
                Ok(()) => Self::OptIn(key, Box::new(opt_in)),
                Err(unfit) => Self::Invalid(key, unfit),
            },
            Ok(_) => Self::Newer(key),
            Err(_) => match serde_json::from_slice::<OptOut>(message) {
                Ok(opt_out) if !opt_out.opt_out.is_empty() => Self::OptOut(key, opt_out),
                Ok(_) | Err(_) => Self::Newer(key),
            },
        }
    }
}

/// Without what it says about the person.
impl fmt::Debug for OptIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptIn")
            .field("account", &self.account)
            .field("list", &self.list)
            .finish_non_exhaustive()
    }
}

/// The name of an opt-in, or an opt-out, in the queue, in the bucket of outcomes and among the dead letters: its account,
/// and a digest of its id. The same id has the same key in every process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptInKey {
    /// The account.
    pub account: Account,
    digest: String,
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is not the id of an opt-in, such as shop-1.0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f")]
pub struct OptInKeyError;

impl OptInKey {
    /// 128 bits, in hexadecimal.
    const DIGITS: usize = 32;

    /// The key of an opt-in with this id.
    #[must_use]
    pub fn new(account: &Account, id: &str) -> Self {
        let digest = Sha256::digest(id.as_bytes());
        let mut digits = String::with_capacity(Self::DIGITS);
        for byte in digest.iter().take(Self::DIGITS / 2) {
            // Writing to a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self { account: account.clone(), digest: digits }
    }
}

impl fmt::Display for OptInKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.account, self.digest)
    }
}

impl FromStr for OptInKey {
    type Err = OptInKeyError;

    fn from_str(text: &str) -> Result<Self, OptInKeyError> {
        let (account, digest) = text.split_once('.').ok_or(OptInKeyError)?;
        let account = account.parse().map_err(|_| OptInKeyError)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digest.len() == Self::DIGITS && digest.bytes().all(is_digit) {
            Ok(Self { account, digest: digest.to_owned() })
        } else {
            Err(OptInKeyError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn opt_in(changes: Value) -> OptIn {
        let mut value = json!({ "account": "shop-1", "list": "Y6nRLr", "email": "priya@example.com" });
        for (name, change) in changes.as_object().unwrap() {
            value[name] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_field() {
        assert_eq!(opt_in(json!({})).check(), Ok(()));
        assert_eq!(opt_in(json!({ "consent": ["email"], "consent_source": "bot" })).check(), Ok(()));
        for (changes, field) in [
            (json!({ "list": " " }), "list"),
            (json!({ "id": "" }), "id"),
            (json!({ "id": "x".repeat(201) }), "id"),
            (json!({ "email": null }), "email"),
            (json!({ "email": " " }), "email"),
            (json!({ "consent": ["sms"] }), "consent"),
            (json!({ "consent": ["whatsapp"], "phone_number": null }), "consent"),
            (json!({ "consent": ["email"], "email": null, "external_id": "7" }), "consent"),
            (json!({ "consent_source": "bot" }), "consent_source"),
            (json!({ "properties": { "long": "x".repeat(100_000) } }), "properties"),
            (json!({ "properties": [] }), "properties"),
            (json!({ "properties": "{}" }), "properties"),
        ] {
            assert_eq!(opt_in(changes).check().unwrap_err().field, field);
        }
    }

    #[test]
    fn what_a_door_adds_makes_no_contact_too_large() {
        let empty = opt_in(json!({ "properties": { "long": "" } })).to_json().len();
        let longest = json!({ "properties": { "long": "x".repeat(OptIn::LARGEST - empty) } });
        let mut opt_in = opt_in(longest);
        opt_in.take_in().unwrap();
        opt_in.id = Some("7".repeat(OptIn::LONGEST_ID));
        opt_in.warn("x".repeat(OptIn::LONGEST_WARNING));
        assert!(matches!(QueueEntry::read(&opt_in.to_json(), "shop-1"), QueueEntry::OptIn(..)));
    }

    #[test]
    fn a_field_that_is_misspelt_is_not_passed_over() {
        let value =
            json!({ "account": "a", "list": "Y6nRLr", "email": "p@example.com", "fist_name": "Priya" });
        assert!(serde_json::from_value::<OptIn>(value).is_err());
    }

    #[test]
    fn properties_are_what_was_written() {
        let text = r#"{"account":"a","list":"Y6nRLr","email":"p@example.com","properties":{"n": 12345678901234567890.10}}"#;
        let opt_in: OptIn = serde_json::from_str(text).unwrap();
        assert_eq!(opt_in.contact().properties.as_deref(), Some(r#"{"n": 12345678901234567890.10}"#));
        let again: OptIn = serde_json::from_slice(&opt_in.to_json()).unwrap();
        assert_eq!(again.contact(), opt_in.contact());
    }

    #[test]
    fn what_a_newer_door_has_written_is_not_taken_for_a_strangers() {
        let read = |changes| {
            let mut value =
                json!({ "account": "shop-1", "id": "7", "list": "Y6nRLr", "email": "p@example.com" });
            for (name, change) in changes {
                value[name] = change;
            }
            QueueEntry::read(value.to_string().as_bytes(), "shop-1")
        };
        assert!(matches!(read(vec![]), QueueEntry::OptIn(..)));
        for newer in [("opt_out", json!(true)), ("list", json!(["Y6nRLr"])), ("list", json!(""))] {
            let key = OptInKey::new(&"shop-1".parse().unwrap(), "7");
            assert!(matches!(read(vec![newer]), QueueEntry::Newer(of) if of == key));
        }
        let opt_out = |changes: Value| {
            let mut value = json!({ "account": "shop-1", "id": "7", "phone_number": "+919820000001" });
            for (name, change) in changes.as_object().unwrap() {
                value[name] = change.clone();
            }
            QueueEntry::read(value.to_string().as_bytes(), "shop-1")
        };
        assert!(matches!(opt_out(json!({ "opt_out": ["whatsapp"] })), QueueEntry::OptOut(..)));
        for newer in
            [json!({ "opt_out": [] }), json!({ "opt_out": ["push"] }), json!({ "opt_out": ["sms"], "of": 7 })]
        {
            assert!(matches!(opt_out(newer), QueueEntry::Newer(_)));
        }
        for unfit in [("email", json!("nobody")), ("external_id", json!("7".repeat(256)))] {
            assert!(matches!(read(vec![unfit.clone()]), QueueEntry::Invalid(_, of) if of.field == unfit.0));
        }
        for foreign in [("account", json!("shop-2")), ("id", json!(7)), ("account", json!("a b"))] {
            assert!(matches!(read(vec![foreign]), QueueEntry::Foreign));
        }
        for foreign in ["", "{}", "null", "\u{0}"] {
            assert!(matches!(QueueEntry::read(foreign.as_bytes(), "shop-1"), QueueEntry::Foreign));
        }
    }

    #[test]
    fn nothing_about_the_person_is_in_a_log() {
        let shown = format!("{:?}", opt_in(json!({ "first_name": "Priya" })));
        assert!(!shown.contains("riya"), "{shown}");
    }

    #[test]
    fn a_key_is_the_same_for_the_same_id_and_account_only() {
        let (one, other) = ("shop-1".parse().unwrap(), "shop-2".parse().unwrap());
        let key = OptInKey::new(&one, "wamid.1");
        assert_eq!(key, OptInKey::new(&one, "wamid.1"));
        assert_ne!(key, OptInKey::new(&one, "wamid.2"));
        assert_ne!(key, OptInKey::new(&other, "wamid.1"));
        assert_eq!(key.to_string().parse(), Ok(key));
        for wrong in ["", "shop-1", "shop-1.", "shop-1.xyz", &format!("a b.{}", "0".repeat(32))] {
            assert_eq!(wrong.parse::<OptInKey>(), Err(OptInKeyError));
        }
    }
}
