//! The rows of a file or of standard input, as they come.
//!
//! They are read on a thread of their own, a little ahead of what is sent: reading may wait for a pipe, and Ctrl-C
//! should not.

use super::columns::Columns;
use super::encoding::{self, Decoded};
use super::form::{self, Form, Format};
use super::frame::{Frame, Frames, Grammar, Place, SUBSTITUTE};
use super::identities::Identities;
use super::mapping::{Contact, Mapping};
use super::outcome::Why;
use super::record::Decoder;
use crate::failure::Failure;
use crate::files;
use encoding_rs::{Encoding, UTF_8};
use klaviyo_host::types::NewProfile;
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows, or bytes of them, are handed over at once, and how often that is done ahead.
const ROWS: usize = 256;
const BYTES: usize = 256 << 10;
const AHEAD: usize = 4;

/// What is to be read.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// None is standard input.
    pub(super) file: Option<PathBuf>,
    /// What is said about its form. What is not is found out.
    pub(super) format: Option<Format>,
    pub(super) separator: Option<u8>,
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) mapping: Mapping,
}

/// A row: where it stands, and what it says or why that cannot be told.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    /// There is no value in it. It counts where rows are found by their number, and is nobody's otherwise.
    pub(super) is_blank: bool,
    /// What was read up to its end.
    pub(super) place: Place,
    pub(super) contact: Result<Contact, Why>,
}

/// What the thread that reads hands over.
enum Sent {
    /// The columns are known; the first row may still take its time.
    Form(Form),
    Rows(Vec<Row>),
}

/// The rows that are still to come.
pub(super) struct Rows {
    receiver: Receiver<Result<Sent, Failure>>,
    here: VecDeque<Row>,
    /// The bytes of the input, if that is known.
    pub(super) length: Option<u64>,
}

