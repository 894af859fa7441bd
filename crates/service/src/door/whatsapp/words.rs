//! Comparing texts as people write them.

use klaviyo_core::text::trimmed;

/// Whether a text is one of these words, without regard to case and to invisible characters around either.
pub(super) fn says(text: &str, words: &[String]) -> bool {
    let text = trimmed(text);
    !text.is_empty() && words.iter().any(|word| folded(text).eq(folded(trimmed(word))))
}

/// A text without regard to case: `ß` is `SS`, and both forms of the Greek sigma are one. It is an iterator,
/// so that a long text is not copied.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// The letters and digits of a name or an answer without regard to case, at most 64 of them: no known one is
/// longer.
pub(super) fn letters(text: &str) -> String {
    const LONGEST: usize = 64;
    folded(text).filter(|c| c.is_alphanumeric()).take(LONGEST).collect()
}

/// Whether a text is digits only.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::says;

    #[test]
    fn a_word_is_the_same_in_any_case_and_whatever_is_around_it() {
        let words = ["SUBSCRIBE", " ich will ", "Straße", "ΝΑΙΣ", "écouter", ""].map(str::to_owned);
        for yes in [
            "subscribe",
            "\u{200e}Subscribe\u{feff}",
            "\u{a0}SUBSCRIBE\u{200b}\n",
            "Ich Will",
            "STRASSE",
            "ναις",
            "ÉCOUTER",
        ] {
            assert!(says(yes, &words), "{yes:?}");
        }
        for no in
            ["", " ", "\u{200e}", "subscribe!", "UNSUBSCRIBE", "sub\u{200b}scribe", "subscribe subscribe"]
        {
            assert!(!says(no, &words), "{no:?}");
        }
        assert!(!says("subscribe", &[]));
    }
}
