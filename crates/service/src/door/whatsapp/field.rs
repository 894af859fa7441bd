//! The fields of a Flow, by their names, and the yes and no in them.
//!
//! Names are given by whoever made the Flow, or by Meta's builder, such as `screen_0_Email_1`. Case,
//! separators and the builder's numbers do not count:
//!
//! | fields | say |
//! |---|---|
//! | `email`, `email_address`, `e-mail`, `mail`, `email_id`, and these with `your`, `customer` or `user` in front | the email |
//! | `name`, `full_name`, `your_name`, `customer_name`; `first_name`, `given_name`; `last_name`, `surname`, `family_name` | the name |
//! | `consent`, `opt_in`, `opted_in`, `subscribe`, `subscribed`, `newsletter`, `marketing`, `marketing_consent`, `marketing_opt_in`, `consent_to_marketing`, `accepts_marketing`, `agree_to_marketing`, `updates`, `receive_updates`, and these with `email` or `whatsapp` in them | yes or no |
//! | others with `consent`, `optin`, `subscri`, `newsletter`, `marketing` or `updates` in them, such as `want_our_newsletter` | no, and never yes |
//! | those with `unsubscribe`, `optout` or `optedout` in them | no, by yes |

use super::json::{items, text_or_number};
use super::words::{is_number, letters};
use klaviyo_core::text::{shown, trimmed};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The meaning of a field.
pub(super) enum Field {
    Email,
    Name,
    FirstName,
    LastName,
    Consent,
    /// Consent to something that is not known.
    LikeConsent,
    /// The withdrawal of consent.
    OptOut,
    Other,
}

impl Field {
    /// The field with this name.
    pub(super) fn named(name: &str) -> Self {
        let name = letters(without_numbers(name));
        let unprefixed = ["your", "customer", "user"].iter().find_map(|prefix| name.strip_prefix(prefix));
        match unprefixed.unwrap_or(&name) {
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

/// The value of a field about consent.
pub(super) enum Choice<'a> {
    Yes,
    No,
    /// The field is empty.
    None,
    /// A ticked box among several, with its label.
    Ticked(Cow<'a, str>),
    Other(Cow<'a, str>),
}

/// Each choice of a field. Of several boxes these are the ticked ones.
pub(super) fn choices(value: &RawValue, mut each: impl FnMut(Choice<'_>)) {
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

/// `Yes` of `0_Yes`.
pub(super) fn chosen(text: &str) -> &str {
    let text = trimmed(text);
    let numbered = text.split_once('_').filter(|(number, _)| is_number(number));
    numbered.map_or(text, |(_, rest)| rest)
}

/// Whether an answer is yes or no, as forms write it.
fn answered(text: &str) -> Option<bool> {
    /// Words that say no anywhere in the answer: `I do not agree`.
    const NOT: [&str; 8] = ["not", "dont", "never", "no", "nicht", "kein", "keine", "nunca"];
    let first = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let said = [letters(text), letters(first)].map(|words| meaning(&words));
    if said.contains(&Some(false)) {
        Some(false)
    } else if said.contains(&Some(true)) {
        Some(true)
    } else {
        let mut words = text.split(|c: char| c.is_whitespace() || c == '_').map(letters);
        words.any(|word| NOT.contains(&word.as_str())).then_some(false)
    }
}

fn meaning(letters: &str) -> Option<bool> {
    match letters {
        "yes" | "y" | "true" | "1" | "on" | "checked" | "agree" | "iagree" | "agreed" | "accept"
        | "iaccept" | "accepted" | "optin" | "optedin" | "subscribed" | "sí" | "oui" | "ja" => Some(true),
        "no" | "n" | "false" | "0" | "off" | "unchecked" | "decline" | "declined" | "disagree" | "optout"
        | "optedout" | "unsubscribe" | "unsubscribed" | "never" | "not" | "nein" | "non" => Some(false),
        _ => None,
    }
}
