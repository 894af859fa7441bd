//! The words that opt somebody in, however they are written.

use klaviyo_core::text::trimmed;

/// Whether a text is one of these words. What cannot be seen around either, and case, do not count.
pub(super) fn says(text: &str, words: &[String]) -> bool {
    let text = trimmed(text);
    !text.is_empty() && words.iter().any(|word| folded(text).eq(folded(trimmed(word))))
}

/// A text without regard to case, letter by letter, so that a long one is not copied: `ß` is `SS`, and both forms of the
/// Greek sigma are one.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
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
