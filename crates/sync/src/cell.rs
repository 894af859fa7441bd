//! Text from the input or from Klaviyo, made safe for a cell of a CSV file.

use klaviyo_core::text::clean;
use std::borrow::Cow;

/// Escapes what a terminal would take for an instruction, and puts an apostrophe before what a spreadsheet
/// would take for a formula.
///
/// In some countries spreadsheets separate cells with semicolons, whatever the file has. So the text after a
/// separator may become a cell too.
pub(crate) fn clean_cell(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    if !text.contains(is_formula) {
        return text;
    }
    let mut cell = String::new();
    let mut is_start = true;
    for c in text.chars() {
        if is_start && is_formula(c) {
            cell.push('\'');
        }
        is_start = matches!(c, ',' | ';') || (is_start && (c.is_whitespace() || c == '"'));
        cell.push(c);
    }
    Cow::Owned(cell)
}

/// Whether a formula begins with a character. East Asian spreadsheets take the wide forms for the narrow
/// ones.
fn is_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in [
            ("=cmd|\"/c calc\"!A1", "'=cmd|\"/c calc\"!A1"),
            ("+1", "'+1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", " '=1"),
            ("\u{a0}=1", "\u{a0}'=1"),
            ("\"=1", "\"'=1"),
            ("＝1", "'＝1"),
            ("a;=1", "a;'=1"),
            ("a, \"@b\"", "a, \"'@b\""),
            ("\t=1", "\\t=1"),
            ("\r=1", "\\r=1"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("", ""),
            ("phone-number", "phone-number"),
            ("write it as +919820000001, a=b", "write it as +919820000001, a=b"),
        ] {
            assert_eq!(clean_cell(text), cell, "{text:?}");
        }
    }
}
