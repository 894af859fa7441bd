//! The form of an input: its format, its separator and its encoding.

use encoding_rs::Encoding;
use strum::{AsRefStr, IntoStaticStr};

/// The format of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// Comma-separated values, or with another separator; the first row names the columns.
    Csv,
    /// JSON Lines, an object on each line, or a JSON array of objects.
    Jsonl,
}

/// The form that an input was found to have.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its format.
    pub format: Format,
    /// The separator of CSV; none for JSON.
    pub separator: Option<u8>,
    /// Its encoding.
    pub encoding: &'static Encoding,
    /// Whether the encoding was guessed, so that the setting may say better.
    pub(crate) is_guess: bool,
    /// Whether nobody said that the input has this form, and it is not the usual one.
    pub(crate) is_news: bool,
    /// Sentences about the columns, for the user to read before anything is sent.
    pub notes: Vec<String>,
}

/// Reads a separator of CSV: one ASCII character, `\t` or `tab`.
///
/// # Errors
/// It cannot be a separator. The sentence says what can.
pub fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\0\r\n\"".contains(byte) => Ok(*byte),
        _ => {
            Err("write one ASCII character, such as ';', or tab, and not one that ends rows or quotes"
                .to_owned())
        }
    }
}

impl Form {
    /// A sentence about the form, if the user may not expect it.
    #[must_use]
    pub fn news(&self) -> Option<String> {
        let Self { format, separator, encoding, is_news, .. } = self;
        let between = match separator {
            None => String::new(),
            Some(b',') => ", with commas between the values".to_owned(),
            Some(b';') => ", with semicolons between the values".to_owned(),
            Some(b'\t') => ", with tabs between the values".to_owned(),
            Some(b'|') => ", with bars between the values".to_owned(),
            Some(other) => format!(", with {:?} between the values", char::from(*other)),
        };
        let what = match format {
            Format::Csv => "CSV",
            Format::Jsonl => "JSON",
        };
        is_news.then(|| format!("the input is {what} in {}{between}", encoding.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_is_one_character() {
        for (text, byte) in
            [(";", b';'), ("\\t", b'\t'), ("tab", b'\t'), ("\t", b'\t'), ("|", b'|'), (" ", b' ')]
        {
            assert_eq!(separator(text), Ok(byte), "{text:?}");
        }
        for text in ["", "é", ";;", "\"", "\n", "\r", "\0", "\\n"] {
            assert!(separator(text).is_err(), "{text:?}");
        }
    }
}
