//! Reading the intent of a message: a word that opts in, or the answer to a Flow, a form inside of WhatsApp.

use super::field::{Choice, Field, choices, chosen};
use super::json::{Part, entries, fields, text};
use super::words::says;
use klaviyo_core::text::shown;
use serde_json::value::RawValue;

/// The intent of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// A word that opts in, or yes in a Flow, with the contact that is filled in there.
    Yes(Option<Box<Form>>),
    /// No, in a Flow.
    No,
    /// Neither yes nor no in a Flow that asks for consent.
    Unclear,
    /// Another text.
    Other,
    /// No text, button, choice or Flow.
    Nothing,
}

/// The longest value that is kept, in bytes. It is longer than an email can be, so an email that is cut is
/// refused for its length.
const LONGEST_VALUE: usize = 512;

/// The contact, as it was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

/// Keeps a value in a field that has none yet.
pub(super) fn keep(field: &mut Option<String>, value: &RawValue) {
    if field.is_none()
        && let Some(text) = text(Some(value))
        && let Some(text) = shown(&text)
    {
        let end = text.floor_char_boundary(LONGEST_VALUE);
        *field = text.get(..end).map(ToOwned::to_owned);
    }
}

/// Reads the intent from the parts `text`, `button` and `interactive` of a message.
pub(super) fn intent([written, button, interactive]: [Part<'_>; 3], words: &[String]) -> Intent {
    let [body] = fields(written, ["body"]).unwrap_or_default();
    let [payload, label] = fields(button, ["payload", "text"]).unwrap_or_default();
    let [pressed, chosen, flow] =
        fields(interactive, ["button_reply", "list_reply", "nfm_reply"]).unwrap_or_default();
    let [pressed_id, pressed_title] = fields(pressed, ["id", "title"]).unwrap_or_default();
    let [chosen_id, chosen_title] = fields(chosen, ["id", "title"]).unwrap_or_default();
    let parts = [body, payload, label, pressed_id, pressed_title, chosen_id, chosen_title];
    let is_word = parts.into_iter().filter_map(text).any(|text| says(&text, words));
    match flow {
        Some(_) => FlowAnswer::read(flow, words).intent(is_word),
        None if is_word => Intent::Yes(None),
        None if parts.iter().any(Option::is_some) => Intent::Other,
        None => Intent::Nothing,
    }
}

/// The deepest level of the answer at which fields are read.
const DEEPEST: usize = 3;

/// The meaning of an answer to a Flow.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FlowAnswer {
    form: Form,
    /// A text in it, or the Flow's name, is a word that opts in.
    is_word: bool,
    /// It gives consent.
    agrees: bool,
    /// It refuses consent.
    refuses: bool,
    /// It leaves a question for consent empty, or refuses something like consent.
    holds_back: bool,
    /// It answers a question for consent with neither yes nor no.
    is_unclear: bool,
    /// It ticks boxes of a question for consent that do not say yes.
    has_ticked: bool,
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

    /// The intent of the message. `is_word`: another text of the message is a word that opts in. The business
    /// may have written that text, and only the person makes choices, so a choice overrules it.
    pub(super) fn intent(self, is_word: bool) -> Intent {
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
