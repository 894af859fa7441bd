//! Comparing texts as people write them.

use klaviyo_core::text::trimmed;
use unicode_normalization::UnicodeNormalization;

/// Whether two texts are the same word, without regard to case, to accents, and to invisible characters around either.
pub(crate) fn is_same_word(one: &str, other: &str) -> bool {
    /// The most bytes that a letter takes in one text, for each byte that it takes in the other.
    const LONGER: usize = 8;
    let (one, other) = (trimmed(one), trimmed(other));
    !one.is_empty() && one.len() <= LONGER * other.len() && plain(one).eq(plain(other))
}

/// A text without regard to case: `ß` is `SS`, and both forms of the Greek sigma are one. It is an iterator,
/// so that a long text is not copied.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    cased(text.chars())
}

/// The same without accents, and without regard to how a letter is composed: who types in capitals, or in a hurry, leaves
/// accents out, `İ` is `i`, and `ＳＴＯＰ` is what a Japanese keyboard writes. Marks of other scripts are letters.
fn plain(text: &str) -> impl Iterator<Item = char> {
    cased(text.nfkd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')))
}

fn cased(letters: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    letters.flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// A text without what stands around its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bare<'a> {
    pub(crate) text: &'a str,
    /// Whether that is punctuation which says nothing. A question mark or a thumb down says something.
    pub(crate) is_certain: bool,
}

/// Takes punctuation, emoji and what is like them off the ends of a text.
pub(crate) fn bare(text: &str) -> Bare<'_> {
    /// What ends a sentence, quotes it, or makes it bold in WhatsApp.
    const SAYS_NOTHING: &str = ".!,;:…\"'`*_()«»“”„‘’¡。！，、।۔";
    let text = trimmed(text);
    let bare = trimmed(text.trim_matches(|c: char| !c.is_alphanumeric()));
    let is_certain =
        trimmed(text.trim_matches(|c: char| c.is_whitespace() || SAYS_NOTHING.contains(c))) == bare;
    Bare { text: bare, is_certain }
}

#[cfg(test)]
mod tests {
    use super::{Bare, bare, is_same_word};

    #[test]
    fn a_word_is_the_same_in_any_case_and_whatever_is_around_it() {
        let words = ["SUBSCRIBE", " ich will ", "Straße", "ΝΑΙΣ", "écouter", "İPTAL", "ΔΙΑΚΟΠΉ", "रोकें", ""];
        let says = |text: &str| words.iter().any(|word| is_same_word(text, word));
        for yes in [
            "subscribe",
            "\u{200e}Subscribe\u{feff}",
            "\u{a0}SUBSCRIBE\u{200b}\n",
            "Ich Will",
            "STRASSE",
            "ναις",
            "ÉCOUTER",
            "ecouter",
            "e\u{301}couter",
            "iptal",
            "ΔΙΑΚΟΠΗ",
            "διακοπή",
            "ｓｕｂｓｃｒｉｂｅ",
            "रोकें",
        ] {
            assert!(says(yes), "{yes:?}");
        }
        for no in [
            "",
            " ",
            "\u{200e}",
            "subscribe!",
            "UNSUBSCRIBE",
            "sub\u{200b}scribe",
            "subscribe subscribe",
            // Its vowel signs are marks, and letters.
            "रक",
            &format!("subscribe{}", "\u{301}".repeat(1 << 20)),
        ] {
            assert!(!says(no), "{no:?}");
        }
    }

    #[test]
    fn what_stands_around_a_word_is_told_from_what_says_something() {
        for (text, word, is_certain) in [
            ("stop", "stop", true),
            (" Stop. ", "Stop", true),
            ("*STOP*!!!", "STOP", true),
            ("“Stop…”", "Stop", true),
            ("¡Alta!", "Alta", true),
            ("stop\u{200b}.", "stop", true),
            ("join?", "join", false),
            ("¿alta?", "alta", false),
            ("join 👎", "join", false),
            ("~join~", "join", false),
            ("-1", "1", false),
            ("don't stop.", "don't stop", true),
            ("👍", "", false),
            ("", "", true),
            ("…", "", true),
        ] {
            assert_eq!(bare(text), Bare { text: word, is_certain }, "{text:?}");
        }
    }
}
