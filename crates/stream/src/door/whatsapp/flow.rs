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

use super::json::{Part, entries, fields, items, text, text_or_number};
use super::words::{folded, says};
use klaviyo_core::text::{shown, trimmed};
use serde_json::value::RawValue;

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
pub(super) struct Answer {
    pub(super) form: Form,
    /// It says the word, or gives consent.
    pub(super) yes: bool,
    /// It says no somewhere.
    pub(super) no: bool,
}

enum Field {
    Email,
    Name,
    FirstName,
    LastName,
    Consent,
    Other,
}

impl Answer {
    /// Reads an `nfm_reply`.
    pub(super) fn read(reply: Part<'_>, words: &[String]) -> Self {
        let [response, body, name] = fields(reply, ["response_json", "body", "name"]).unwrap_or_default();
        let yes = [body, name].into_iter().filter_map(text).any(|text| says(&text, words));
        let mut answer = Self { yes, ..Self::default() };
        match text(response) {
            Some(json) => answer.fill(serde_json::from_str(&json).ok(), words, 0),
            None => answer.fill(response, words, 0),
        }
        answer
    }

    fn fill(&mut self, object: Part<'_>, words: &[String], depth: usize) {
        entries(object, |name, value| match Field::named(&name) {
            Field::Email => keep(&mut self.form.email, value),
            Field::Name => keep(&mut self.form.name, value),
            Field::FirstName => keep(&mut self.form.first_name, value),
            Field::LastName => keep(&mut self.form.last_name, value),
            Field::Consent => self.consent(value, words),
            Field::Other if depth < DEEPEST && value.get().starts_with('{') => {
                self.fill(Some(value), words, depth + 1);
            }
            Field::Other => self.yes |= text(Some(value)).is_some_and(|text| says(choice(&text), words)),
        });
    }

    fn consent(&mut self, value: &RawValue, words: &[String]) {
        let mut count = 0;
        let is_array = items(Some(value), |item| {
            count += 1;
            self.one(item, words);
        });
        match is_array {
            // Of the boxes of a question none is ticked.
            Some(()) => self.no |= count == 0,
            None => self.one(value, words),
        }
    }

    fn one(&mut self, value: &RawValue, words: &[String]) {
        match value.get() {
            "true" => self.yes = true,
            "false" => self.no = true,
            _ => {
                let Some(text) = text_or_number(Some(value)) else { return };
                match answered(choice(&text)) {
                    Some(yes) => {
                        self.yes |= yes;
                        self.no |= !yes;
                    }
                    None => self.yes |= says(choice(&text), words),
                }
            }
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
            | "agreetomarketing" | "updates" | "receiveupdates" => Self::Consent,
            _ => Self::Other,
        }
    }
}

/// `Email` of `screen_0_Email_1`.
fn without_numbers(name: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let screen = name.strip_prefix("screen_").and_then(|rest| rest.split_once('_'));
    let name = screen.filter(|(number, _)| is_number(number)).map_or(name, |(_, rest)| rest);
    name.rsplit_once('_').filter(|(_, number)| is_number(number)).map_or(name, |(rest, _)| rest)
}

/// `Yes` of `0_Yes`.
fn choice(text: &str) -> &str {
    let text = trimmed(text);
    let chosen = text
        .split_once('_')
        .filter(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    chosen.map_or(text, |(_, rest)| rest)
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
    let first = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let (whole, first) = (letters(text), letters(first));
    let is_in = |words: &[&str]| words.contains(&whole.as_str()) || words.contains(&first.as_str());
    // `not agreed` is none.
    if is_in(&NO) { Some(false) } else { is_in(&YES).then_some(true) }
}
