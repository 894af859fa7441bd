//! Who has written: a phone number, WhatsApp's own id of the person, or both; and what is known of them beside.

use super::json::{Part, fields, items, text, text_or_number};
use klaviyo_core::identifiers::whatsapp_number;
use klaviyo_core::text::{shown, trimmed};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::OnceCell;

/// More than a name has, in bytes: the rest of it is cut off.
const LONGEST_NAME: usize = 256;
/// How many letters and digits WhatsApp's id of a person has at most, behind the country.
const LONGEST_USER_ID: usize = 128;
/// What stands between the country and the rest in the ids that portfolios of businesses have in common.
const PARENT: &str = "ENT.";

/// A person, as a notification tells of them. There can be many in one, and most have a number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// The number, E.164.
    pub(super) number: Option<String>,
    /// What is there instead of a number, and cannot be one.
    pub(super) unfit: Option<String>,
    /// The name that the person goes by.
    pub(super) name: Option<String>,
    /// What there is of somebody whose number is not told.
    pub(super) by_id: Option<Box<ById>>,
}

/// Somebody with a username, who can be known by nothing but it and WhatsApp's id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ById {
    /// WhatsApp's id of the person, the business-scoped user id: `US.13491208655302741918`.
    pub(super) user_id: String,
    pub(super) username: Option<String>,
}

/// What a part of a notification calls a person.
#[derive(Clone, Copy)]
pub(super) struct PersonIds<'a> {
    /// The number: `from`, `wa_id`.
    pub(super) number: Part<'a>,
    /// The id: `from_user_id`, `user_id`.
    pub(super) user_id: Part<'a>,
    /// The id that the business' portfolio has in common: `from_parent_user_id`, `parent_user_id`.
    pub(super) parent: Part<'a>,
}

/// The people that a notification tells more of, by all of their ids. They are not read before somebody is looked for.
pub(super) struct Contacts<'a> {
    contacts: Part<'a>,
    by_id: OnceCell<Vec<(Cow<'a, str>, &'a RawValue)>>,
}

impl<'a> Contacts<'a> {
    pub(super) fn of(contacts: Part<'a>) -> Self {
        Self { contacts, by_id: OnceCell::new() }
    }

    /// What is no contact is passed over: it only tells more of somebody.
    fn read(&self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        let mut all = Vec::new();
        items(self.contacts, |contact| {
            let names = ["wa_id", "user_id", "parent_user_id"];
            let [number, user_id, parent] = fields(Some(contact), names).unwrap_or_default();
            all.extend(PersonIds { number, user_id, parent }.ids().map(|id| (id, contact)));
        });
        // Of several with one id the first is found.
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    fn find(&self, id: &str) -> Option<&'a RawValue> {
        let all = self.by_id.get_or_init(|| self.read());
        let place = all.partition_point(|(known, _)| known.as_ref() < id);
        all.get(place).filter(|(known, _)| known == id).map(|(_, contact)| *contact)
    }
}

impl<'a> PersonIds<'a> {
    /// All ids, each in one way of writing.
    fn ids(self) -> impl Iterator<Item = Cow<'a, str>> {
        let number = text_or_number(self.number).filter(|text| shown(text).is_some());
        let number = number.map(|text| whatsapp_number(&text).map_or(text, Cow::Owned));
        [number, text(self.user_id), text(self.parent)].into_iter().flatten().map(cleaned)
    }
}

impl Person {
    /// The person who is called so, with what the contacts tell of them: those that have any of the ids.
    pub(super) fn of(called: PersonIds<'_>, contacts: &Contacts<'_>) -> Self {
        let contact = called.ids().find_map(|id| contacts.find(&id));
        let [wa_id, user_id, profile] = fields(contact, ["wa_id", "user_id", "profile"]).unwrap_or_default();
        let [name, username] = fields(profile, ["name", "username"]).unwrap_or_default();
        let mut id = [called.user_id, user_id]
            .into_iter()
            .find_map(|part| user_id_of(&text(part)?).map(ToOwned::to_owned));
        let (mut number, mut unfit) = (None, None);
        // Some find the id in the place of the number.
        for part in [called.number, wa_id] {
            let Some(written) = text_or_number(part) else { continue };
            match (shown(&written), user_id_of(&written), number_of(&written)) {
                (None, ..) => {}
                (_, Some(written), _) => id = id.or_else(|| Some(written.to_owned())),
                (_, None, Some(written)) => number = number.or(Some(written)),
                (Some(written), None, None) => unfit = unfit.or_else(|| Some(cut(written).to_owned())),
            }
        }
        let name = named(name);
        if number.is_some() {
            return Self { number, name, ..Self::default() };
        }
        let by_id = id.map(|user_id| Box::new(ById { user_id, username: named(username) }));
        Self { number, unfit, name, by_id }
    }
}

/// The number, E.164. WhatsApp writes digits, with a plus sign or without; behind one there can be separators.
fn number_of(written: &str) -> Option<String> {
    let number = trimmed(written);
    // As some write whole numbers in JSON.
    let number = number.strip_suffix(".0").unwrap_or(number);
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    // A dot can be that of a fraction.
    let has_separators = number.starts_with('+') && !number.contains('.');
    if is_number || has_separators { whatsapp_number(number).ok() } else { None }
}

/// WhatsApp's id of a person: the letters of a country, a dot, and letters and digits.
fn user_id_of(written: &str) -> Option<&str> {
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

/// A name, without what cannot be seen around it.
fn named(part: Part<'_>) -> Option<String> {
    shown(&text(part)?).map(|name| cut(name).to_owned())
}

/// As much of a text as a name has.
pub(super) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_NAME)).unwrap_or(text)
}