impl Input {
    /// The format, as far as it is said or the name of the file tells it.
    pub(super) fn format(&self) -> Option<Format> {
        let extension =
            self.file.as_deref().and_then(Path::extension).map(|extension| extension.to_ascii_lowercase());
        self.format.or(match extension.as_deref().and_then(std::ffi::OsStr::to_str) {
            Some("jsonl" | "ndjson" | "json") => Some(Format::Jsonl),
            Some("csv" | "tsv") => Some(Format::Csv),
            _ => self.separator.map(|_| Format::Csv),
        })
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
            let mut sink = Sink { sender, rows: Vec::new(), bytes: 0, identities: Identities::default() };
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

    fn read(&self, mut source: Box<dyn Read + Send>, sink: &mut Sink) -> Result<(), Failure> {
        let unreadable = |error| self.unreadable(&error);
        let head = form::head(&mut source).map_err(unreadable)?;
        let (encoding, is_guess) = encoding::of(&head, self.encoding);
        if let Some(what) = form::foreign(&head, encoding) {
            return Err(self.invalid(what));
        }
        let whole = Cursor::new(head).chain(source);
        let source: Box<dyn Read> =
            if encoding == UTF_8 { Box::new(whole) } else { Box::new(Decoded::new(whole, encoding)) };
        let mut frames = Frames::new(source, Grammar::Lines);
        let first = frames.look(form::first_byte).map_err(unreadable)?.flatten();
        let looks_like_json = matches!(first, Some(b'{' | b'['));
        let is_news = encoding != self.encoding.unwrap_or(UTF_8);
        let form =
            Form { format: Format::Csv, separator: None, encoding, is_guess, is_news, notes: Vec::new() };
        match self.format() {
            Some(Format::Jsonl) => self.json(frames, Form { format: Format::Jsonl, ..form }, sink),
            None if looks_like_json => {
                self.json(frames, Form { format: Format::Jsonl, is_news: true, ..form }, sink)
            }
            _ => self.csv(frames, form, looks_like_json, sink),
        }
    }

    fn json<R: Read>(&self, mut frames: Frames<R>, form: Form, sink: &mut Sink) -> Result<(), Failure> {
        let unreadable = |error| self.unreadable(&error);
        match frames.skip_space().map_err(unreadable)? {
            Some(bracket @ b'[') => {
                frames.skip(bracket);
                frames.grammar = Grammar::Array;
            }
            Some(b'{') if frames.look(form::is_spread).map_err(unreadable)? == Some(true) => {
                return Err(self.invalid(
                    "it has an object over several lines; write each on a line of its own, as jq -c does, or all of them in \
                     an array, between [ and ]",
                ));
            }
            None | Some(b'{' | SUBSTITUTE) => {}
            Some(_) if self.format.is_some() => {
                return Err(self.invalid("it begins neither with { nor with [, as JSON does; is it CSV?"));
            }
            Some(_) => {
                return Err(self.invalid(
                    "it begins neither with { nor with [, as JSON does; if it is CSV, say so with --format csv",
                ));
            }
        }
        sink.begin(form.clone());
        while let Some(frame) = frames.next().map_err(unreadable)? {
            let line = frame.line;
            let is_end = frame.is_end_mark() && frames.is_at_end().map_err(unreadable)?;
            let contact = match frame.bytes {
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                _ if is_end => Ok(None),
                Ok(bytes) => self.object(&bytes, &form),
                Err(reason) => Err(Why::new("", reason)),
            };
            if !sink.put(line, frames.place(), contact) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    /// The contact of an object; none if there is no value in it.
    fn object(&self, bytes: &[u8], form: &Form) -> Result<Option<Contact>, Why> {
        text(bytes, form)?;
        match self.mapping.object(bytes) {
            Err(_)
                if serde_json::from_slice(bytes)
                    .is_ok_and(|object: Value| object.is_object() && is_nothing(&object)) =>
            {
                Ok(None)
            }
            contact => contact.map(Some),
        }
    }

    fn csv<R: Read>(
        &self,
        mut frames: Frames<R>,
        mut form: Form,
        looks_like_json: bool,
        sink: &mut Sink,
    ) -> Result<(), Failure> {
        let unreadable = |error| self.unreadable(&error);
        let declared = frames.look(form::declared).map_err(unreadable)?.flatten();
        // Any grammar of CSV ends a line in the same ways.
        frames.grammar = Grammar::Csv(b',');
        if declared.is_some() {
            frames.skip_line().map_err(unreadable)?;
        }
        let separator = match self.separator.or(declared) {
            Some(separator) => separator,
            None => frames.look(form::separator_of).map_err(unreadable)?.unwrap_or(b','),
        };
        form.separator = Some(separator);
        form.is_news |= self.separator.is_none() && separator != b',';
        frames.grammar = Grammar::Csv(separator);

        let mut decoder = Decoder::new(separator);
        let Some(header) = self.header(&mut frames)? else {
            sink.begin(form);
            return Ok(());
        };
        let columns = text(&header, &form)
            .map_err(|why| why.reason)
            .and_then(|()| decoder.decode(header))
            .map_err(|reason| format!("the header: {reason}"))
            .and_then(|header| self.mapping.columns(header.iter()))
            .map_err(|reason| self.no_columns(&reason, looks_like_json))?;
        form.notes.clone_from(&columns.notes);
        sink.begin(form.clone());
        while let Some(frame) = frames.next().map_err(unreadable)? {
            let line = frame.line;
            let is_end = frame.is_end_mark() && frames.is_at_end().map_err(unreadable)?;
            let contact = if is_end { Ok(None) } else { self.row(frame, &columns, &mut decoder, &form) };
            if !sink.put(line, frames.place(), contact) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    fn header<R: Read>(&self, frames: &mut Frames<R>) -> Result<Option<Vec<u8>>, Failure> {
        let unreadable = |error| self.unreadable(&error);
        let Some(header) = frames.next().map_err(unreadable)? else { return Ok(None) };
        if header.is_end_mark() && frames.is_at_end().map_err(unreadable)? {
            return Ok(None);
        }
        header.bytes.map(Some).map_err(|reason| self.invalid(&format!("the header: {reason}")))
    }

    fn no_columns(&self, reason: &str, looks_like_json: bool) -> Failure {
        let json = match (looks_like_json, self.format) {
            (false, _) => "",
            (true, None) => "it looks like JSON, and --format jsonl would read it so; as CSV: ",
            (true, Some(_)) => "it looks like JSON; as CSV: ",
        };
        Failure::invalid(None, &format!("{}: {json}{reason}", self.name()))
    }

    /// The contact of a row of CSV; none if there is no value in it.
    fn row(
        &self,
        frame: Frame,
        columns: &Columns,
        decoder: &mut Decoder,
        form: &Form,
    ) -> Result<Option<Contact>, Why> {
        let Frame { line, lines, bytes } = frame;
        let bytes = bytes.map_err(|reason| Why::new("", reason))?;
        text(&bytes, form)?;
        let record = decoder.decode(bytes).map_err(|reason| Why::new("", reason))?;
        let has_value = |value: &str| !value.trim().is_empty();
        if !record.iter().any(has_value) {
            return Ok(None);
        }
        let (found, wanted) = (record.len(), columns.len());
        // What is missing at the end is empty, unless it is in quotation marks that swallowed the end of the row.
        if record.iter().skip(wanted).any(has_value) || (found < wanted && lines > 1) {
            return Err(Why::new(
                "",
                format!("it has {found} fields, and the header has {wanted}{}", across(line, lines)),
            ));
        }
        self.mapping.row(columns, record.iter()).map(Some)
    }

    /// What it is called in a sentence.
    pub(super) fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| "standard input".to_owned(), |file| file.display().to_string())
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::other(format!("cannot read {}: {error}", self.name()))
    }

    fn invalid(&self, reason: &str) -> Failure {
        Failure::invalid(None, &format!("cannot read {}: {reason}", self.name()))
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

/// Refuses what is no text in the encoding of the input.
fn text(bytes: &[u8], form: &Form) -> Result<(), Why> {
    let reason = match std::str::from_utf8(bytes) {
        Ok(_) => return Ok(()),
        Err(_) if form.encoding == UTF_8 && form.is_guess => {
            "it is not UTF-8; say in which encoding the input is with --encoding, such as windows-1252"
                .to_owned()
        }
        Err(_) => format!("it has bytes that mean nothing in {}", form.encoding.name()),
    };
    Err(Why::new("", reason))
}

/// Whether there is no value in JSON.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
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

/// Where rows go to.
struct Sink {
    sender: Sender<Result<Sent, Failure>>,
    rows: Vec<Row>,
    bytes: usize,
    identities: Identities,
}

impl Sink {
    fn begin(&mut self, form: Form) {
        // Whoever does not want to know wants no rows either.
        let _ = self.sender.blocking_send(Ok(Sent::Form(form)));
    }

    /// Whether anybody still wants rows.
    fn put(&mut self, line: u64, place: Place, contact: Result<Option<Contact>, Why>) -> bool {
        let is_blank = matches!(contact, Ok(None));
        let contact =
            contact.and_then(|contact| contact.ok_or_else(|| Why::new("", "there is nothing in it")));
        let contact = contact.and_then(|contact| self.distinct(line, contact));
        self.bytes += contact.as_ref().map_or(0, Contact::bytes);
        self.rows.push(Row { line, is_blank, place, contact });
        if self.rows.len() < ROWS && self.bytes < BYTES {
            return true;
        }
        self.flush()
    }

    /// Refuses a contact that cannot stand beside an earlier one.
    fn distinct(&mut self, line: u64, contact: Contact) -> Result<Contact, Why> {
        let NewProfile { email, phone_number, external_id, .. } = &contact.profile;
        let clash =
            self.identities.seen(line, email.as_deref(), phone_number.as_deref(), external_id.as_deref());
        clash.map_or(Ok(contact), |clash| Err(Why::new(clash.field, clash.to_string())))
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        rows.is_empty() || self.sender.blocking_send(Ok(Sent::Rows(rows))).is_ok()
    }

    fn fail(&mut self, failure: Failure) {
        if self.flush() {
            // Nobody is there to be told.
            let _ = self.sender.blocking_send(Err(failure));
        }
    }
}

impl Rows {
    /// Waits until it is known whether the input can be read at all, and in which form it is.
    pub(super) async fn begin(&mut self) -> Result<Form, Failure> {
        match self.receiver.recv().await.transpose()? {
            Some(Sent::Form(form)) => {
                // What was read is counted as text.
                self.length = self.length.filter(|_| form.encoding == UTF_8);
                Ok(form)
            }
            _ => Err(Failure::other("the input was not read".to_owned())),
        }
    }

    /// The next row; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Row>, Failure> {
        loop {
            if let Some(row) = self.here.pop_front() {
                return Ok(Some(row));
            }
            match self.receiver.recv().await.transpose()? {
                Some(Sent::Rows(rows)) => self.here.extend(rows),
                Some(Sent::Form(_)) => {}
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
    use super::*;
    use klaviyo_host::types::Code;
    use std::fs::OpenOptions;

    const ROWS_OF_FILE: usize = 100_000;

    /// A file that is far longer than what is read ahead, and the beginning of its rows.
    fn opened(file: &Path) -> Rows {
        let row = |n| format!("contact+{n:06}@example.com\n");
        let text: String = std::iter::once("email\n".to_owned()).chain((0..ROWS_OF_FILE).map(row)).collect();
        std::fs::write(file, text).unwrap();
        let input = Input {
            file: Some(file.to_owned()),
            format: None,
            separator: None,
            encoding: None,
            mapping: Mapping::default(),
        };
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
