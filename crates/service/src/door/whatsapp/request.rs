//! The requests of a notification: a message that asks to be opted in, and an opt-out in WhatsApp itself,
//! where a person has pressed that marketing is to stop.

use super::json::{Part, fields, text, text_or_number};
use super::message::Form;
use super::person::{ById, Contacts, Person, PersonIds, cut_name};
use super::words::says;
use crate::account::Account;
use crate::key::OptInKey;
use crate::opt_in::{Channel, OptIn};
use crate::opt_out::OptOut;
use klaviyo_core::intake;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// The custom property with the username of a person without a number.
const USERNAME: &str = "whatsapp_username";
/// The custom property with WhatsApp's id of a person without a number.
const USER_ID: &str = "whatsapp_user_id";

/// A message that asks to be opted in.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct OptInRequest {
    /// The message's id, or a digest of the message if it has none. Meta delivers a message again with the
    /// same id.
    pub(super) id: String,
    pub(super) person: Person,
    pub(super) form: Option<Box<Form>>,
}

impl OptInRequest {
    /// The opt-in to this list. It is not cleaned yet, and may be invalid.
    pub(in crate::door) fn into_opt_in(self, account: &Account, list: &str) -> OptIn {
        let Self { id, person, form } = self;
        let Person { number, invalid_number, name, by_id } = person;
        let form = form.map(|form| *form).unwrap_or_default();
        // A digest replaces an id of Meta's that is too long.
        let id = if id.len() > OptIn::LONGEST_ID { OptInKey::new(account, &id).to_string() } else { id };
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
            strict: false,
            warnings: Vec::new(),
        };
        if opt_in.phone_number.is_none() {
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
        opt_in
    }
}

/// WhatsApp's numbers have a country code, so a missing one is not the fault of an invalid number.
fn with_plus(number: String) -> String {
    if number.bytes().all(|byte| byte.is_ascii_digit()) { format!("+{number}") } else { number }
}

/// A person who wants no more marketing by WhatsApp.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct OptOutRequest {
    /// The number; in E.164 if it is valid.
    pub(super) number: String,
    /// The time, as Meta has written it.
    pub(super) at: String,
}

/// A preference of a person.
pub(super) enum Preference<'a> {
    Stop {
        person: Person,
        at: Part<'a>,
    },
    /// A preference that withdraws nothing.
    Other,
}

impl<'a> Preference<'a> {
    /// Reads a preference. None: it is no object, or an unknown one about marketing, which may be an opt-out.
    pub(super) fn read(preference: &'a RawValue, contacts: &Contacts<'_>) -> Option<Self> {
        let names = ["wa_id", "user_id", "parent_user_id", "category", "value", "timestamp"];
        let [number, user_id, parent, category, value, at] = fields(Some(preference), names)?;
        let is = |part: Part<'_>, word: &str| text(part).is_some_and(|text| says(&text, &[word.to_owned()]));
        if !is(category, "marketing_messages") || is(value, "resume") {
            return Some(Self::Other);
        }
        is(value, "stop")
            .then(|| Self::Stop { person: Person::of(PersonIds { number, user_id, parent }, contacts), at })
    }
}

impl OptOutRequest {
    /// The request of a person; none without a number, because Klaviyo knows consent to WhatsApp by the
    /// number.
    pub(super) fn of(person: Person, at: Part<'_>, now: i64) -> Option<Self> {
        let number = person.number.or(person.invalid_number)?;
        let at = text_or_number(at).map_or_else(|| now.to_string(), |at| at.into_owned());
        Some(Self { number, at })
    }

    /// The opt-out. Meta repeats a preference, and the same one has the same id.
    pub(in crate::door) fn into_opt_out(self, account: &Account) -> OptOut {
        let Self { number, at } = self;
        let id = OptInKey::new(account, &format!("WhatsApp stop {number} {at}")).to_string();
        OptOut { account: account.clone(), id, phone_number: number, opt_out: vec![Channel::Whatsapp] }
    }
}
