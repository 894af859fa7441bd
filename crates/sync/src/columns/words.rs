//! The words for yes and no in consent columns.

use crate::columns::field::letters;
use klaviyo_core::intake::says_none;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The question that a consent column answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    /// Who has consented? Only a yes is consent.
    Consent,
    /// Who has opted out? A yes is no consent. Empty is not opted out.
    OptOut,
    /// Who must not be contacted? Any value but a no is a reason to send nothing.
    Stopped,
}

/// Words for yes and no that the settings add.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub(crate) yes: Vec<String>,
    pub(crate) no: Vec<String>,
}

/// How many characters of a word a sentence repeats.
const SHOWN_CHARACTERS: usize = 40;

/// The known words, as [`key`] makes them, and their meanings: `yes` and `no` answer the question of the column,
/// `consent` and `none` are an answer to any question.
static KNOWN: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    include_str!("words.csv").lines().skip(1).filter_map(|line| line.split_once(',')).collect()
});
/// Words by which programs mark an empty cell.
const NOTHING: [&str; 10] =
    ["na", "n/a", "n.a.", "none", "null", "nil", "nan", "\\n", "0000-00-00", "0000-00-00 00:00:00"];

impl Words {
    /// Whether an answer in a column of this sense is consent.
    ///
    /// # Errors
    /// The word is not known.
    pub(crate) fn consents(&self, answer: &str, sense: Sense) -> Result<bool, String> {
        let word = key(answer);
        let meaning = KNOWN.get(word.as_str()).copied().unwrap_or_default();
        let is_told = |words: &[String]| words.iter().any(|known| key(known) == word);
        if is_told(&self.yes) {
            return Ok(true);
        }
        if is_told(&self.no) || meaning == "none" {
            return Ok(false);
        }
        let (is_yes, is_no) = (meaning == "yes", meaning == "no" || is_nothing(answer));
        let yes = match sense {
            Sense::Stopped => return Ok(is_no && !is_yes),
            _ if meaning == "consent" => return Ok(true),
            _ if is_yes => true,
            _ if is_no => false,
            // An unknown consent is none. An unknown opt-out is not a no: the row needs an answer.
            Sense::Consent if word.starts_with(char::is_alphanumeric) && says_none(answer) => false,
            _ => {
                let told: String = answer.trim().chars().take(SHOWN_CHARACTERS).collect();
                return Err(format!(
                    "it is unknown whether {told:?} is a yes or a no; say that it is consent with --consent-yes \
                     {told:?}, or that it is none with --consent-no {told:?}"
                ));
            }
        };
        Ok(yes == (sense == Sense::Consent))
    }

    /// A word that the settings take for both.
    pub(crate) fn in_both(&self) -> Option<&str> {
        self.yes.iter().find(|yes| self.no.iter().any(|no| key(no) == key(yes))).map(String::as_str)
    }
}

/// The part of a word that is compared: its letters. Where signs stand beside the letters, the whole word: `≠
/// yes` is no yes. `1.0` is a 1 that went through a column of decimal numbers.
fn key(word: &str) -> String {
    // Marks a sign as an emoji.
    let word: String = word.trim().chars().filter(|c| *c != '\u{fe0f}').collect();
    let word = word.strip_suffix(".0").unwrap_or(&word);
    let is_of_words = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace()
            || "_-.'’".contains(c)
            || ('\u{300}'..='\u{36f}').contains(&c)
    };
    if word.starts_with(char::is_alphanumeric) && word.chars().all(is_of_words) {
        letters(word)
    } else {
        word.to_lowercase()
    }
}

/// Whether a cell is empty, or marked as empty.
fn is_nothing(answer: &str) -> bool {
    let inner = answer.trim().trim_matches(|c| "()<>[]{}\"'".contains(c)).trim();
    inner.chars().all(|c| "-–—_.".contains(c)) || NOTHING.contains(&inner.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_written_as_they_are_compared() {
        for (word, meaning) in KNOWN.iter() {
            assert_eq!(key(word), *word);
            assert!(["yes", "no", "consent", "none"].contains(meaning), "{word}: {meaning}");
        }
    }

    #[test]
    fn words_for_yes_and_no_are_known() {
        let words = Words::default();
        for yes in [
            "yes",
            "Y",
            "TRUE",
            "1",
            "1.0",
            "x",
            "Sí",
            "oui",
            "Ja",
            "да",
            "SUBSCRIBED",
            "Opted In",
            "opt-in",
            "✓",
            "✔️",
            "VRAI",
            "accepted",
        ] {
            assert_eq!(words.consents(yes, Sense::Consent), Ok(true), "{yes}");
        }
        for no in [
            "no",
            "N",
            "false",
            "0",
            "0.0",
            "Nein",
            "não",
            "UNSUBSCRIBED",
            "NEVER_SUBSCRIBED",
            "Opted out",
            "n/a",
            "-",
            "",
            " ",
            "Pending",
        ] {
            assert_eq!(words.consents(no, Sense::Consent), Ok(false), "{no}");
        }
        for unknown in [
            "maybe",
            "2024-01-01",
            "2",
            "yes and no",
            "-1",
            "!yes",
            "❌ yes",
            "[ ] Yes",
            "☐ Subscribed",
            "≠ subscribed",
            "yes?",
            "~1",
            "👍",
        ] {
            assert!(
                words.consents(unknown, Sense::Consent).unwrap_err().contains("--consent-yes"),
                "{unknown}"
            );
        }
    }

    #[test]
    fn who_opted_out_does_not_consent() {
        let words = Words::default();
        for (answer, consents) in [
            ("true", false),
            ("Yes", false),
            ("", true),
            ("false", true),
            ("No", true),
            ("unsubscribed", false),
            ("subscribed", true),
            ("✔️", false),
            ("☑️", false),
            ("confirmed", false),
            ("WAHR", false),
            ("[ ]", true),
            ("N/A", true),
        ] {
            assert_eq!(words.consents(answer, Sense::OptOut), Ok(consents), "{answer:?}");
        }
        for unknown in
            ["HARD_BOUNCE, other", "unknown", "?", "☒", "×", "🚫", "#N/A", "tbd", "undefined", "-1"]
        {
            assert!(words.consents(unknown, Sense::OptOut).is_err(), "{unknown}");
        }
        for (answer, consents) in [
            ("HARD_BOUNCE, other", false),
            ("2024-01-01 10:00:00", false),
            ("unknown", false),
            ("?", false),
            ("confirmed", false),
            ("", true),
            ("[]", true),
            ("0000-00-00 00:00:00", true),
        ] {
            assert_eq!(words.consents(answer, Sense::Stopped), Ok(consents), "{answer:?}");
        }
    }

    #[test]
    fn words_can_be_taught() {
        let words =
            Words { yes: vec!["Level 2".to_owned()], no: vec!["level-1".to_owned(), "yes".to_owned()] };
        for sense in [Sense::Consent, Sense::OptOut] {
            assert_eq!(words.consents("LEVEL 2", sense), Ok(true));
            assert_eq!(words.consents("Level 1", sense), Ok(false));
        }
        assert_eq!(
            words.consents("yes", Sense::Consent),
            Ok(false),
            "what is said goes before what is known"
        );
        assert_eq!(words.in_both(), None);
        assert_eq!(Words { yes: vec!["A b".to_owned()], no: vec!["ab".to_owned()] }.in_both(), Some("A b"));
    }
}
