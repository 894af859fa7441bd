//! An input: checked, opened, and read on a thread of its own, a little ahead of what is sent. Reading may
//! wait for a pipe, and a sync that is asked to stop does not wait for it.

mod parser;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod source;

use crate::contact::Contact;
use crate::contact::records::Contacts;
use crate::decode::form::{Form, Format};
use crate::error::Error;
use crate::files;
use crate::input::parser::Parser;
use crate::input::records::Records;
use crate::input::rows::Rows;
use crate::input::source::Source;
use crate::interrupt::blocking;
use crate::settings::Settings;
use encoding_rs::{Encoding, UTF_8};
use std::path::Path;

/// An input and how to read it.
pub struct Input(Reading<Contacts>);

/// An input whose header was read.
pub struct OpenInput {
    pub(crate) rows: Rows<Box<Contact>>,
    /// The form of the input.
    pub form: Form,
    /// The length of the input in bytes, if it is known. [`Progress::bytes`](crate::Progress) counts up to
    /// it.
    pub length: Option<u64>,
}

impl Input {
    /// An input, read by these settings.
    ///
    /// # Errors
    /// The settings do not go together, or the report or the state is the input.
    pub fn new(source: Source, settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let written = [("--report", settings.report.as_deref()), ("--state", settings.state.as_deref())];
        let records = Contacts::new(settings.mapping()?);
        let Settings { format, separator, encoding, .. } = settings;
        Ok(Self(Reading::new(source, &written, (*format, *separator, *encoding), records)?))
    }

    /// Reads the beginning of the input, until its columns are known. Dropping the future does not wait for a
    /// blocked read.
    ///
    /// # Errors
    /// The input cannot be read, or its header does not say what the settings need.
    pub async fn open(self) -> Result<OpenInput, Error> {
        let (rows, form, length) = self.0.open().await?;
        Ok(OpenInput { rows, form, length })
    }
}

/// How an input is written, as far as the settings say it: the format, the separator and the encoding.
pub(crate) type Written = (Option<Format>, Option<u8>, Option<&'static Encoding>);

/// An input, and what its rows become.
pub(crate) struct Reading<R> {
    source: Source,
    parser: Parser,
    records: R,
}

impl<R: Records> Reading<R> {
    /// `files` are the files that are written to, by their options. None of them may be another, or the input.
    pub(crate) fn new(
        source: Source,
        files: &[(&str, Option<&Path>)],
        (format, separator, encoding): Written,
        records: R,
    ) -> Result<Self, Error> {
        let mut used = vec![("the input", source.identity())];
        used.extend(files.iter().map(|(option, path)| (*option, path.and_then(files::identity))));
        files::distinct(&used, &[]).map_err(Error::invalid)?;
        let known = format.or(match source.extension().as_deref() {
            Some("jsonl" | "ndjson" | "json") => Some(Format::Jsonl),
            Some("csv" | "tsv") => Some(Format::Csv),
            _ => separator.map(|_| Format::Csv),
        });
        if known == Some(Format::Jsonl) && separator.is_some() {
            return Err(Error::invalid("--separator is for CSV"));
        }
        let name = source.name.clone();
        let parser = Parser { name, format: known, is_said: format.is_some(), separator, encoding };
        Ok(Self { source, parser, records })
    }

    /// The rows, the form, and the length in bytes if it is known.
    pub(crate) async fn open(self) -> Result<(Rows<R::Record>, Form, Option<u64>), Error> {
        let (mut rows, length) = blocking(move || self.begin()).await?;
        let form = rows.begin().await?;
        // Progress counts bytes of decoded text.
        let length = length.filter(|_| form.encoding == UTF_8);
        Ok((rows, form, length))
    }

    fn begin(self) -> Result<(Rows<R::Record>, Option<u64>), Error> {
        let Self { source, parser, mut records } = self;
        let (source, length) =
            source.open().map_err(|error| Error::invalid(format!("cannot read {}: {error}", parser.name)))?;
        let (mut sink, rows) = rows::pair();
        let read = move || {
            if let Err(error) = parser.read(source, &mut records, &mut sink) {
                sink.fail(error);
            }
        };
        std::thread::Builder::new()
            .name("klaviyo-input".to_owned())
            .spawn(read)
            .map_err(|error| Error::other(format!("cannot start a thread to read with: {error}")))?;
        Ok((rows, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_host::types::Code;
    use std::fs::OpenOptions;

    const ROWS_OF_FILE: usize = 100_000;

    /// A file that is far longer than what is read ahead, and the beginning of its rows.
    fn opened(file: &Path) -> (Rows<Box<Contact>>, Option<u64>) {
        let row = |n| format!("contact+{n:06}@example.com\n");
        let text: String = std::iter::once("email\n".to_owned()).chain((0..ROWS_OF_FILE).map(row)).collect();
        std::fs::write(file, text).unwrap();
        let input = Input::new(Source::path(file), &Settings::default()).unwrap();
        input.0.begin().unwrap()
    }

    async fn all(mut rows: Rows<Box<Contact>>) -> (usize, Result<(), Error>) {
        let mut count = 0;
        loop {
            match rows.next().await {
                Ok(Some(row)) => {
                    let email = row.record.unwrap().profile.email.unwrap();
                    assert_eq!(email, format!("contact+{count:06}@example.com"));
                    count += 1;
                }
                Ok(None) => return (count, Ok(())),
                Err(error) => return (count, Err(error)),
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_becomes_shorter_does_not_end_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.csv");
        let (rows, length) = opened(&path);
        let length = length.unwrap();
        // In the middle of a row, of which what is left is an address too.
        let cut = 6 + 27 * 90_000 - 2;
        assert!(cut < length);
        OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
        let (count, end) = all(rows).await;
        assert_eq!((count, end.unwrap_err().code()), (89_999, Code::Other));
    }

    #[tokio::test]
    async fn a_file_that_grows_is_read_to_its_end() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.csv");
        let (rows, _) = opened(&path);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(file, "contact+{ROWS_OF_FILE:06}@example.com").unwrap();
        let (count, end) = all(rows).await;
        end.unwrap();
        assert_eq!(count, ROWS_OF_FILE + 1);
    }
}
