//! What an account wants of its WhatsApp: its words, the lists that people leave, what they consent to, the texts
//! of replies, and the metrics of delivery events.

use crate::opt_in::Channel;
use crate::reply::replies::Replies;
use crate::words::is_same_word;
use klaviyo_core::text::shown;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The settings of an account, from JSON. A field that is unknown makes all of it invalid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatsappSettings {
    /// The words that opt their sender in. None: those of the command line.
    pub opt_in_words: Option<Vec<String>>,
    /// The words that opt their sender out. None: `STOP` and `UNSUBSCRIBE`.
    pub opt_out_words: Option<Vec<String>>,
    /// The words that give back what the last opt-out took. None: `START`.
    pub resume_words: Option<Vec<String>>,
    /// The words and replies of further languages, by the language: `es`, `pt_BR`.
    pub languages: BTreeMap<String, LanguageSettings>,
    /// The lists that a person leaves with an opt-out, each by its id or its exact name.
    pub opt_out_lists: Vec<String>,
    /// The channels that an opt-in by WhatsApp consents to, as far as the person has the address for them. None by
    /// default: then it makes the person a member of the list, which allows no messages.
    pub consent: Vec<Channel>,
    /// The texts of replies, by what they answer.
    pub replies: Replies,
    /// The metrics of delivery events. None by default: then there are no such events.
    pub delivery_events: DeliveryMetrics,
}

/// The words and replies of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageSettings {
    /// The words that opt their sender in.
    pub opt_in_words: Vec<String>,
    /// The words that opt their sender out.
    pub opt_out_words: Vec<String>,
    /// The words that give back what the last opt-out took.
    pub resume_words: Vec<String>,
    /// The texts of replies, by what they answer.
    pub replies: Replies,
}

/// The name of the metric for each status of a message that the business has sent. Statuses without one are no
/// events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryMetrics {
    /// WhatsApp has taken the message.
    pub sent: Option<String>,
    /// It is on the person's phone.
    pub delivered: Option<String>,
    /// The person has read it.
    pub read: Option<String>,
    /// It cannot be delivered.
    pub failed: Option<String>,
}

/// Why a text is no settings. It names the place and says what to write there.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}{reason}", .path.as_ref().map(|path| format!("at {path}: ")).unwrap_or_default())]
pub struct InvalidSettings {
    /// None where the text is not JSON: the reason has the line.
    path: Option<String>,
    reason: String,
}

/// The fields with words.
const WORDS: [&str; 3] = ["opt_in_words", "opt_out_words", "resume_words"];

impl WhatsappSettings {
    /// Parses settings.
    ///
    /// # Errors
    /// When the text is not JSON, has an unknown field or a wrong value, or gives one word two meanings.
    pub fn parse(text: &str) -> Result<Self, InvalidSettings> {
        // An array would do for serde, field by field.
        if !text.trim_start().starts_with('{') {
            return Err(invalid("the top", "it is not an object, such as {\"opt_out_words\": [\"STOP\"]}"));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let settings: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { "the top".to_owned() } else { path };
            let error = error.into_inner();
            if error.is_data() {
                return invalid(path, error.to_string());
            }
            InvalidSettings { path: None, reason: format!("it is not JSON: {error}") }
        })?;
        reader
            .end()
            .map_err(|error| invalid("the end", format!("{error}; remove what is behind the object")))?;
        settings.check()?;
        Ok(settings)
    }

    /// All words, each with the name of its field and with its path.
    fn words(&self) -> impl Iterator<Item = (&'static str, String, &str)> {
        let [opt_in, opt_out, resume] = WORDS;
        let top =
            [(opt_in, &self.opt_in_words), (opt_out, &self.opt_out_words), (resume, &self.resume_words)];
        let top = top.map(|(field, words)| (String::new(), field, words.as_deref().unwrap_or_default()));
        let languages = self.languages.iter().flat_map(move |(name, language)| {
            let LanguageSettings { opt_in_words, opt_out_words, resume_words, .. } = language;
            [(opt_in, opt_in_words), (opt_out, opt_out_words), (resume, resume_words)]
                .map(|(field, words)| (format!("languages.{name}."), field, words.as_slice()))
        });
        top.into_iter().chain(languages).flat_map(|(prefix, field, words)| {
            let placed = words.iter().enumerate();
            placed.map(move |(n, word)| (field, format!("{prefix}{field}[{n}]"), word.as_str()))
        })
    }

    fn check(&self) -> Result<(), InvalidSettings> {
        let mut seen: Vec<(&str, String, &str)> = Vec::new();
        for (field, path, word) in self.words() {
            if shown(word).is_none() {
                return Err(invalid(path, "it is blank; write the word, or remove it"));
            }
            let other = seen.iter().find(|(of, _, known)| *of != field && is_same_word(known, word));
            if let Some((_, other, _)) = other {
                let reason = format!(
                    "{word:?} is at {other} too, and means something else there; remove one of the two"
                );
                return Err(invalid(path, reason));
            }
            seen.push((field, path, word));
        }
        for name in self.languages.keys() {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !(2..=16).contains(&name.len()) || !name.chars().all(fits) {
                return Err(invalid(format!("languages.{name}"), "a language is written as es or pt_BR"));
            }
        }
        for (n, list) in self.opt_out_lists.iter().enumerate() {
            if shown(list).is_none() {
                let reason = "it is blank; write the list's id or its exact name, or remove it";
                return Err(invalid(format!("opt_out_lists[{n}]"), reason));
            }
        }
        let DeliveryMetrics { sent, delivered, read, failed } = &self.delivery_events;
        for (status, metric) in [("sent", sent), ("delivered", delivered), ("read", read), ("failed", failed)]
        {
            if metric.as_deref().is_some_and(|metric| shown(metric).is_none()) {
                let reason = "it is blank; write the metric's name, or remove it for no events";
                return Err(invalid(format!("delivery_events.{status}"), reason));
            }
        }
        Ok(())
    }
}

