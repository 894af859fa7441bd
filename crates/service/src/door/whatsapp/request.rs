//! The requests of a notification: a message that asks to be opted in; a word, or a preference in WhatsApp itself,
//! that marketing is to stop or may go on.

use super::json::{Part, fields, text};
use super::message::Form;
use super::person::{ById, Contacts, Person, PersonIds, cut_name, user_id_of};
use super::time::{said_at, sent_at};
use crate::account::Account;
use crate::conversation::Conversation;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::opt_in::{Channel, OptIn};
use crate::opt_out::{OptOut, Resume};
use crate::renaming::{Renaming, USER_ID};
use crate::words::is_same_word;
use klaviyo_core::intake;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// The custom property with the username of a person without a number.
const USERNAME: &str = "whatsapp_username";
/// What Klaviyo keeps as the source of the consent.
const CONSENT_SOURCE: &str = "WhatsApp";

/// The number of the business to which a part of a notification belongs.
#[derive(Clone, Copy)]
pub(super) struct Addressed<'a> {
    /// WhatsApp's id of the number.
    pub(super) phone_number_id: Option<&'a str>,
    /// Whether it is the account's.
    pub(super) is_own: bool,
}

impl Addressed<'_> {
    /// Where an answer to a message goes.
    pub(super) fn conversation(
        self,
        message_id: String,
        person: &Person,
        language: Option<&str>,
    ) -> Box<Conversation> {
        Box::new(Conversation {
            message_id,
            phone_number_id: self.phone_number_id.map(ToOwned::to_owned),
            number: person.wa_id.clone(),
            user_id: person.user_id().map(ToOwned::to_owned),
            language: language.map(ToOwned::to_owned),
        })
    }
}

/// A change of WhatsApp's id of a person.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct RenamingRequest {
    pub(super) previous: String,
    pub(super) current: String,
    pub(super) at: Moment,
}

impl RenamingRequest {
    /// Reads a change of an id. Without a time it is of now, which is given in seconds since 1970.
    pub(super) fn read(renamed: &RawValue, now: i64) -> Option<Self> {
        let [ids, at] = fields(Some(renamed), ["user_id", "timestamp"])?;
        let ids = fields(ids, ["previous", "current"])?;
        let [previous, current] = ids.map(|id| user_id_of(&text(id)?).map(ToOwned::to_owned));
        Some(Self { previous: previous?, current: current?, at: said_at(sent_at(at), now, false) })
    }

    pub(in crate::door) fn into_renaming(self, account: &Account) -> Renaming {
        Renaming::new(account, self.previous, self.current, self.at)
    }
}

/// A message that asks to be opted in.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct OptInRequest {
    /// The message's id, or a digest of the message if it has none. Meta delivers a message again with the
    /// same id.
    pub(super) id: String,
    pub(super) person: Person,
    pub(super) form: Option<Box<Form>>,
    pub(super) at: Moment,
    pub(super) conversation: Box<Conversation>,
    /// The number was asked for, and becomes that of the person who is known by WhatsApp's id.
    pub(super) completes: bool,
}

impl OptInRequest {
    /// The opt-in to this list, with consent to those of the channels for which the person has an address. It is not
    /// cleaned yet, and may be invalid.
    pub(in crate::door) fn into_opt_in(self, account: &Account, list: &str, consent: &[Channel]) -> OptIn {
        let Self { id, person, form, at, conversation, completes } = self;
        let Person { number, invalid_number, name, by_id, .. } = person;
        let form = form.map(|form| *form).unwrap_or_default();
        let id = bounded(account, id);
        let names = |name: &str| intake::names(cut_name(name));
        // A name in a form counts more than the name in WhatsApp.
        let (first_name, last_name) = match (form.first_name, form.last_name, form.name) {
            (None, None, written) => written.or(name).as_deref().map(names).unwrap_or_default(),
            (first, last, _) => {
                let cut = |name: String| cut_name(&name).to_owned();
                (first.map(cut), last.map(cut))
            }
        };
        let mut opt_in = OptIn {
            account: account.clone(),
            id: Some(id),
            list: list.to_owned(),
            email: form.email,
            phone_number: number,
            external_id: None,
            first_name,
            last_name,
            properties: None,
            consent: Vec::new(),
            consent_source: None,
            at: Some(at),
            strict: false,
            warnings: Vec::new(),
            whatsapp: Some(conversation),
            completes,
        };
        if completes && opt_in.phone_number.is_some() {
            opt_in.external_id = by_id.map(|by_id| by_id.user_id);
        } else if opt_in.phone_number.is_none() {
            opt_in.phone_number = invalid_number.map(with_plus);
            if let Some(by_id) = by_id {
                let ById { user_id, username } = *by_id;
                let mut properties = BTreeMap::from([(USER_ID, &user_id)]);
                properties.extend(username.as_ref().map(|username| (USERNAME, username)));
                opt_in.properties = to_raw_value(&properties).ok();
                opt_in.external_id = Some(user_id);
                opt_in.warn(
                    "phone_number: WhatsApp has sent none of this person, who is known by WhatsApp's own id as \
                     external_id instead; consent to WhatsApp needs a phone number"
                        .to_owned(),
                );
            } else if opt_in.phone_number.is_none() && opt_in.email.is_none() {
                // An invalid number, so that the opt-in is refused with a reason.
                opt_in.phone_number = Some("none".to_owned());
            }
        }
        let has_address = |channel: &&Channel| match channel {
            Channel::Email => opt_in.email.is_some(),
            Channel::Sms | Channel::Whatsapp => opt_in.phone_number.is_some(),
        };
        opt_in.consent = consent.iter().filter(has_address).copied().collect();
        opt_in.consent_source = (!opt_in.consent.is_empty()).then(|| CONSENT_SOURCE.to_owned());
        opt_in
    }
}

