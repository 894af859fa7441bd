//! Text for people: cleaned of what a terminal would obey, wrapped, and laid out as fields and marked sentences.

use anstyle::{AnsiColor, Style};
pub(crate) use klaviyo_core::text::clean;
use klaviyo_core::text::is_instruction;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;
use textwrap::core::display_width;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The columns of a terminal.
pub(crate) const SCREEN: usize = 80;
/// The width of the names of fields.
const LABEL: usize = 14;

/// The fields of a profile, as they are shown.
const PROFILE: [&str; 15] = [
    "id",
    "email",
    "phone-number",
    "external-id",
    "first-name",
    "last-name",
    "organization",
    "title",
    "locale",
    "image",
    "location",
    "created",
    "updated",
    "last-event-date",
    "properties",
];

/// Whether a text has nothing in it that a terminal would take for an instruction.
pub(crate) fn is_clean(text: &str) -> bool {
    !text.contains(is_instruction)
}

/// The lines of such a text.
pub(crate) fn clean_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(|line| clean(line.trim_end_matches('\r')))
}

/// The same JSON, without what a terminal would take for an instruction: JSON has escapes for it inside strings, and
/// outside of them it allows no more than line ends and tabs.
pub(crate) fn clean_json(json: &str) -> Cow<'_, str> {
    let is_layout = |c: char| matches!(c, '\n' | '\t');
    if !json.contains(|c| is_instruction(c) && !is_layout(c)) {
        return Cow::Borrowed(json);
    }
    let mut clean = String::new();
    for c in json.chars() {
        if !is_instruction(c) || is_layout(c) {
            clean.push(c);
        } else if c == '\r' {
            clean.push(' ');
        } else {
            // Writing to a string does not fail. None of these characters needs more than four digits.
            let _ = write!(clean, "\\u{:04x}", u32::from(c));
        }
    }
    Cow::Owned(clean)
}

// Writing to a string does not fail.

/// One field of a record, in as many lines as it takes.
pub(crate) fn field(out: &mut String, name: &str, value: &str) {
    let mut label = name;
    for line in wrapped(&clean(value), 2 + LABEL) {
        let _ = writeln!(out, "  {FAINT}{label:<LABEL$}{FAINT:#}{line}");
        label = "";
    }
}

/// The named fields of a record, in this order, without those that are empty.
pub(crate) fn fields(out: &mut String, record: &Value, names: &[&str]) {
    for whole in names {
        // The column has no room for `last-event-date`.
        let name = whole.trim_end_matches("-date");
        match record.get(whole) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.is_empty() || text == "{}" => {}
            Some(Value::String(text)) => field(out, name, text),
            Some(Value::Bool(true)) => field(out, name, "yes"),
            Some(Value::Bool(false)) => field(out, name, "no"),
            Some(Value::Object(members)) => {
                let given =
                    members.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_str()?)));
                field(out, name, &given.collect::<Vec<_>>().join(", "));
            }
            Some(value) => field(out, name, &value.to_string()),
        }
    }
}

/// The text of a member of a JSON object; empty if there is none.
pub(crate) fn text_of<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A cell of a table: the cleaned text, or a dash.
pub(crate) fn cell(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { clean(text).into_owned() }
}

/// The day of a timestamp.
pub(crate) fn day(time: &str) -> String {
    cell(time).chars().take(10).collect()
}

/// The day and the minute of a timestamp.
pub(crate) fn minute(time: &str) -> String {
    cell(time).chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// The name of a channel, in the contract's JSON.
pub(crate) fn channel_of(channel: Option<&Value>) -> String {
    match channel {
        Some(Value::String(name)) => cell(name),
        Some(other) => cell(text_of(other, "other")),
        None => cell(""),
    }
}

/// The fields of a profile that are not empty.
pub(crate) fn profile_text(out: &mut String, profile: &Value) {
    fields(out, profile, &PROFILE);
}

/// What Klaviyo did not take as given, one warning each.
pub(crate) fn warnings_text(warnings: &[String]) -> String {
    warnings.iter().map(|sentence| warning(sentence)).collect()
}

/// A table under its headings. The last column has no width: only the terminal knows how wide names are.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(str::len);
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = display_width(cell).max(*width));
    }
    if let Some(last) = widths.last_mut() {
        *last = 0;
    }
    // Padded by what a terminal shows: a Chinese character takes two columns.
    let padded = |cells: [&str; N]| -> Vec<String> {
        let pad = |(cell, width): (&&str, usize)| {
            format!("{cell}{:1$}", "", width.saturating_sub(display_width(cell)))
        };
        cells.iter().zip(widths).map(pad).collect()
    };
    let mut out = format!("{FAINT}{}{FAINT:#}\n", padded(headings).join("  "));
    for row in rows {
        let cells = padded(row.each_ref().map(String::as_str));
        let (first, others) = cells.split_at(1);
        let _ = writeln!(out, "{TITLE}{}{TITLE:#}  {}", first.concat(), others.join("  "));
    }
    out
}

/// A sentence behind the mark of success.
pub(crate) fn good(sentence: &str) -> String {
    marked(GOOD, '✓', sentence)
}

/// A sentence behind the mark of a warning.
pub(crate) fn warning(sentence: &str) -> String {
    marked(WARNING, '!', sentence)
}

/// A sentence behind the mark of a failure.
pub(crate) fn bad(sentence: &str) -> String {
    marked(BAD, '✗', sentence)
}

fn marked(style: Style, mark: char, sentence: &str) -> String {
    let mut out = String::new();
    let mut mark = format!("{style}{mark}{style:#}");
    for line in wrapped(&clean(sentence), 2) {
        let _ = writeln!(out, "{mark} {line}");
        mark = " ".to_owned();
    }
    out
}

/// Breaks a text into lines at its spaces, which a terminal shows behind this many columns. An empty text has no line.
pub(crate) fn wrapped(text: &str, indent: usize) -> Vec<Cow<'_, str>> {
    let options = textwrap::Options::new(SCREEN.saturating_sub(indent))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(false);
    if text.is_empty() { Vec::new() } else { textwrap::wrap(text, options) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_json_is_the_same_json() {
        let every = (0..=0x2100).filter_map(char::from_u32).collect::<String>();
        let document = serde_json::json!({ &every: [every, "é🎉\\u001b"] });
        for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let clean = clean_json(&text);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&clean).unwrap(), document);
            assert!(!clean.contains(|c| is_instruction(c) && c != '\n'));
        }
        let laid_out = "{\r\n\t\"a\":\r1}\n";
        assert_eq!(clean_json(laid_out), "{ \n\t\"a\": 1}\n");
        assert!(matches!(clean_json("{\n\t\"Прия\": \"🎉\"}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn columns_stand_below_each_other_whatever_the_script() {
        let rows = [["名前", "a"], ["Zoë", "b"], ["x", "c"]].map(|row| row.map(str::to_owned));
        let text = anstream::adapter::strip_str(&table(["A", "B"], &rows)).to_string();
        let before =
            |line: &str| line.rfind(['a', 'b', 'c', 'B']).and_then(|at| line.get(..at)).map(display_width);
        let columns: Vec<_> = text.lines().map(before).collect();
        assert_eq!(columns, [Some(6); 4], "{text}");
    }

    #[test]
    fn long_texts_break_at_spaces() {
        let text = "word ".repeat(40);
        let lines = wrapped(&text, 16);
        assert!(lines.iter().all(|line| line.chars().count() <= SCREEN - 16));
        assert_eq!(lines.join(" ").trim(), text.trim());
        assert_eq!(wrapped(&"x".repeat(200), 2).len(), 1);
    }
}
