//! Reads the values of a row of CSV.

use klaviyo_core::text::trimmed;
use std::io::Cursor;

/// Reads the fields of one row of CSV.
pub(crate) struct Decoder {
    /// Its source has one row at a time.
    reader: csv::Reader<Cursor<Vec<u8>>>,
    record: csv::StringRecord,
}

impl Decoder {
    pub(crate) fn new(separator: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(Cursor::default());
        Self { reader, record: csv::StringRecord::new() }
    }

    /// The values of a whole row, which is UTF-8. With a line end behind it, the reader never sees the end of
    /// its source.
    ///
    /// # Errors
    /// The bytes are not a row.
    pub(crate) fn decode(&mut self, mut bytes: Vec<u8>) -> Result<&csv::StringRecord, String> {
        bytes.push(b'\n');
        *self.reader.get_mut() = Cursor::new(bytes);
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Ok(&self.record),
            Ok(false) => Err("it cannot be read as CSV".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A value without the apostrophe by which a spreadsheet marks a number or a formula as text. An apostrophe
/// before a letter belongs to the text, as in 's-Gravenhage.
pub(crate) fn without_mark(value: &str) -> &str {
    let is_marked = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || "+-=@".contains(c));
    trimmed(value).strip_prefix('\'').filter(|rest| is_marked(rest.trim_start())).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheets_apostrophe_is_no_part_of_a_value() {
        for (value, plain) in [
            ("'1000000000001", "1000000000001"),
            ("'+49", "+49"),
            (" '=1+1", "=1+1"),
            ("'s-Gravenhage", "'s-Gravenhage"),
            ("O'Neil", "O'Neil"),
            ("'", "'"),
            ("''", "''"),
        ] {
            assert_eq!(without_mark(value), plain, "{value}");
        }
    }
}