/// An id of Meta's, or a digest in place of one that is too long.
fn bounded(account: &Account, id: String) -> String {
    if id.len() > OptIn::LONGEST_ID { OptInKey::new(account, &id).to_string() } else { id }
}

/// WhatsApp's numbers have a country code, so a missing one is not the fault of an invalid number.
fn with_plus(number: String) -> String {
    if number.bytes().all(|byte| byte.is_ascii_digit()) { format!("+{number}") } else { number }
}

/// A person's word about marketing by WhatsApp.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    /// Its id. Empty if Meta gives none, as to a preference.
    id: String,
    /// The number; in E.164 if it is valid.
    number: Option<String>,
    user_id: Option<String>,
    at: Moment,
    conversation: Option<Box<Conversation>>,
}

impl Word {
    /// None: it names nobody.
    fn of(id: String, person: Person, at: Moment, conversation: Option<Box<Conversation>>) -> Option<Self> {
        let Person { number, invalid_number, by_id, .. } = person;
        // With an invalid number it is refused with a reason.
        let number = number.or(invalid_number.filter(|_| by_id.is_none()));
        let user_id = by_id.map(|by_id| by_id.user_id);
        (number.is_some() || user_id.is_some()).then_some(Self { id, number, user_id, at, conversation })
    }

    /// Meta repeats a preference, and the same one has the same id.
    fn id(&self, account: &Account, what: &str) -> String {
        if self.id.is_empty() {
            let person = self.number.as_ref().or(self.user_id.as_ref()).map_or("", String::as_str);
            OptInKey::new(account, &format!("WhatsApp {what} {person} {}", self.at.unix_ms())).to_string()
        } else {
            bounded(account, self.id.clone())
        }
    }
}

/// A person who wants no more marketing by WhatsApp.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct OptOutRequest(Word);

/// A person who wants what the last opt-out took.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct ResumeRequest(Word);

/// A preference of a person.
pub(super) enum Preference<'a> {
    Stop {
        person: Person,
        at: Part<'a>,
    },
    Resume {
        person: Person,
        at: Part<'a>,
    },
    /// A preference about something else.
    Other,
}

impl<'a> Preference<'a> {
    /// Reads a preference. None: it is no object, or an unknown one about marketing, which may be an opt-out.
    pub(super) fn read(preference: &'a RawValue, contacts: &Contacts<'_>) -> Option<Self> {
        let names = ["wa_id", "user_id", "parent_user_id", "category", "value", "timestamp"];
        let [number, user_id, parent, category, value, at] = fields(Some(preference), names)?;
        let is = |part: Part<'_>, word: &str| text(part).is_some_and(|text| is_same_word(&text, word));
        if !is(category, "marketing_messages") {
            return Some(Self::Other);
        }
        let person = || Person::of(PersonIds { number, user_id, parent }, contacts);
        if is(value, "resume") {
            return Some(Self::Resume { person: person(), at });
        }
        is(value, "stop").then(|| Self::Stop { person: person(), at })
    }
}

impl OptOutRequest {
    /// The request of a person, by a word or a preference. None: it names nobody.
    pub(super) fn of(
        id: String,
        person: Person,
        at: Moment,
        conversation: Option<Box<Conversation>>,
    ) -> Option<Self> {
        Word::of(id, person, at, conversation).map(Self)
    }

    /// The opt-out, from these lists too.
    pub(in crate::door) fn into_opt_out(self, account: &Account, lists: &[String]) -> OptOut {
        let id = self.0.id(account, "stop");
        let Word { number, user_id, at, conversation, .. } = self.0;
        OptOut {
            account: account.clone(),
            id,
            email: None,
            phone_number: number,
            external_id: user_id,
            opt_out: vec![Channel::Whatsapp],
            lists: lists.to_vec(),
            at: Some(at),
            warnings: Vec::new(),
            whatsapp: conversation,
            is_again: false,
        }
    }
}

impl ResumeRequest {
    /// The request of a person, by a word or a preference. None: it names nobody.
    pub(super) fn of(
        id: String,
        person: Person,
        at: Moment,
        conversation: Option<Box<Conversation>>,
    ) -> Option<Self> {
        Word::of(id, person, at, conversation).map(Self)
    }

    /// The resume.
    pub(in crate::door) fn into_resume(self, account: &Account) -> Resume {
        let id = self.0.id(account, "resume");
        let Word { number, user_id, at, conversation, .. } = self.0;
        Resume {
            account: account.clone(),
            id,
            phone_number: number,
            external_id: user_id,
            resume: vec![Channel::Whatsapp],
            at: Some(at),
            whatsapp: conversation,
        }
    }
}
