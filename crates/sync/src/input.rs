//! An input: checked, opened, and read on a thread of its own, a little ahead of what is sent. Reading may
//! wait for a pipe, and a sync that is asked to stop does not wait for it.

mod parser;
pub(crate) mod rows;
pub(crate) mod source;

use crate::decode::form::{Form, Format};
use crate::error::Error;
use crate::files;
use crate::input::parser::Parser;
use crate::input::rows::Rows;
use crate::input::source::Source;
use crate::interrupt::blocking;
use crate::settings::Settings;
use encoding_rs::UTF_8;

/// An input and how to read it.
pub struct Input {
    source: Source,
    parser: Parser,
}

/// An input whose header was read.
pub struct OpenInput {
    pub(crate) rows: Rows,
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
        let of = |path: &Option<std::path::PathBuf>| path.as_deref().and_then(files::identity);
        let used = [
            ("the input", source.identity()),
            ("--report", of(&settings.report)),
            ("--state", of(&settings.state)),
        ];
        files::distinct(&used, &[]).map_err(Error::invalid)?;
        let mapping = settings.mapping()?;
        let format = settings.format.or(match source.extension().as_deref() {
            Some("jsonl" | "ndjson" | "json") => Some(Format::Jsonl),
            Some("csv" | "tsv") => Some(Format::Csv),
            _ => settings.separator.map(|_| Format::Csv),
        });
        if format == Some(Format::Jsonl) && settings.separator.is_some() {
            return Err(Error::invalid("--separator is for CSV"));
        }
        let parser = Parser {
            name: source.name.clone(),
            format,
            is_said: settings.format.is_some(),
            separator: settings.separator,
            encoding: settings.encoding,
            mapping,
        };
        Ok(Self { source, parser })
    }

    /// Reads the beginning of the input, until its columns are known. Dropping the future does not wait for a
    /// blocked read.
    ///
    /// # Errors
    /// The input cannot be read, or its header does not say what the settings need.
    pub async fn open(self) -> Result<OpenInput, Error> {
        let (mut rows, length) = blocking(move || self.begin()).await?;
        let form = rows.begin().await?;
        // Progress counts bytes of decoded text.
        let length = length.filter(|_| form.encoding == UTF_8);
        Ok(OpenInput { rows, form, length })
    }

    fn begin(self) -> Result<(Rows, Option<u64>), Error> {
        let Self { source, parser } = self;
        let (source, length) =
            source.open().map_err(|error| Error::invalid(format!("cannot read {}: {error}", parser.name)))?;
        let (mut sink, rows) = rows::pair();
        let read = move || {
            if let Err(error) = parser.read(source, &mut sink) {
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
    use std::path::Path;

    const ROWS_OF_FILE: usize = 100_000;

    /// A file that is far longer than what is read ahead, and the beginning of its rows.
    fn opened(file: &Path) -> (Rows, Option<u64>) {
        let row = |n| format!("contact+{n:06}@example.com\n");
        let text: String = std::iter::once("email\n".to_owned()).chain((0..ROWS_OF_FILE).map(row)).collect();
        std::fs::write(file, text).unwrap();
        let input = Input::new(Source::path(file), &Settings::default()).unwrap();
        input.begin().unwrap()
    }

    async fn all(mut rows: Rows) -> (usize, Result<(), Error>) {
        let mut count = 0;
        loop {
            match rows.next().await {
                Ok(Some(row)) => {
                    let email = row.contact.unwrap().profile.email.unwrap();
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
