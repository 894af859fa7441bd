//! The notifications of Meta's WhatsApp webhook.
//!
//! Each message and each preference is read by itself, and what cannot be read hides nothing else. What is not named here is
//! not for this door, and may be anything.

mod flow;
mod ignored;
mod json;
mod opt_in_request;
mod opt_out_request;
mod person;
mod words;

pub(super) use ignored::{Ignored, IgnoredReason};
pub(super) use opt_in_request::OptInRequest;
pub(super) use opt_out_request::OptOutRequest;

use crate::account::Account;
use crate::key::OptInKey;
use crate::queue::OUTCOMES;
use json::{Part, fields, items, text, text_or_number};
use klaviyo_core::text::shown;
use opt_in_request::Intent;
use opt_out_request::Preference;
use person::{Contacts, Person, PersonIds};
use serde_json::value::RawValue;

/// How old a message may be, in seconds: Meta repeats a notification for a week. Outcomes are known for as long, so that
/// with a queue none is done a second time.
const OLDEST: i64 = OUTCOMES.as_secs().cast_signed();
/// How far the clocks may be apart, in seconds. A message of the future would have no age.
const AHEAD: i64 = 24 * 60 * 60;

/// What counts.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The words that opt their sender in.
    pub(super) words: &'a [String],
    /// The ids of the account's own numbers, with white space between them. None: messages to any number count.
    pub(super) numbers: Option<&'a str>,
    /// Whether people without a phone number are passed over.
    pub(super) numbers_only: bool,
    /// The time, in seconds since 1970.
    pub(super) now: i64,
}

/// What a notification asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notification {
    /// Who wants to be opted in.
    pub(super) opt_ins: Vec<OptInRequest>,
    /// Who wants no marketing any more.
    pub(super) opt_outs: Vec<OptOutRequest>,
    /// All else.
    pub(super) ignored: Ignored,
}

impl Notification {
    /// Reads a notification. None: the body is not JSON.
    pub(super) fn read(body: &[u8], rules: Rules<'_>) -> Option<Self> {
        let body: &RawValue = serde_json::from_slice(body).ok()?;
        let mut notified = Self::default();
        let [object, entry] = fields(Some(body), ["object", "entry"]).unwrap_or_default();
        if text(object).as_deref() == Some("whatsapp_business_account") {
            notified.items(entry, |notified, entry| {
                let [changes] = fields(Some(entry), ["changes"])?;
                notified.items(changes, |notified, change| notified.change(change, rules));
                Some(())
            });
        }
        if notified.opt_ins.is_empty() && notified.opt_outs.is_empty() && notified.ignored.is_empty() {
            notified.ignored.count(IgnoredReason::Empty);
        }
        Some(notified)
    }

    /// Each item of an array that should be there. What is not as it should be is counted.
    fn items<'a>(&mut self, array: Part<'a>, mut each: impl FnMut(&mut Self, &'a RawValue) -> Option<()>) {
        let whole = items(array, |item| {
            if each(self, item).is_none() {
                self.ignored.count(IgnoredReason::Unreadable);
            }
        });
        if whole.is_none() && array.is_some_and(|array| array.get() != "null") {
            self.ignored.count(IgnoredReason::Unreadable);
        }
    }

    fn change(&mut self, change: &RawValue, rules: Rules<'_>) -> Option<()> {
        let [field, value] = fields(Some(change), ["field", "value"])?;
        let names = ["metadata", "contacts", "messages", "statuses", "user_preferences"];
        // Elsewhere there are copies of messages, for example those that the business has sent.
        let field = text(field);
        if field.as_deref().is_some_and(|field| !["messages", "user_preferences"].contains(&field)) {
            self.ignored.count(IgnoredReason::OtherField);
            return Some(());
        }
        let [metadata, contacts, messages, statuses, preferences] = fields(value, names)?;
        let [number] = fields(metadata, ["phone_number_id"]).unwrap_or_default();
        let number = text_or_number(number);
        let is_own =
            rules.numbers.is_none_or(|own| own.split_whitespace().any(|own| Some(own) == number.as_deref()));
        let contacts = Contacts::of(contacts);
        self.items(messages, |notified, message| notified.message(message, &contacts, is_own, rules));
        self.items(preferences, |notified, preference| {
            notified.preference(preference, &contacts, is_own, rules)
        });
        self.items(statuses, |notified, _| {
            notified.ignored.count(IgnoredReason::Status);
            Some(())
        });
        Some(())
    }

    fn message(
        &mut self,
        message: &RawValue,
        contacts: &Contacts<'_>,
        is_own: bool,
        rules: Rules<'_>,
    ) -> Option<()> {
        let [id, number, user_id, parent, at, written, button, interactive] = fields(
            Some(message),
            [
                "id",
                "from",
                "from_user_id",
                "from_parent_user_id",
                "timestamp",
                "text",
                "button",
                "interactive",
            ],
        )?;
        let why = match Intent::of([written, button, interactive], rules.words) {
            Intent::Nothing => IgnoredReason::UnsupportedType,
            Intent::Other => IgnoredReason::NotAWish,
            Intent::No => IgnoredReason::Declined,
            Intent::Unclear => IgnoredReason::Unclear,
            Intent::Yes(_) if !is_own => IgnoredReason::ForeignNumber,
            Intent::Yes(_) if !sent_at(at).is_some_and(|at| rules.is_young(at)) => IgnoredReason::Old,
            Intent::Yes(form) => {
                let person = Person::of(PersonIds { number, user_id, parent }, contacts);
                let has_email = form.as_ref().is_some_and(|form| form.email.is_some());
                let is_known = person.by_id.is_some() || has_email;
                if rules.numbers_only && person.number.is_none() && is_known {
                    IgnoredReason::WithoutNumber
                } else {
                    let id = text(id).and_then(|id| shown(&id).map(ToOwned::to_owned));
                    // The same message is the same text.
                    let digest = || OptInKey::new(&Account::default(), message.get()).to_string();
                    self.opt_ins.push(OptInRequest { id: id.unwrap_or_else(digest), person, form });
                    return Some(());
                }
            }
        };
        self.ignored.count(why);
        Some(())
    }

    fn preference(
        &mut self,
        preference: &RawValue,
        contacts: &Contacts<'_>,
        is_own: bool,
        rules: Rules<'_>,
    ) -> Option<()> {
        let why = match Preference::read(preference, contacts)? {
            Preference::Other => IgnoredReason::Preference,
            Preference::Stop { .. } if !is_own => IgnoredReason::ForeignNumber,
            // One without a time is done: to stop too often does no harm.
            Preference::Stop { at, .. } if sent_at(at).is_some_and(|at| !rules.is_young(at)) => {
                IgnoredReason::Old
            }
            Preference::Stop { person, at } => match OptOutRequest::of(person, at, rules.now) {
                Some(stop) => {
                    self.opt_outs.push(stop);
                    return Some(());
                }
                None => IgnoredReason::StopWithoutNumber,
            },
        };
        self.ignored.count(why);
        Some(())
    }
}

impl Rules<'_> {
    fn is_young(&self, at: i64) -> bool {
        (-AHEAD..=OLDEST).contains(&self.now.saturating_sub(at))
    }
}

/// When, in seconds since 1970: a text, or a number.
fn sent_at(at: Part<'_>) -> Option<i64> {
    let at = text_or_number(at)?;
    let fraction = || at.parse::<f64>().ok().filter(|at| at.is_finite()).map(|at| at as i64);
    at.parse().ok().or_else(fraction)
}

#[cfg(test)]
mod tests;
