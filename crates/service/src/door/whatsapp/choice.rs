//! Yes and no, as Flows say them.

use super::json::{items, text_or_number};
use super::words::{is_number, letters};
use klaviyo_core::text::{shown, trimmed};
use serde_json::value::RawValue;
use std::borrow::Cow;

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
    /// Words that say no anywhere in the answer: `I do not agree`.
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
