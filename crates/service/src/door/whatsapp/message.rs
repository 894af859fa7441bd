//! Reading the intent of a message: one of the account's words, the answer to a Flow, a form inside of WhatsApp, or
//! the phone number that the person was asked for.

use super::field::{Choice, Field, choices, chosen};
use super::json::{Part, entries, fields, items, text, text_or_number};
use super::vocabulary::{Meaning, Said, Vocabulary};
use klaviyo_core::text::shown;
use serde_json::value::RawValue;

/// The intent of a message. A language is that of the word that was used; none for the account's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Intent<'a> {
    /// A word that opts in, or yes in a Flow, with the contact that is filled in there.
    Yes(Option<Box<Form>>, Option<&'a str>),
    /// A word that opts out.
    OptOut(Option<&'a str>),
    /// A word that gives back what the last opt-out took.
    Resume(Option<&'a str>),
    /// The phone number that the person was asked for, as it is written.
    Number(String),
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
pub(super) fn intent<'a>(
    [written, button, interactive]: [Part<'_>; 3],
    vocabulary: &Vocabulary<'a>,
) -> Intent<'a> {
    let [body] = fields(written, ["body"]).unwrap_or_default();
    let [payload, label] = fields(button, ["payload", "text"]).unwrap_or_default();
    let [pressed, chosen, flow] =
        fields(interactive, ["button_reply", "list_reply", "nfm_reply"]).unwrap_or_default();
    let [pressed_id, pressed_title] = fields(pressed, ["id", "title"]).unwrap_or_default();
    let [chosen_id, chosen_title] = fields(chosen, ["id", "title"]).unwrap_or_default();
    let parts = [body, payload, label, pressed_id, pressed_title, chosen_id, chosen_title];
    let said = parts.into_iter().filter_map(text).filter_map(|text| vocabulary.said(&text)).min();
    match (flow, said) {
        (_, Some(Said { meaning: Meaning::OptOut, language })) => Intent::OptOut(language),
        (Some(_), _) => {
            let word = said.filter(|said| said.meaning == Meaning::OptIn);
            FlowAnswer::read(flow, vocabulary).intent(word)
        }
        (None, Some(Said { meaning: Meaning::Resume, language })) => Intent::Resume(language),
        (None, Some(Said { meaning: Meaning::OptIn, language })) => Intent::Yes(None, language),
        (None, None) if parts.iter().any(Option::is_some) => Intent::Other,
        (None, None) => Intent::Nothing,
    }
}

/// The phone number that the person was asked for, from the parts `contacts` and `origin` of a message. None: the
/// message is another one, such as the contact of a friend.
pub(super) fn requested_number(contacts: Part<'_>, origin: Part<'_>) -> Option<String> {
    let is_answer = |origin: Part<'_>| text(origin).as_deref() == Some("contact_request");
    let mut number = None;
    let mut read = |contact| {
        let [phones, own] = fields(Some(contact), ["phones", "origin"]).unwrap_or_default();
        if number.is_some() || !(is_answer(origin) || is_answer(own)) {
            return;
        }
        items(phones, |phone| {
            let [wa_id, phone] = fields(Some(phone), ["wa_id", "phone"]).unwrap_or_default();
            let mut written = [wa_id, phone].into_iter().filter_map(text_or_number);
            number = number.take().or_else(|| written.find_map(|text| shown(&text).map(ToOwned::to_owned)));
        });
    };
    match items(contacts, &mut read) {
        Some(()) => {}
        // Where the origin is beside the list, the list is one level deeper.
        None => {
            let [own, inner] = fields(contacts, ["origin", "contacts"])?;
            return if inner.is_some() {
                requested_number(inner, own)
            } else {
                contacts.map(read).and(number)
            };
        }
    }
    number
}

/// The deepest level of the answer at which fields are read.
const DEEPEST: usize = 3;

/// The meaning of an answer to a Flow.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FlowAnswer<'a> {
    form: Form,
    /// The word that opts in, if a text in it, or the Flow's name, is one.
    word: Option<Said<'a>>,
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

impl<'a> FlowAnswer<'a> {
    /// Reads an `nfm_reply`.
    pub(super) fn read(reply: Part<'_>, vocabulary: &Vocabulary<'a>) -> Self {
        let [response, body, name] = fields(reply, ["response_json", "body", "name"]).unwrap_or_default();
        let word = [body, name].into_iter().filter_map(text).find_map(|text| vocabulary.opts_in(&text));
        let mut answer = Self { word, ..Self::default() };
        match text(response) {
            Some(json) => answer.fill(serde_json::from_str(&json).ok(), vocabulary, 0),
            None => answer.fill(response, vocabulary, 0),
        }
        answer
    }

    /// The intent of the message. `word`: another text of the message is a word that opts in. The business may
    /// have written that text, and only the person makes choices, so a choice overrules it.
    pub(super) fn intent(self, word: Option<Said<'a>>) -> Intent<'a> {
        let word = self.word.or(word);
        let language = word.and_then(|word| word.language);
        match self {
            Self { refuses: true, .. } => Intent::No,
            Self { agrees: true, form, .. } => Intent::Yes(Some(Box::new(form)), language),
            Self { holds_back: true, .. } => Intent::No,
            Self { is_unclear: true, .. } => Intent::Unclear,
            Self { form, .. } if word.is_some() => Intent::Yes(Some(Box::new(form)), language),
            Self { has_ticked: true, .. } => Intent::Unclear,
            _ => Intent::Other,
        }
    }

    /// Whether a text is a word that opts in, which is kept.
    fn says(&mut self, text: &str, vocabulary: &Vocabulary<'a>) -> bool {
        let said = vocabulary.opts_in(text);
        self.word = self.word.or(said);
        said.is_some()
    }

    fn fill(&mut self, object: Part<'_>, vocabulary: &Vocabulary<'a>, depth: usize) {
        entries(object, |name, value| {
            let is_object = value.get().starts_with('{');
            if is_object && depth < DEEPEST {
                self.fill(Some(value), vocabulary, depth + 1);
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
                    Choice::Ticked(text) | Choice::Other(text)
                        if vocabulary.opts_in(chosen(&text)).is_some() =>
                    {
                        self.agrees = self.says(chosen(&text), vocabulary);
                    }
                    Choice::Ticked(_) => self.has_ticked = true,
                    Choice::Other(_) => self.is_unclear = true,
                }),
                Field::LikeConsent => choices(value, |choice| match choice {
                    Choice::No => self.holds_back = true,
                    Choice::Ticked(text) | Choice::Other(text) => {
                        self.says(chosen(&text), vocabulary);
                    }
                    Choice::Yes | Choice::None => {}
                }),
                Field::OptOut => choices(value, |choice| self.refuses |= matches!(choice, Choice::Yes)),
                Field::Other => {
                    if let Some(text) = text(Some(value)) {
                        self.says(chosen(&text), vocabulary);
                    }
                }
            }
        });
    }
}