impl DeliveryMetrics {
    /// The metric for a status; none if it is no event.
    #[must_use]
    pub fn of(&self, status: &str) -> Option<&str> {
        match status {
            "sent" => self.sent.as_deref(),
            "delivered" => self.delivered.as_deref(),
            "read" => self.read.as_deref(),
            "failed" => self.failed.as_deref(),
            _ => None,
        }
    }
}

fn invalid(path: impl Into<String>, reason: impl Into<String>) -> InvalidSettings {
    InvalidSettings { path: Some(path.into()), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_whole() {
        let settings = WhatsappSettings::parse(
            r#"{"opt_in_words": ["SUBSCRIBE"], "opt_out_words": ["STOP", "UNSUBSCRIBE"], "resume_words": ["START"],
                "languages": {"es": {"opt_in_words": ["ALTA"], "opt_out_words": ["BAJA"], "resume_words": ["VOLVER"],
                                     "replies": {"subscribed": "Hola"}}},
                "opt_out_lists": ["Y6nRLr"], "consent": ["whatsapp"], "replies": {"subscribed": "Hello", "refused": null}, "delivery_events": {"read": "Read"}}"#,
        )
        .unwrap();
        assert_eq!(settings.languages["es"].opt_out_words, ["BAJA"]);
        assert_eq!(settings.words().count(), 7);
        assert_eq!(settings.consent, [Channel::Whatsapp]);
        let metrics = settings.delivery_events;
        assert_eq!(
            (metrics.of("read"), metrics.of("sent"), metrics.of("deleted")),
            (Some("Read"), None, None)
        );
        assert_eq!(WhatsappSettings::parse("{}"), Ok(WhatsappSettings::default()));
        // A word may be in several languages with the same meaning.
        assert!(
            WhatsappSettings::parse(
                r#"{"opt_out_words": ["STOP"], "languages": {"de": {"opt_out_words": ["stop"]}}}"#
            )
            .is_ok()
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        for (text, path) in [
            ("", "the top"),
            ("[]", "the top"),
            ("{} x", "the end"),
            (r#"{"words": []}"#, "words"),
            (r#"{"opt_in_words": [7]}"#, "opt_in_words[0]"),
            (r#"{"opt_in_words": ["A", " "]}"#, "opt_in_words[1]"),
            (r#"{"opt_out_words": ["STOP"], "resume_words": ["stop"]}"#, "resume_words[0]"),
            (
                r#"{"opt_out_words": ["STOP"], "languages": {"es": {"opt_in_words": ["Stop"]}}}"#,
                "languages.es.opt_in_words[0]",
            ),
            (r#"{"languages": {"es": {"opt_in_word": []}}}"#, "languages.es.opt_in_word"),
            (r#"{"languages": {"español": {}}}"#, "languages.español"),
            (r#"{"opt_out_lists": [""]}"#, "opt_out_lists[0]"),
            (r#"{"delivery_events": {"opened": "x"}}"#, "delivery_events.opened"),
            (r#"{"delivery_events": {"read": "\u200b"}}"#, "delivery_events.read"),
            (r#"{"replies": {"done": "x"}}"#, "replies.done"),
            (r#"{"replies": {"subscribed": 7}}"#, "replies.subscribed"),
            (r#"{"languages": {"es": {"replies": {"on_list": "{name}"}}}}"#, "languages.es.replies.on_list"),
        ] {
            let error = WhatsappSettings::parse(text).unwrap_err();
            assert_eq!(error.path.as_deref(), Some(path), "{text}: {error}");
        }
        for text in ["{x", r#"{"opt_in_words": ["A""#, r#"{"opt_in_words": ["A",]}"#] {
            assert_eq!(WhatsappSettings::parse(text).unwrap_err().path, None, "{text}");
        }
    }
}
