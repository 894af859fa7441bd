//! An opt-in, as a caller sends it and as it waits in the queue.

use crate::account::Account;
use crate::conversation::Conversation;
use crate::moment::Moment;
use crate::opt_out;
use crate::outcome;
use bytes::Bytes;
use klaviyo_host::types::{self, Identifier, NewProfile, Permission};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// One person's opt-in.
///
/// [`OptIn::take_in`] checks what these comments say about the fields, and cleans their values.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptIn {
    /// The account that it goes to.
    pub account: Account,
    /// The caller's own id of this opt-in, 1 to 200 bytes. Another one with the same id, in the same account,
    /// is the same opt-in and is not done again. If there is none, the front door generates one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The list's id, or its exact name.
    pub list: String,
    /// The email. At least one of email, phone number and external id is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The phone number, with its country code.
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
    /// Custom properties: the text of a JSON object. Parsed into values it would take many times the memory,
    /// and numbers could lose digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Box<RawValue>>,
    /// The channels that the person consented to; each needs its address. If it is empty, the person joins
    /// the list without consent. No channels but those of [`Channel`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<Channel>,
    /// The source of the consent, for Klaviyo to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_source: Option<String>,
    /// When the person opted in: RFC 3339. None: when the front door accepted it. An opt-out of the same or a
    /// later time stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// Whether an invalid email or phone number refuses the opt-in even if another identifier is valid. It is
    /// applied before the opt-in waits, so it is not in the queue.
    #[serde(default, skip_serializing)]
    pub strict: bool,
    /// The values that [`OptIn::take_in`] left out, one sentence each: at most [`OptIn::MOST_WARNINGS`] of
    /// [`OptIn::LONGEST_WARNING`] bytes. Only this service writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Where the person asked for it by WhatsApp. Only this service writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<Box<Conversation>>,
    /// Whether it has the phone number that a person known by the external id was asked for, so that the number
    /// becomes that profile's. Only this service writes it.
    #[serde(default, skip_serializing_if = "is_not")]
    pub completes: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_not(value: &bool) -> bool {
    !*value
}

/// A channel of marketing consent. The contract has more, and leaves the set open; the service does not: an opt-in
/// waits with its channels, so each must be known to every door and worker, and the door says at once whether the
/// opt-in has the address that the channel needs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::Display,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Email. Needs an email address.
    Email,
    /// Text messages. Needs a phone number.
    Sms,
    /// WhatsApp. Needs a phone number.
    Whatsapp,
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

impl TryFrom<types::Channel> for Channel {
    type Error = types::Channel;

    /// Fails for a channel that no opt-in has.
    fn try_from(channel: types::Channel) -> Result<Self, types::Channel> {
        match channel {
            types::Channel::Email => Ok(Self::Email),
            types::Channel::Sms => Ok(Self::Sms),
            types::Channel::Whatsapp => Ok(Self::Whatsapp),
            other => Err(other),
        }
    }
}

/// Why an opt-in can never be done: a field of it is invalid.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {reason}")]
pub struct InvalidField {
    /// The field's name.
    pub field: &'static str,
    /// The fault, in a sentence.
    pub reason: String,
}

impl InvalidField {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

impl OptIn {
    /// The longest id, in bytes.
    pub(crate) const LONGEST_ID: usize = 200;
    /// The most warnings that an opt-in has.
    pub const MOST_WARNINGS: usize = 10;
    /// The longest warning, in bytes.
    pub const LONGEST_WARNING: usize = 500;
    /// The largest profile that Klaviyo takes, in bytes.
    pub(crate) const LARGEST: usize = 100_000;

