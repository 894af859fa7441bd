//! The words for yes and no in a column that says who consents.

use super::field::letters;
use klaviyo_core::intake::says_none;

/// What a column with a yes or a no is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// Yes is consent, and so is nothing but yes.
    Consent,
    /// Yes is no consent: somebody has opted out. Empty is not opted out.
    OptOut,
    /// Whatever stands there is a reason to send nothing.
    Stopped,
}

/// Words for yes and no that are not known here.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub(super) yes: Vec<String>,
    pub(super) no: Vec<String>,
}

/// The longest part of a word that is told.
const TOLD: usize = 40;

/// Answers to the question that the column is.
const YES: [&str; 31] = [
    "yes",
    "y",
    "true",
    "t",
    "1",
    "x",
    "on",
    "ok",
    "checked",
    "✓",
    "✔",
    "☑",
    "✅",
    "ja",
    "j",
    "oui",
    "si",
    "sí",
    "sì",
    "s",
    "sim",
    "da",
    "да",
    "tak",
    "ano",
    "igen",
    "evet",
    "kyllä",
    "はい",
    "是",
    "हाँ",
];
const NO: [&str; 29] = [
    "no",
    "n",
    "false",
    "f",
    "0",
    "off",
    "unchecked",
    "✗",
    "✘",
    "☐",
    "❌",
    "nein",
    "non",
    "não",
    "nao",
    "nee",
    "nej",
    "nei",
    "nie",
    "ne",
    "нет",
    "ei",
    "nem",
    "hayır",
    "hayir",
    "いいえ",
    "否",
    "不是",
    "नहीं",
];
/// What says by itself whether somebody consents, whatever the column is about.
const CONSENTS: [&str; 19] = [
    "subscribed",
    "subscribe",
    "subscriber",
    "resubscribed",
    "optedin",
    "optin",
    "singleoptin",
    "doubleoptin",
    "confirmed",
    "confirmedoptin",
    "consented",
    "accepted",
    "accepts",
    "granted",
    "agreed",
    "angemeldet",
    "abonniert",
    "abonné",
    "suscrito",
];
const DOES_NOT: [&str; 44] = [
    "unsubscribed",
    "unsubscribe",
    "neversubscribed",
    "notsubscribed",
    "nonsubscribed",
    "nonsubscriber",
    "optedout",
    "optout",
    "notoptedin",
    "notoptin",
    "noconsent",
    "notconsented",
    "notset",
    "pending",
    "unconfirmed",
    "notconfirmed",
    "cleaned",
    "archived",
    "bounced",
    "hardbounce",
    "hardbounced",
    "suppressed",
    "usersuppressed",
    "globallyunsubscribed",
    "spamreport",
    "spamcomplaint",
    "complained",
    "abuse",
    "denied",
    "declined",
    "refused",
    "rejected",
    "revoked",
    "withdrawn",
    "invalid",
    "invalidemail",
    "invalidphonenumber",
    "redacted",
    "deleted",
    "transactional",
    "abgemeldet",
    "désabonné",
    "désinscrit",
    "dadodebaja",
];

impl Words {
    /// Whether an answer in a column of this sense is consent.
    ///
    /// # Errors
    /// The word is not known.
    pub(super) fn consents(&self, answer: &str, sense: Sense) -> Result<bool, String> {
        let word = key(answer);
        let is = |words: &[&str]| words.contains(&word.as_str());
        let is_told = |words: &[String]| words.iter().any(|known| key(known) == word);
        if is_told(&self.yes) {
            return Ok(true);
        }
        if is_told(&self.no) || is(&DOES_NOT) {
            return Ok(false);
        }
        let yes = match (sense, is(&YES), is(&NO) || says_none(answer)) {
            _ if is(&CONSENTS) => return Ok(true),
            (Sense::Stopped, _, is_no) => return Ok(is_no),
            (_, true, _) => true,
            (_, _, true) => false,
            _ => {
                let told: String = answer.trim().chars().take(TOLD).collect();
                return Err(format!(
                    "it is unknown whether {told:?} is a yes or a no; say that it is consent with --consent-yes \
                     {told:?}, or that it is none with --consent-no {told:?}"
                ));
            }
        };
        Ok(yes == (sense == Sense::Consent))
    }

    /// A word that would be both.
    pub(super) fn in_both(&self) -> Option<&str> {
        self.yes.iter().find(|yes| self.no.iter().any(|no| key(no) == key(yes))).map(String::as_str)
    }
}

/// What of a word counts: its letters, or its signs where it has none. `1.0` is a 1 that went through a column of
/// decimal numbers.
fn key(word: &str) -> String {
    let word = word.trim();
    let word = word.strip_suffix(".0").unwrap_or(word);
    let letters = letters(word);
    if letters.is_empty() { word.to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_written_as_they_are_compared() {
        for word in YES.iter().chain(&NO).chain(&CONSENTS).chain(&DOES_NOT) {
            assert_eq!(key(word), *word);
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
        for unknown in ["maybe", "2024-01-01", "2", "yes and no"] {
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
        ] {
            assert_eq!(words.consents(answer, Sense::OptOut), Ok(consents), "{answer:?}");
        }
        assert!(words.consents("HARD_BOUNCE, other", Sense::OptOut).is_err());
        for (answer, consents) in
            [("HARD_BOUNCE, other", false), ("2024-01-01 10:00:00", false), ("", true), ("[]", true)]
        {
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
