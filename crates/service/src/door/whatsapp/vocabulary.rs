//! The words of an account, and what each means.

use crate::whatsapp_settings::WhatsappSettings;
use crate::words::{bare, is_same_word};

/// What a word means. Of several in one message the first of these counts, so that no opt-out is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::door) enum Meaning {
    OptOut,
    Resume,
    OptIn,
}

/// The words of an account in all of its languages.
pub(in crate::door) struct Vocabulary<'a> {
    words: Vec<(Meaning, &'a str, Option<&'a str>)>,
}

/// A word that a person has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::door) struct Said<'a> {
    pub(in crate::door) meaning: Meaning,
    /// None for the account's own language.
    pub(in crate::door) language: Option<&'a str>,
}

impl<'a> Vocabulary<'a> {
    /// The words of these settings. `opt_in` are the words that opt in where the settings name none.
    pub(in crate::door) fn new(settings: &'a WhatsappSettings, opt_in: &'a [String]) -> Self {
        const OPT_OUT: [&str; 2] = ["STOP", "UNSUBSCRIBE"];
        const RESUME: [&str; 1] = ["START"];
        let mut words = Vec::new();
        let mut add = |meaning, given: &'a [String], language| {
            words.extend(given.iter().map(|word| (meaning, word.as_str(), language)));
        };
        add(Meaning::OptIn, settings.opt_in_words.as_deref().unwrap_or(opt_in), None);
        add(Meaning::OptOut, settings.opt_out_words.as_deref().unwrap_or_default(), None);
        add(Meaning::Resume, settings.resume_words.as_deref().unwrap_or_default(), None);
        for (name, language) in &settings.languages {
            add(Meaning::OptIn, &language.opt_in_words, Some(name.as_str()));
            add(Meaning::OptOut, &language.opt_out_words, Some(name.as_str()));
            add(Meaning::Resume, &language.resume_words, Some(name.as_str()));
        }
        if settings.opt_out_words.is_none() {
            words.extend(OPT_OUT.map(|word| (Meaning::OptOut, word, None)));
        }
        if settings.resume_words.is_none() {
            words.extend(RESUME.map(|word| (Meaning::Resume, word, None)));
        }
        // The sort is stable: the account's own language comes before others.
        words.sort_by_key(|(meaning, ..)| *meaning);
        Self { words }
    }

    /// What a text means; none if it is no word of the account. Who writes more than punctuation around it still opts out,
    /// and consents to nothing.
    pub(super) fn said(&self, text: &str) -> Option<Said<'a>> {
        let without = bare(text);
        let found = self.words.iter().find(|(meaning, word, _)| {
            is_same_word(text, word)
                || (without.is_certain || *meaning == Meaning::OptOut) && is_same_word(without.text, word)
        });
        found.map(|(meaning, _, language)| Said { meaning: *meaning, language: *language })
    }

    /// The word that opts in, if a text is one.
    pub(super) fn opts_in(&self, text: &str) -> Option<Said<'a>> {
        self.said(text).filter(|said| said.meaning == Meaning::OptIn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_its_meaning_and_its_language() {
        let settings = r#"{"resume_words": ["AGAIN"], "languages": {"es": {"opt_in_words": ["ALTA"],
                           "opt_out_words": ["BAJA", "STOP"], "resume_words": ["VOLVER"]}}}"#;
        let settings = WhatsappSettings::parse(settings).unwrap();
        let opt_in = ["SUBSCRIBE".to_owned(), "stop".to_owned()];
        let vocabulary = Vocabulary::new(&settings, &opt_in);
        for (text, expected) in [
            ("subscribe", Some((Meaning::OptIn, None))),
            ("Alta", Some((Meaning::OptIn, Some("es")))),
            ("baja", Some((Meaning::OptOut, Some("es")))),
            ("unsubscribe", Some((Meaning::OptOut, None))),
            // The command line means to opt in with it, which would lose an opt-out.
            ("STOP", Some((Meaning::OptOut, Some("es")))),
            ("again", Some((Meaning::Resume, None))),
            ("start", None),
            ("volver", Some((Meaning::Resume, Some("es")))),
            ("please stop", None),
            ("*Stop*!", Some((Meaning::OptOut, Some("es")))),
            ("Unsubscribe? 🛑", Some((Meaning::OptOut, None))),
            ("¡Alta!", Some((Meaning::OptIn, Some("es")))),
            ("Volver.", Some((Meaning::Resume, Some("es")))),
            ("subscribe?", None),
            ("volver 👎", None),
            ("!", None),
            ("", None),
        ] {
            let said = vocabulary.said(text).map(|said| (said.meaning, said.language));
            assert_eq!(said, expected, "{text}");
        }
        let own = WhatsappSettings::parse(r#"{"opt_in_words": ["JOIN"]}"#).unwrap();
        let vocabulary = Vocabulary::new(&own, &opt_in);
        assert_eq!(vocabulary.opts_in("subscribe"), None);
        assert!(vocabulary.opts_in("join").is_some() && vocabulary.opts_in("start").is_none());
    }
}