    /// Checks everything but whether the identifiers are valid.
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField::new(field, reason));
        let is_blank = |value: &Option<String>| value.as_deref().is_none_or(|text| text.trim().is_empty());
        if self.list.trim().is_empty() {
            return invalid("list", "name a list, by its id or its exact name");
        }
        if self.id.as_ref().is_some_and(|id| id.is_empty() || id.len() > Self::LONGEST_ID) {
            return invalid("id", "it has 1 to 200 bytes; leave it out to be given one");
        }
        if is_blank(&self.email) && is_blank(&self.phone_number) && is_blank(&self.external_id) {
            return invalid("email", "give an email, a phone_number or an external_id");
        }
        for channel in &self.consent {
            match channel {
                Channel::Email if self.email.is_none() => {
                    return invalid("consent", "consent to email needs an email");
                }
                Channel::Sms | Channel::Whatsapp if self.phone_number.is_none() => {
                    return invalid("consent", "consent to sms or whatsapp needs a phone_number");
                }
                _ => {}
            }
        }
        if self.consent.is_empty() && self.consent_source.is_some() {
            return invalid("consent_source", "there is no consent; name its channels in consent");
        }
        if self.properties.as_ref().is_some_and(|properties| !properties.get().starts_with('{')) {
            return invalid("properties", "they are an object: {\"plan\": \"pro\"}");
        }
        let is_long = |warning: &String| warning.len() > Self::LONGEST_WARNING;
        if self.warnings.len() > Self::MOST_WARNINGS || self.warnings.iter().any(is_long) {
            return invalid("warnings", "there are more, or longer ones, than this service writes");
        }
        // These are not sent to Klaviyo, and a front door adds them: they do not count.
        let counted = || {
            let own = Self { id: None, warnings: Vec::new(), at: None, whatsapp: None, ..self.clone() };
            own.to_json().len()
        };
        if self.to_json().len() > Self::LARGEST && counted() > Self::LARGEST {
            return invalid(
                "properties",
                "the contact has more than 100,000 bytes, which Klaviyo does not take",
            );
        }
        Ok(())
    }

    /// Checks what a caller may say of the time, and of what only this service says.
    pub(crate) fn check_callers(&self, now: Moment) -> Result<(), InvalidField> {
        if !self.warnings.is_empty() {
            return Err(InvalidField::new("warnings", "they are in the answer; leave them out"));
        }
        if self.whatsapp.is_some() || self.completes {
            let field = if self.completes { "completes" } else { "whatsapp" };
            return Err(InvalidField::new(field, "only WhatsApp's notifications have it; leave it out"));
        }
        // It would stand against every opt-out until then.
        if self.at.is_some_and(|at| at.is_ahead_of(now)) {
            return Err(InvalidField::new(
                "at",
                "it lies in the future; give the time when the person opted in",
            ));
        }
        Ok(())
    }

    /// Adds a warning, cut to [`Self::LONGEST_WARNING`], unless there are [`Self::MOST_WARNINGS`] already.
    pub(crate) fn warn(&mut self, mut warning: String) {
        warning.truncate(warning.floor_char_boundary(Self::LONGEST_WARNING));
        if self.warnings.len() < Self::MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// The message as it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        // All fields are strings, lists of strings or JSON, which always can be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The contact, as the connector takes it.
    #[must_use]
    pub fn contact(&self) -> NewProfile {
        NewProfile {
            email: self.email.clone(),
            phone_number: self.phone_number.clone(),
            external_id: self.external_id.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            properties: self.properties.as_ref().map(|properties| properties.get().to_owned()),
            ..NewProfile::default()
        }
    }

    /// The address for a reply to a person who has given consent on these channels.
    pub(crate) fn address(&self, given: &[types::Channel]) -> Option<&str> {
        outcome::address(self.email.as_deref(), self.phone_number.as_deref(), given)
    }

    /// The consent that the person gives with the opt-in, if any.
    #[must_use]
    pub fn permission(&self) -> Option<Permission> {
        (!self.consent.is_empty()).then(|| Permission {
            channels: self.consent.iter().copied().map(Into::into).collect(),
            custom_source: self.consent_source.clone(),
        })
    }

    /// The identifiers by which the person can have opted out.
    pub(crate) fn identifiers(&self) -> Vec<Identifier> {
        opt_out::identifiers(self.email.as_ref(), self.phone_number.as_ref(), self.external_id.as_ref())
    }

    /// The identifier that the contact is looked up by, as in `contacts.opt-in`: the first of email, phone
    /// number and external id.
    #[must_use]
    pub fn identifier(&self) -> Option<Identifier> {
        let email = || self.email.clone().map(Identifier::Email);
        let phone_number = || self.phone_number.clone().map(Identifier::PhoneNumber);
        let external_id = || self.external_id.clone().map(Identifier::ExternalId);
        email().or_else(phone_number).or_else(external_id)
    }
}

/// Leaves out everything about the person.
impl fmt::Debug for OptIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptIn")
            .field("account", &self.account)
            .field("list", &self.list)
            .finish_non_exhaustive()
    }
}

/// The names of fields in the contract, and the same fields in an opt-in.
const NAMES: [(&str, &str); 5] = [
    ("phone-number", "phone_number"),
    ("external-id", "external_id"),
    ("first-name", "first_name"),
    ("last-name", "last_name"),
    ("custom-source", "consent_source"),
];

/// A sentence of the connector with the names of fields that callers use.
pub(crate) fn in_callers_names(sentence: &str) -> String {
    NAMES.iter().fold(sentence.to_owned(), |sentence, (name, callers)| sentence.replace(name, callers))
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
        let repeated: OptIn = serde_json::from_slice(&opt_in.to_json()).unwrap();
        assert_eq!(repeated.contact(), opt_in.contact());
    }

    #[test]
    fn nothing_about_the_person_is_in_a_log() {
        let shown = format!("{:?}", opt_in(json!({ "first_name": "Priya" })));
        assert!(!shown.contains("riya"), "{shown}");
    }
}
