//! The rows of a file or of standard input, as they come.
//!
//! They are read on a thread of their own, a little ahead of what is sent: reading may wait for a pipe, and Ctrl-C
//! should not.

use super::frame::{Frame, Frames, Grammar, Place};
use super::mapping::{Contact, Field, Mapping};
use super::outcome::Why;
use crate::failure::Failure;
use crate::files;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows, or bytes of them, are handed over at once, and how often that is done ahead.
const ROWS: usize = 256;
const BYTES: usize = 256 << 10;
const AHEAD: usize = 4;

/// What an input is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values; the first row names the columns
    Csv,
    /// JSON Lines: an object on each line
    Jsonl,
}

/// What is to be read.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// None is standard input.
    pub(super) file: Option<PathBuf>,
    pub(super) format: Format,
    pub(super) separator: u8,
    pub(super) mapping: Mapping,
}

/// A row: where it stands, and what it says or why that cannot be told.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    /// What was read up to its end.
    pub(super) place: Place,
    pub(super) contact: Result<Contact, Why>,
}

/// The rows that are still to come.
pub(super) struct Rows {
    receiver: Receiver<Result<Vec<Row>, Failure>>,
    here: VecDeque<Row>,
    /// The bytes of the input, if that is known.
    pub(super) length: Option<u64>,
}

impl Input {
    /// The format that the name of a file tells.
    pub(super) fn format_of(file: Option<&Path>) -> Format {
        let extension = file.and_then(Path::extension).map(|extension| extension.to_ascii_lowercase());
        match extension.as_deref().and_then(std::ffi::OsStr::to_str) {
            Some("jsonl" | "ndjson" | "json") => Format::Jsonl,
            _ => Format::Csv,
        }
    }

    /// Begins to read.
    pub(super) fn open(self) -> Result<Rows, Failure> {
        let unreadable = |error| Failure::invalid(None, &format!("cannot read {}: {error}", self.name()));
        let file = match &self.file {
            None => files::file_of(io::stdin()),
            Some(path) => Some(File::open(path).map_err(unreadable)?),
        };
        let mut length = None;
        let source: Box<dyn Read + Send> = match file {
            None => Box::new(io::stdin()),
            Some(file) => {
                let whole = Whole::new(file).map_err(unreadable)?;
                length = whole.left;
                Box::new(whole)
            }
        };
        let (sender, receiver) = channel(AHEAD);
        let read = move || {
            let mut sink = Sink { sender, rows: Vec::new(), bytes: 0 };
            if let Err(failure) = self.read(source, &mut sink) {
                sink.fail(failure);
            }
        };
        std::thread::Builder::new()
            .name("klaviyo-input".to_owned())
            .spawn(read)
            .map_err(|error| Failure::other(format!("cannot start a thread to read with: {error}")))?;
        Ok(Rows { receiver, here: VecDeque::new(), length })
    }

    fn read(&self, source: Box<dyn Read + Send>, sink: &mut Sink) -> Result<(), Failure> {
        match self.format {
            Format::Csv => self.csv(Frames::new(source, Grammar::Csv(self.separator)), sink),
            Format::Jsonl => self.json_lines(Frames::new(source, Grammar::Lines), sink),
        }
    }

    fn json_lines<R: Read>(&self, mut frames: Frames<R>, sink: &mut Sink) -> Result<(), Failure> {
        frames.begin().map_err(|error| self.unreadable(&error))?;
        sink.begin();
        while let Some(Frame { line, bytes, .. }) = frames.next().map_err(|error| self.unreadable(&error))? {
            let contact = match bytes {
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(bytes) => self.mapping.object(&bytes),
                Err(reason) => Err(Why::new("", reason)),
            };
            if !sink.put(Row { line, place: frames.place(), contact }) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    fn csv<R: Read>(&self, mut frames: Frames<R>, sink: &mut Sink) -> Result<(), Failure> {
        let mut decoder = Decoder::new(self.separator);
        let Some(header) = frames.next().map_err(|error| self.unreadable(&error))? else {
            sink.begin();
            return Ok(());
        };
        let fields = header
            .bytes
            .map_err(str::to_owned)
            .and_then(|bytes| decoder.decode(bytes).map_err(|why| why.reason))
            .map_err(|reason| format!("the header: {reason}"))
            .and_then(|header| self.mapping.columns(header.iter()))
            .map_err(|reason| Failure::invalid(None, &format!("{}: {reason}", self.name())))?;
        sink.begin();
        while let Some(frame) = frames.next().map_err(|error| self.unreadable(&error))? {
            let line = frame.line;
            let contact = self.row(frame, &fields, &mut decoder);
            if !sink.put(Row { line, place: frames.place(), contact }) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    fn row(&self, frame: Frame, fields: &[Field], decoder: &mut Decoder) -> Result<Contact, Why> {
        let Frame { line, lines, bytes } = frame;
        let record = decoder.decode(bytes.map_err(|reason| Why::new("", reason))?)?;
        if record.len() != fields.len() {
            let (found, wanted) = (record.len(), fields.len());
            return Err(Why::new(
                "",
                format!("it has {found} fields, and the header has {wanted}{}", across(line, lines)),
            ));
        }
        self.mapping.row(fields, record.iter())
    }

    /// What it is called in a sentence.
    pub(super) fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| "standard input".to_owned(), |file| file.display().to_string())
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let sentence = format!("cannot read {}: {error}", self.name());
        match error.kind() {
            io::ErrorKind::InvalidData => Failure::invalid(None, &sentence),
            _ => Failure::other(sentence),
        }
    }
}

/// A file. To end before its length is not to end: somebody has made it shorter meanwhile, and what it had there is
/// lost.
struct Whole {
    file: File,
    /// How much of it is to come, if it is a regular file.
    left: Option<u64>,
}

impl Whole {
    fn new(mut file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let left = if metadata.is_file() {
            // Whoever has opened standard input may have read something of it.
            Some(metadata.len().saturating_sub(file.stream_position()?))
        } else {
            None
        };
        Ok(Self { file, left })
    }
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        match &mut self.left {
            Some(left) if read == 0 && *left > 0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "it became shorter while it was read, and {left} bytes are missing at its end; write it anew, all of \
                     it, and sync it then"
                ),
            )),
            Some(left) => {
                *left = left.saturating_sub(read as u64);
                Ok(read)
            }
            None => Ok(read),
        }
    }
}

