//! Comparing texts as people write them.

use klaviyo_core::text::trimmed;

/// Whether two texts are the same word, without regard to case and to invisible characters around either.
pub(crate) fn is_same_word(one: &str, other: &str) -> bool {
    let one = trimmed(one);
    !one.is_empty() && folded(one).eq(folded(trimmed(other)))
}

/// A text without regard to case: `ß` is `SS`, and both forms of the Greek sigma are one. It is an iterator,
/// so that a long text is not copied.
pub(crate) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::is_same_word;

    #[test]
    fn a_word_is_the_same_in_any_case_and_whatever_is_around_it() {
        let words = ["SUBSCRIBE", " ich will ", "Straße", "ΝΑΙΣ", "écouter", ""];
        let says = |text: &str| words.iter().any(|word| is_same_word(text, word));
        for yes in [
            "subscribe",
            "\u{200e}Subscribe\u{feff}",
            "\u{a0}SUBSCRIBE\u{200b}\n",
            "Ich Will",
            "STRASSE",
            "ναις",
            "ÉCOUTER",
        ] {
            assert!(says(yes), "{yes:?}");
        }
        for no in
            ["", " ", "\u{200e}", "subscribe!", "UNSUBSCRIBE", "sub\u{200b}scribe", "subscribe subscribe"]
        {
            assert!(!says(no), "{no:?}");
        }
    }
}
