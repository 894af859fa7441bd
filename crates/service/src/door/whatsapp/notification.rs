//! Reading a notification.
//!
//! Each message and each preference is read by itself, so one that cannot be read hides no other. Fields that
//! are not named here have no effect.

use super::ignored::{Ignored, IgnoredReason};
use super::json::{Part, fields, items, text, text_or_number};
use super::message::{self, Intent};
use super::person::{Contacts, Person, PersonIds};
use super::request::{OptInRequest, OptOutRequest, Preference};
use crate::account::Account;
use crate::key::OptInKey;
use crate::queue::OUTCOMES;
use klaviyo_core::text::shown;
use serde_json::value::RawValue;

/// The greatest age of a message, in seconds. Meta repeats a notification for a week, and a queue knows
/// outcomes for as long, so that no message is done twice.
const OLDEST: i64 = OUTCOMES.as_secs().cast_signed();
/// How far the clocks may differ, in seconds. A message from further in the future would never be too old.
const AHEAD: i64 = 24 * 60 * 60;

/// The rules by which a notification is read.
#[derive(Clone, Copy)]
pub(in crate::door) struct Rules<'a> {
    /// The words that opt their sender in.
    pub(in crate::door) words: &'a [String],
    /// The ids of the account's own numbers, with white space between them. None: messages to any number
    /// count.
    pub(in crate::door) numbers: Option<&'a str>,
    /// Whether people without a phone number are left out.
    pub(in crate::door) numbers_only: bool,
    /// The time, in seconds since 1970.
    pub(in crate::door) now: i64,
}

/// The requests in a notification.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::door) struct Notification {
    /// The requests for an opt-in.
    pub(in crate::door) opt_ins: Vec<OptInRequest>,
    /// The requests for an opt-out.
    pub(in crate::door) opt_outs: Vec<OptOutRequest>,
    /// Everything else, counted.
    pub(in crate::door) ignored: Ignored,
}

impl Notification {
    /// Reads a notification. None: the body is not JSON.
    pub(in crate::door) fn read(body: &[u8], rules: Rules<'_>) -> Option<Self> {
        let body: &RawValue = serde_json::from_slice(body).ok()?;
        let mut notification = Self::default();
        let [object, entry] = fields(Some(body), ["object", "entry"]).unwrap_or_default();
        if text(object).as_deref() == Some("whatsapp_business_account") {
            notification.items(entry, |notification, entry| {
                let [changes] = fields(Some(entry), ["changes"])?;
                notification.items(changes, |notification, change| notification.change(change, rules));
                Some(())
            });
        }
        if notification.opt_ins.is_empty()
            && notification.opt_outs.is_empty()
            && notification.ignored.is_empty()
        {
            notification.ignored.count(IgnoredReason::Empty);
        }
        Some(notification)
    }

    /// Reads each item of an array. An item, or an array, that cannot be read is counted.
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
        // Other fields have copies of messages, such as those that the business has sent.
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
        self.items(messages, |notification, message| notification.message(message, &contacts, is_own, rules));
        self.items(preferences, |notification, preference| {
            notification.preference(preference, &contacts, is_own, rules)
        });
        self.items(statuses, |notification, _| {
            notification.ignored.count(IgnoredReason::Status);
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
        let reason = match message::intent([written, button, interactive], rules.words) {
            Intent::Nothing => IgnoredReason::UnsupportedType,
            Intent::Other => IgnoredReason::NotAnOptIn,
            Intent::No => IgnoredReason::Declined,
            Intent::Unclear => IgnoredReason::Unclear,
            Intent::Yes(_) if !is_own => IgnoredReason::ForeignNumber,
            Intent::Yes(_) if !sent_at(at).is_some_and(|at| rules.is_recent(at)) => IgnoredReason::Old,
            Intent::Yes(form) => {
                let person = Person::of(PersonIds { number, user_id, parent }, contacts);
                let has_email = form.as_ref().is_some_and(|form| form.email.is_some());
                let is_known = person.by_id.is_some() || has_email;
                if rules.numbers_only && person.number.is_none() && is_known {
                    IgnoredReason::WithoutNumber
                } else {
                    let id = text(id).and_then(|id| shown(&id).map(ToOwned::to_owned));
                    // Meta repeats a message as the same text.
                    let digest = || OptInKey::new(&Account::default(), message.get()).to_string();
                    self.opt_ins.push(OptInRequest { id: id.unwrap_or_else(digest), person, form });
                    return Some(());
                }
            }
        };
        self.ignored.count(reason);
        Some(())
    }

    fn preference(
        &mut self,
        preference: &RawValue,
        contacts: &Contacts<'_>,
        is_own: bool,
        rules: Rules<'_>,
    ) -> Option<()> {
        let reason = match Preference::read(preference, contacts)? {
            Preference::Other => IgnoredReason::Preference,
            Preference::Stop { .. } if !is_own => IgnoredReason::ForeignNumber,
            // Without a time it is done: an opt-out that is done twice does no harm.
            Preference::Stop { at, .. } if sent_at(at).is_some_and(|at| !rules.is_recent(at)) => {
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
        self.ignored.count(reason);
        Some(())
    }
}

impl Rules<'_> {
    fn is_recent(&self, at: i64) -> bool {
        (-AHEAD..=OLDEST).contains(&self.now.saturating_sub(at))
    }
}

/// A time in seconds since 1970, from a text or a number.
fn sent_at(at: Part<'_>) -> Option<i64> {
    let at = text_or_number(at)?;
    let fraction = || at.parse::<f64>().ok().filter(|at| at.is_finite()).map(|at| at as i64);
    at.parse().ok().or_else(fraction)
}
