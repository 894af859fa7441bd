//! An opt-out in WhatsApp itself: a person has pressed there that marketing is to stop.

use super::json::{Part, fields, text, text_or_number};
use super::person::{Contacts, Person, PersonIds};
use super::words::says;
use crate::account::Account;
use crate::channel::Channel;
use crate::key::OptInKey;
use crate::opt_out::OptOut;
use serde_json::value::RawValue;

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
