//! The answer to a Flow, a form inside of WhatsApp.
//!
//! Its fields are named by who has made it, or by Meta's builder, such as `screen_0_Email_1`; its choices come as
//! `0_Yes`. Names are read without regard to case, to what stands between their words, and to the builder's numbers:
//!
//! | fields | say |
//! |---|---|
//! | `email`, `email_address`, `e-mail`, `mail`, `email_id`, and these with `your`, `customer` or `user` in front | the email |
//! | `name`, `full_name`, `your_name`, `customer_name`; `first_name`, `given_name`; `last_name`, `surname`, `family_name` | the name |
//! | `consent`, `opt_in`, `opted_in`, `subscribe`, `subscribed`, `newsletter`, `marketing`, `marketing_consent`, `marketing_opt_in`, `consent_to_marketing`, `accepts_marketing`, `agree_to_marketing`, `updates`, `receive_updates`, and these with `email` or `whatsapp` in them | yes or no |
//! | others with `consent`, `optin`, `subscri`, `newsletter`, `marketing` or `updates` in them, such as `want_our_newsletter` | no, and never yes |
//! | those with `unsubscribe`, `optout` or `optedout` in them | no, by yes |

use super::json::{Part, entries, fields, items, text, text_or_number};
use super::opt_in_request::Intent;
use super::words::{folded, says};
use klaviyo_core::text::{shown, trimmed};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How deep in the answer fields are looked for.
const DEEPEST: usize = 3;
/// Longer than the name of a field that is known, in characters.
const LONGEST_NAME: usize = 64;
/// Longer than an email can be, in bytes: what is cut here is refused for its length.
const LONGEST_VALUE: usize = 512;

/// What somebody has filled in, as it was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

/// What the answer to a Flow says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FlowAnswer {
    form: Form,
    /// A text of it is the word, or the Flow's name is.
    is_word: bool,
    /// It gives consent.
    agrees: bool,
    /// It refuses consent.
    refuses: bool,
    /// It leaves a question for consent open, or refuses something like consent.
    holds_back: bool,
    /// It answers a question for consent by what is neither yes nor no.
    is_unclear: bool,
    /// Of the boxes of a question for consent some are ticked, and they say something else than yes.
    has_ticked: bool,
}

enum Field {
    Email,
    Name,
    FirstName,
    LastName,
    Consent,
    /// Consent to something: to what is not known.
    LikeConsent,
    /// Consent is taken back.
    OptOut,
    Other,
}

impl FlowAnswer {
    /// Reads an `nfm_reply`.
    pub(super) fn read(reply: Part<'_>, words: &[String]) -> Self {
        let [response, body, name] = fields(reply, ["response_json", "body", "name"]).unwrap_or_default();
        let is_word = [body, name].into_iter().filter_map(text).any(|text| says(&text, words));
        let mut answer = Self { is_word, ..Self::default() };
        match text(response) {
            Some(json) => answer.fill(serde_json::from_str(&json).ok(), words, 0),
            None => answer.fill(response, words, 0),
        }
        answer
    }

    /// What it says, beside another text of the message that is the word or is not. The business may have written the
    /// word, but only the person chooses: so no word overrules a choice.
    pub(super) fn said(self, is_word: bool) -> Intent {
        match self {
            Self { refuses: true, .. } => Intent::No,
            Self { agrees: true, form, .. } => Intent::Yes(Some(Box::new(form))),
            Self { holds_back: true, .. } => Intent::No,
            Self { is_unclear: true, .. } => Intent::Unclear,
            Self { form, is_word: says, .. } if says || is_word => Intent::Yes(Some(Box::new(form))),
            Self { has_ticked: true, .. } => Intent::Unclear,
            _ => Intent::Other,
        }
    }

    fn fill(&mut self, object: Part<'_>, words: &[String], depth: usize) {
        entries(object, |name, value| {
            let is_object = value.get().starts_with('{');
            if is_object && depth < DEEPEST {
                self.fill(Some(value), words, depth + 1);
            }
            match Field::named(&name) {
                Field::Email => keep(&mut self.form.email, value),
                Field::Name => keep(&mut self.form.name, value),
                Field::FirstName => keep(&mut self.form.first_name, value),
                Field::LastName => keep(&mut self.form.last_name, value),
                Field::Consent => choices(value, |choice| match choice {
                    Choice::Yes => self.agrees = true,
                    Choice::No => self.refuses = true,
                    Choice::None => self.holds_back = true,
                    Choice::Ticked(text) | Choice::Other(text) if says(chosen(&text), words) => {
                        self.agrees = true
                    }
                    Choice::Ticked(_) => self.has_ticked = true,
                    Choice::Other(_) => self.is_unclear = true,
                }),
                Field::LikeConsent => choices(value, |choice| match choice {
                    Choice::No => self.holds_back = true,
                    Choice::Ticked(text) | Choice::Other(text) => self.is_word |= says(chosen(&text), words),
                    Choice::Yes | Choice::None => {}
                }),
                Field::OptOut => choices(value, |choice| self.refuses |= matches!(choice, Choice::Yes)),
                Field::Other => {
                    self.is_word |= text(Some(value)).is_some_and(|text| says(chosen(&text), words))
                }
            }
        });
    }
}

