//! The people of a notification: their numbers, WhatsApp's own ids of them, and their names.

use super::json::{Part, fields, items, text, text_or_number};
use klaviyo_core::identifiers::whatsapp_number;
use klaviyo_core::text::{shown, trimmed};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::OnceCell;

/// The longest name, in bytes. A longer one is cut.
const LONGEST_NAME: usize = 256;
/// The most letters and digits of WhatsApp's id of a person, behind the country.
const LONGEST_USER_ID: usize = 128;
/// The part behind the country in the ids that are common to a portfolio of businesses.
const PARENT: &str = "ENT.";

/// A person of a notification. A notification can have many, and most of them have a number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// The number, in E.164.
    pub(super) number: Option<String>,
    /// The number as WhatsApp has written it, to answer to.
    pub(super) wa_id: Option<String>,
    /// The text in place of a number, if it is no valid one.
    pub(super) invalid_number: Option<String>,
    /// The name in WhatsApp.
    pub(super) name: Option<String>,
    /// WhatsApp's own id of the person, if it is told.
    pub(super) by_id: Option<Box<ById>>,
}

/// A person as WhatsApp knows everybody, with or without a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ById {
    /// WhatsApp's id of the person, the business-scoped user id: `US.13491208655302741918`.
    pub(super) user_id: String,
    pub(super) username: Option<String>,
}

/// The ids of a person in a part of a notification.
#[derive(Clone, Copy)]
pub(super) struct PersonIds<'a> {
    /// The number: `from`, `wa_id`.
    pub(super) number: Part<'a>,
    /// The id: `from_user_id`, `user_id`.
    pub(super) user_id: Part<'a>,
    /// The id that is common to the business' portfolio: `from_parent_user_id`, `parent_user_id`.
    pub(super) parent: Part<'a>,
}

/// The contacts of a notification, by all of their ids. They are parsed when a person is looked for.
pub(super) struct Contacts<'a> {
    contacts: Part<'a>,
    by_id: OnceCell<Vec<(Cow<'a, str>, &'a RawValue)>>,
}

impl<'a> Contacts<'a> {
    pub(super) fn of(contacts: Part<'a>) -> Self {
        Self { contacts, by_id: OnceCell::new() }
    }

    /// Items that are no contacts are skipped, because a contact only adds to a person.
    fn read(&self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        let mut all = Vec::new();
        items(self.contacts, |contact| {
            let names = ["wa_id", "user_id", "parent_user_id"];
            let [number, user_id, parent] = fields(Some(contact), names).unwrap_or_default();
            all.extend(PersonIds { number, user_id, parent }.ids().map(|id| (id, contact)));
        });
        // The sort is stable, so the first of several with one id is found.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    fn find(&self, id: &str) -> Option<&'a RawValue> {
        let all = self.by_id.get_or_init(|| self.read());
        let index = all.partition_point(|(known, _)| known.as_ref() < id);
        all.get(index).filter(|(known, _)| known == id).map(|(_, contact)| *contact)
    }
}

impl<'a> PersonIds<'a> {
    /// All ids, each in one spelling.
    fn ids(self) -> impl Iterator<Item = Cow<'a, str>> {
        let number = text_or_number(self.number).filter(|text| shown(text).is_some());
        let number = number.map(|text| whatsapp_number(&text).map_or(text, Cow::Owned));
        [number, text(self.user_id), text(self.parent)].into_iter().flatten().map(cleaned)
    }
}

impl Person {
    /// The person with these ids, and with the data of the contact that has any of them.
    pub(super) fn of(called: PersonIds<'_>, contacts: &Contacts<'_>) -> Self {
        let contact = called.ids().find_map(|id| contacts.find(&id));
        let [wa_id, user_id, profile] = fields(contact, ["wa_id", "user_id", "profile"]).unwrap_or_default();
        let [name, username] = fields(profile, ["name", "username"]).unwrap_or_default();
        let mut id = [called.user_id, user_id]
            .into_iter()
            .find_map(|part| user_id_of(&text(part)?).map(ToOwned::to_owned));
        let (mut number, mut wa_id_of_number, mut invalid_number) = (None, None, None);
        // Some gateways send the id in place of the number.
        for part in [called.number, wa_id] {
            let Some(written) = text_or_number(part) else { continue };
            match (shown(&written), user_id_of(&written), number_of(&written)) {
                (None, ..) => {}
                (_, Some(written), _) => id = id.or_else(|| Some(written.to_owned())),
                (Some(written), None, Some(valid)) => {
                    if number.is_none() {
                        (number, wa_id_of_number) = (Some(valid), Some(written.to_owned()));
                    }
                }
                (Some(written), None, None) => {
                    invalid_number = invalid_number.or_else(|| Some(cut_name(written).to_owned()))
                }
            }
        }
        let by_id = id.map(|user_id| Box::new(ById { user_id, username: named(username) }));
        let invalid_number = invalid_number.filter(|_| number.is_none());
        Self { number, wa_id: wa_id_of_number, invalid_number, name: named(name), by_id }
    }

    /// Gives a person who is known by WhatsApp's id the number that was asked for.
    pub(super) fn has_number(&mut self, written: &str) {
        if self.number.is_none() {
            self.number = number_of(written);
            if self.number.is_none() {
                self.invalid_number = Some(cut_name(written).to_owned());
            }
        }
    }

    /// WhatsApp's own id of the person.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.by_id.as_deref().map(|by_id| by_id.user_id.as_str())
    }
}

/// A number in E.164. WhatsApp writes digits, with or without a plus sign. With one there can be separators.
fn number_of(written: &str) -> Option<String> {
    let number = trimmed(written);
    // Some programs write whole numbers like this in JSON.
    let number = number.strip_suffix(".0").unwrap_or(number);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    // A dot could belong to a fraction.
    let has_separators = number.starts_with('+') && !number.contains('.');
    if is_number || has_separators { whatsapp_number(number).ok() } else { None }
}

/// WhatsApp's id of a person: two letters for the country, a dot, and letters and digits.
pub(super) fn user_id_of(written: &str) -> Option<&str> {
    let id = trimmed(written);
    let (country, rest) = id.split_once('.')?;
    let rest = rest.strip_prefix(PARENT).unwrap_or(rest);
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_rest =
        (1..=LONGEST_USER_ID).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_country && is_rest).then_some(id)
}

fn cleaned(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
    }
}

/// A name without invisible characters around it.
fn named(part: Part<'_>) -> Option<String> {
    shown(&text(part)?).map(|name| cut_name(name).to_owned())
}

/// A text, cut to the longest name.
pub(super) fn cut_name(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_NAME)).unwrap_or(text)
}
