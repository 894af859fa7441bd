//! Meta's own opt-out: somebody has pressed in WhatsApp that marketing is to stop.

use super::json::{Part, fields, text, text_or_number};
use super::person::{Contacts, Person, PersonIds};
use super::words::says;
use crate::account::Account;
use crate::channel::Channel;
use crate::key::OptInKey;
use crate::opt_out::OptOut;
use serde_json::value::RawValue;

/// Somebody who wants no marketing by WhatsApp any more.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct OptOutRequest {
    /// The number, E.164 if it is one.
    pub(super) number: String,
    /// When, as Meta has written it.
    pub(super) at: String,
}

/// What a preference says.
pub(super) enum Preference<'a> {
    Stop {
        person: Person,
        at: Part<'a>,
    },
    /// Something that takes nothing back.
    Other,
}

impl<'a> Preference<'a> {
    /// Reads one. None: it is no object, or says something about marketing that is not known. That can be an opt-out.
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
    /// None: the person has no number, and so no consent to WhatsApp that Klaviyo could know of.
    pub(super) fn of(person: Person, at: Part<'_>, now: i64) -> Option<Self> {
        let number = person.number.or(person.unfit)?;
        let at = text_or_number(at).map_or_else(|| now.to_string(), |at| at.into_owned());
        Some(Self { number, at })
    }

    /// What is done about it. Meta repeats it: the same one has the same id.
    pub(in crate::door) fn into_opt_out(self, account: &Account) -> OptOut {
        let Self { number, at } = self;
        let id = OptInKey::new(account, &format!("WhatsApp stop {number} {at}")).to_string();
        OptOut { account: account.clone(), id, phone_number: number, opt_out: vec![Channel::Whatsapp] }
    }
}
