//! Pieces of text for people.

use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::fmt::Write as _;

pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The width of sentences.
const WIDTH: usize = 84;
/// The width of the names of fields.
const LABEL: usize = 14;

/// A text of somebody else's, without what a terminal would take for an instruction.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_instruction) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::new();
    for c in text.chars() {
        if is_instruction(c) { clean.extend(c.escape_default()) } else { clean.push(c) }
    }
    Cow::Owned(clean)
}

/// The lines of such a text.
pub(crate) fn clean_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(|line| clean(line.trim_end_matches('\r')))
}

/// Controls, and what changes the direction of the text around it.
fn is_instruction(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One field of a record, in as many lines as it takes.
pub(crate) fn field(out: &mut String, name: &str, value: &str) {
    let mut label = name;
    for line in wrapped(&clean(value)) {
        // Writing to a string does not fail.
        let _ = writeln!(out, "  {FAINT}{label:<LABEL$}{FAINT:#}{line}");
        label = "";
    }
}

/// Breaks a text into lines at its spaces.
pub(crate) fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if line.chars().count() + word.trim_end().chars().count() > WIDTH && !line.is_empty() {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(clean("Priya\u{1b}[2J \u{202e}x\r\n"), "Priya\\u{1b}[2J \\u{202e}x\\r\\n");
        assert_eq!(clean("Прия 🎉"), "Прия 🎉");
    }

    #[test]
    fn long_texts_break_at_spaces() {
        let text = "word ".repeat(40);
        let lines = wrapped(&text);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(lines.join(" ").trim(), text.trim());
        assert_eq!(wrapped(&"x".repeat(200)).len(), 1);
    }
}