/// Says that a row is of several lines, which may not be meant.
fn across(line: u64, lines: u64) -> String {
    match lines {
        1 => String::new(),
        lines => {
            let last = line + lines.saturating_sub(1);
            format!("; it goes on to line {last}, since it has line ends in quotation marks")
        }
    }
}

/// Reads the fields of one row of CSV.
struct Decoder {
    reader: csv::Reader<Feed>,
    record: csv::ByteRecord,
    text: csv::StringRecord,
}

/// What the reader reads from: a row at a time.
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
    fn new(separator: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(Feed::default());
        Self { reader, record: csv::ByteRecord::new(), text: csv::StringRecord::new() }
    }

    /// The bytes are a whole row, so that the reader never sees the end of what it reads from.
    fn decode(&mut self, mut bytes: Vec<u8>) -> Result<&csv::StringRecord, Why> {
        bytes.push(b'\n');
        *self.reader.get_mut() = Feed { bytes, at: 0 };
        let read = self.reader.read_byte_record(&mut self.record);
        if !read.map_err(|error| Why::new("", error.to_string()))? {
            return Err(Why::new("", "it cannot be read as CSV"));
        }
        self.text = csv::StringRecord::from_byte_record(std::mem::take(&mut self.record)).map_err(|_| {
            Why::new("", "it is not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)")
        })?;
        Ok(&self.text)
    }
}

/// Where rows go to.
struct Sink {
    sender: Sender<Result<Vec<Row>, Failure>>,
    rows: Vec<Row>,
    bytes: usize,
}

impl Sink {
    /// The columns are known; the first row may still take its time.
    fn begin(&mut self) {
        // Whoever does not want to know wants no rows either.
        let _ = self.sender.blocking_send(Ok(Vec::new()));
    }

    /// Whether anybody still wants rows.
    fn put(&mut self, row: Row) -> bool {
        self.bytes += row.contact.as_ref().map_or(0, Contact::bytes);
        self.rows.push(row);
        if self.rows.len() < ROWS && self.bytes < BYTES {
            return true;
        }
        self.flush()
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        rows.is_empty() || self.sender.blocking_send(Ok(rows)).is_ok()
    }

    fn fail(&mut self, failure: Failure) {
        if self.flush() {
            // Nobody is there to be told.
            let _ = self.sender.blocking_send(Err(failure));
        }
    }
}

impl Rows {
    /// Waits until it is known whether the input can be read at all.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        if let Some(rows) = self.receiver.recv().await {
            self.here.extend(rows?);
        }
        Ok(())
    }

    /// The next row; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, Failure> {
        loop {
            if let Some(row) = self.here.pop_front() {
                return Ok(Some(row));
            }
            match self.receiver.recv().await {
                Some(rows) => self.here.extend(rows?),
                None => return Ok(None),
            }
        }
    }

    /// These come next.
    pub(super) fn give_back(&mut self, rows: Vec<Row>) {
        for row in rows.into_iter().rev() {
            self.here.push_front(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dates::Dates;
    use super::super::mapping::Unknown;
    use super::*;
    use klaviyo_host::types::Code;
    use std::fs::OpenOptions;

    const ROWS_OF_FILE: usize = 100_000;

    /// A file that is far longer than what is read ahead, and the beginning of its rows.
    fn opened(file: &Path) -> Rows {
        let row = |n| format!("contact+{n:06}@example.com\n");
        let text: String = std::iter::once("email\n".to_owned()).chain((0..ROWS_OF_FILE).map(row)).collect();
        std::fs::write(file, text).unwrap();
        let mapping = Mapping {
            pairs: Vec::new(),
            unknown: Unknown::Refuse,
            region: None,
            historical: false,
            dates: Dates::default(),
        };
        let input = Input { file: Some(file.to_owned()), format: Format::Csv, separator: b',', mapping };
        input.open().unwrap()
    }

    async fn all(mut rows: Rows) -> (usize, Result<(), Failure>) {
        let mut count = 0;
        loop {
            match rows.next().await {
                Ok(Some(row)) => {
                    let email = row.contact.unwrap().profile.email.unwrap();
                    assert_eq!(email, format!("contact+{count:06}@example.com"));
                    count += 1;
                }
                Ok(None) => return (count, Ok(())),
                Err(failure) => return (count, Err(failure)),
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_becomes_shorter_does_not_end_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.csv");
        let rows = opened(&path);
        let length = rows.length.unwrap();
        // In the middle of a row, of which what is left is an address too.
        let cut = 6 + 27 * 90_000 - 2;
        assert!(cut < length);
        OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
        let (count, end) = all(rows).await;
        assert_eq!((count, end.unwrap_err().error.code), (89_999, Code::Other));
    }

    #[tokio::test]
    async fn a_file_that_grows_is_read_to_its_end() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.csv");
        let rows = opened(&path);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(file, "contact+{ROWS_OF_FILE:06}@example.com").unwrap();
        let (count, end) = all(rows).await;
        end.unwrap();
        assert_eq!(count, ROWS_OF_FILE + 1);
    }
}
