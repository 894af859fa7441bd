//! Visible and invisible characters of a text.

use alloc::borrow::Cow;
use alloc::string::String;

/// Whether a character is invisible: white space, controls, and characters that only direct how others are
/// shown. At the ends of a value they come from copying; nobody types them.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Whether a character has no width: soft hyphens, zero-width spaces and joiners, marks of direction,
/// invisible operators, byte order marks, and the fillers of Hangul and Braille. Not variation selectors and
/// tags, which are parts of emoji.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
    )
}

/// Whether a character ends a line.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a terminal may take a character for an instruction: controls, line ends that files do not have, and marks that
/// change the direction of the text around them.
#[must_use]
pub fn is_instruction(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// A text of somebody else's for a terminal or a log: the characters that a terminal may take for instructions are escaped.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_instruction) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::new();
    for c in text.chars() {
        if is_instruction(c) { clean.extend(c.escape_default()) } else { clean.push(c) }
    }
    Cow::Owned(clean)
}

/// A text without the invisible characters at its ends.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// A text without the invisible characters at its ends; none if nothing else is left.
#[must_use]
pub fn shown(text: &str) -> Option<&str> {
    Some(trimmed(text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_taken_off_the_ends() {
        for blank in ["", " ", "\t\r\n", "\u{a0}\u{3000}", "\u{feff}\u{200b}\u{202a}\u{202c}\u{ad}", "\0"] {
            assert_eq!(shown(blank), None, "{blank:?}");
            assert_eq!(shown(&[blank, "Zed", blank].concat()), Some("Zed"), "{blank:?}");
        }
        // A flag of emoji ends in a tag, a heart in a variation selector, and names have white space in them.
        for whole in ["🏴\u{e0067}\u{e007f}", "❤\u{fe0f}", "Ana María", "क्\u{200d}ष"] {
            assert_eq!(trimmed(whole), whole);
        }
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(clean("Priya\u{1b}[2J \u{202e}x\r\n"), "Priya\\u{1b}[2J \\u{202e}x\\r\\n");
        assert_eq!(clean("Прия 🎉"), "Прия 🎉");
        // A C1 control, marks of direction, and a separator of lines.
        assert_eq!(
            clean("\u{9b}2J\u{7f}\u{61c}\u{200e}\u{200f}\u{2029}"),
            "\\u{9b}2J\\u{7f}\\u{61c}\\u{200e}\\u{200f}\\u{2029}"
        );
        // What holds an emoji together, and letters of Persian apart.
        assert_eq!(clean("👩\u{200d}💻 می\u{200c}خواهم"), "👩\u{200d}💻 می\u{200c}خواهم");
    }
}