/// What a field says.
enum Choice<'a> {
    Yes,
    No,
    /// It is left empty.
    None,
    /// One of several boxes, and what stands beside it.
    Ticked(Cow<'a, str>),
    Other(Cow<'a, str>),
}

/// Each choice of a field: of several boxes those that are ticked.
fn choices(value: &RawValue, mut each: impl FnMut(Choice<'_>)) {
    let mut count = 0;
    let is_array = items(Some(value), |item| {
        count += 1;
        each(match Choice::of(item) {
            Choice::Other(text) => Choice::Ticked(text),
            choice => choice,
        });
    });
    match is_array {
        Some(()) if count == 0 => each(Choice::No),
        Some(()) => {}
        None => each(Choice::of(value)),
    }
}

impl<'a> Choice<'a> {
    fn of(value: &'a RawValue) -> Self {
        match value.get() {
            "true" => return Self::Yes,
            "false" => return Self::No,
            "null" => return Self::None,
            _ => {}
        }
        let text = text_or_number(Some(value)).unwrap_or_default();
        match answered(chosen(&text)) {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None if value.get().starts_with('"') && shown(&text).is_none() => Self::None,
            None => Self::Other(text),
        }
    }
}

/// The first that is there.
fn keep(place: &mut Option<String>, value: &RawValue) {
    if place.is_none()
        && let Some(text) = text(Some(value))
        && let Some(text) = shown(&text)
    {
        let end = text.floor_char_boundary(LONGEST_VALUE);
        *place = text.get(..end).map(ToOwned::to_owned);
    }
}

impl Field {
    fn named(name: &str) -> Self {
        let name = letters(without_numbers(name));
        let of_whom = ["your", "customer", "user"].iter().find_map(|whose| name.strip_prefix(whose));
        match of_whom.unwrap_or(&name) {
            "email" | "emailaddress" | "mail" | "emailid" => return Self::Email,
            "name" | "fullname" if name != "username" => return Self::Name,
            "firstname" | "givenname" => return Self::FirstName,
            "lastname" | "surname" | "familyname" => return Self::LastName,
            _ => {}
        }
        match name.replace("whatsapp", "").replace("email", "").as_str() {
            "consent" | "optin" | "optedin" | "subscribe" | "subscribed" | "newsletter" | "marketing"
            | "marketingconsent" | "marketingoptin" | "consenttomarketing" | "acceptsmarketing"
            | "agreetomarketing" | "updates" | "receiveupdates" => return Self::Consent,
            _ => {}
        }
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if has(&["unsubscribe", "optout", "optedout"]) {
            Self::OptOut
        } else if has(&["consent", "optin", "subscri", "newsletter", "marketing", "updates"]) {
            Self::LikeConsent
        } else {
            Self::Other
        }
    }
}

/// `Email` of `screen_0_Email_1`.
fn without_numbers(name: &str) -> &str {
    let screen = name.strip_prefix("screen_").and_then(|rest| rest.split_once('_'));
    let name = screen.filter(|(number, _)| is_number(number)).map_or(name, |(_, rest)| rest);
    name.rsplit_once('_').filter(|(_, number)| is_number(number)).map_or(name, |(rest, _)| rest)
}

/// `Yes` of `0_Yes`.
fn chosen(text: &str) -> &str {
    let text = trimmed(text);
    let numbered = text.split_once('_').filter(|(number, _)| is_number(number));
    numbered.map_or(text, |(_, rest)| rest)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn letters(text: &str) -> String {
    folded(text).filter(|c| c.is_alphanumeric()).take(LONGEST_NAME).collect()
}

/// Whether an answer is yes or no, as forms write it.
fn answered(text: &str) -> Option<bool> {
    const YES: [&str; 18] = [
        "yes",
        "y",
        "true",
        "1",
        "on",
        "checked",
        "agree",
        "iagree",
        "agreed",
        "accept",
        "iaccept",
        "accepted",
        "optin",
        "optedin",
        "subscribed",
        "sí",
        "oui",
        "ja",
    ];
    const NO: [&str; 17] = [
        "no",
        "n",
        "false",
        "0",
        "off",
        "unchecked",
        "decline",
        "declined",
        "disagree",
        "optout",
        "optedout",
        "unsubscribe",
        "unsubscribed",
        "never",
        "not",
        "nein",
        "non",
    ];
    /// Wherever they stand: `I do not agree`.
    const NOT: [&str; 8] = ["not", "dont", "never", "no", "nicht", "kein", "keine", "nunca"];
    let first = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let (whole, first) = (letters(text), letters(first));
    let is_in = |words: &[&str]| words.contains(&whole.as_str()) || words.contains(&first.as_str());
    let mut words = text.split(|c: char| c.is_whitespace() || c == '_').map(letters);
    if is_in(&NO) {
        Some(false)
    } else if is_in(&YES) {
        Some(true)
    } else {
        words.any(|word| NOT.contains(&word.as_str())).then_some(false)
    }
}
