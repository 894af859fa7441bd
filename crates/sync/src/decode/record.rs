//! Reads the values of a row of CSV.

use std::io::{self, Read};

/// Reads the fields of one row of CSV.
pub(crate) struct Decoder {
    reader: csv::Reader<Feed>,
    record: csv::ByteRecord,
    text: csv::StringRecord,
}

/// The source of the reader: one row at a time.
#[derive(Default)]
struct Feed {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

impl Decoder {
    pub(crate) fn new(separator: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(Feed::default());
        Self { reader, record: csv::ByteRecord::new(), text: csv::StringRecord::new() }
    }

    /// The values of a whole row. With a line end behind it, the reader never sees the end of its source.
    ///
    /// # Errors
    /// The bytes are not a row.
    pub(crate) fn decode(&mut self, mut bytes: Vec<u8>) -> Result<&csv::StringRecord, String> {
        bytes.push(b'\n');
        *self.reader.get_mut() = Feed { bytes, at: 0 };
        let read = self.reader.read_byte_record(&mut self.record);
        if !read.map_err(|error| error.to_string())? {
            return Err("it cannot be read as CSV".to_owned());
        }
        let record = std::mem::take(&mut self.record);
        self.text = csv::StringRecord::from_byte_record(record).map_err(|_| "it is not UTF-8".to_owned())?;
        Ok(&self.text)
    }
}
