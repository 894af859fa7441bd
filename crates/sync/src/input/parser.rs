//! Reads an input into rows: finds its encoding, its format and its header, then makes a record of each row.

use crate::decode::detect;
use crate::decode::encoding::{self, Decoded};
use crate::decode::form::{Form, Format};
use crate::decode::frame::Frame;
use crate::decode::frames::{Frames, Grammar};
use crate::decode::lookahead::SUBSTITUTE;
use crate::decode::record::Decoder;
use crate::error::Error;
use crate::input::records::Records;
use crate::input::rows::Sink;
use crate::outcome::Reason;
use encoding_rs::{Encoding, UTF_8};
use serde_json::Value;
use std::io::{self, Cursor, Read};

/// How an input is read.
pub(crate) struct Parser {
    /// The name of the input in sentences.
    pub(crate) name: String,
    /// The format, if the settings or the name of the file tell it. If not, the first bytes do.
    pub(crate) format: Option<Format>,
    /// Whether the settings tell the format.
    pub(crate) is_said: bool,
    pub(crate) separator: Option<u8>,
    pub(crate) encoding: Option<&'static Encoding>,
}

impl Parser {
    /// Reads all of an input.
    ///
    /// # Errors
    /// The input cannot be read, or is not what the settings say.
    pub(crate) fn read<R: Records>(
        &self,
        mut source: Box<dyn Read + Send>,
        records: &mut R,
        sink: &mut Sink<R::Record>,
    ) -> Result<(), Error> {
        let unreadable = |error| self.unreadable(&error);
        let head = detect::head(&mut source).map_err(unreadable)?;
        let (encoding, is_guess) = encoding::of(&head, self.encoding);
        if let Some(what) = detect::foreign(&head, encoding) {
            return Err(self.invalid(what));
        }
        let whole = Cursor::new(head).chain(source);
        let source: Box<dyn Read> =
            if encoding == UTF_8 { Box::new(whole) } else { Box::new(Decoded::new(whole, encoding)) };
        let mut frames = Frames::new(source, Grammar::Lines);
        let first = frames.text.look(detect::first_byte).map_err(unreadable)?.flatten();
        let looks_like_json = matches!(first, Some(b'{' | b'['));
        let is_news = encoding != self.encoding.unwrap_or(UTF_8);
        let form =
            Form { format: Format::Csv, separator: None, encoding, is_guess, is_news, notes: Vec::new() };
        match self.format {
            Some(Format::Jsonl) => self.json(frames, Form { format: Format::Jsonl, ..form }, records, sink),
            None if looks_like_json => {
                self.json(frames, Form { format: Format::Jsonl, is_news: true, ..form }, records, sink)
            }
            _ => self.csv(frames, form, looks_like_json, records, sink),
        }
    }

    fn json<R: Records>(
        &self,
        mut frames: Frames<impl Read>,
        form: Form,
        records: &mut R,
        sink: &mut Sink<R::Record>,
    ) -> Result<(), Error> {
        let unreadable = |error| self.unreadable(&error);
        match frames.text.skip_space().map_err(unreadable)? {
            Some(bracket @ b'[') => {
                frames.text.skip(bracket);
                frames.grammar = Grammar::Array;
            }
            Some(b'{') if frames.text.look(detect::is_spread).map_err(unreadable)? == Some(true) => {
                return Err(self.invalid(
                    "it has an object over several lines; write each on a line of its own, as jq -c does, or all of them in \
                     an array, between [ and ]",
                ));
            }
            None | Some(b'{' | SUBSTITUTE) => {}
            Some(_) if self.is_said => {
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
            let is_end = frame.is_end_mark() && frames.text.is_at_end().map_err(unreadable)?;
            let record = match frame.bytes {
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                _ if is_end => Ok(None),
                Ok(bytes) => object(records, line, &bytes, &form),
                Err(reason) => Err(Reason::new("", reason)),
            };
            if !sink.put(line, frames.text.position(), record) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    fn csv<R: Records>(
        &self,
        mut frames: Frames<impl Read>,
        mut form: Form,
        looks_like_json: bool,
        records: &mut R,
        sink: &mut Sink<R::Record>,
    ) -> Result<(), Error> {
        let unreadable = |error| self.unreadable(&error);
        let declared = frames.text.look(detect::declared).map_err(unreadable)?.flatten();
        // All grammars of CSV end a line in the same ways.
        frames.grammar = Grammar::Csv(b',');
        if declared.is_some() {
            frames.skip_line().map_err(unreadable)?;
        }
        let separator = match self.separator.or(declared) {
            Some(separator) => separator,
            None => frames.text.look(detect::separator_of).map_err(unreadable)?.unwrap_or(b','),
        };
        form.separator = Some(separator);
        form.is_news |= self.separator.is_none() && separator != b',';
        frames.grammar = Grammar::Csv(separator);

        let mut decoder = Decoder::new(separator);
        let Some(header) = self.header(&mut frames)? else {
            sink.begin(form);
            return Ok(());
        };
        let header = check_encoding(&header, &form)
            .map_err(|reason| reason.reason)
            .and_then(|()| decoder.decode(header))
            .map_err(|reason| format!("the header: {reason}"));
        let width = header.as_ref().map_or(0, |header| header.len());
        let columns = header.and_then(|header| records.columns(&header.iter().collect::<Vec<_>>()));
        let (columns, notes) = columns.map_err(|reason| self.no_columns(&reason, looks_like_json))?;
        form.notes = notes;
        let mut rows = CsvRows { decoder, width, columns };
        sink.begin(form.clone());
        while let Some(frame) = frames.next().map_err(unreadable)? {
            let line = frame.line;
            let is_end = frame.is_end_mark() && frames.text.is_at_end().map_err(unreadable)?;
            let record = if is_end { Ok(None) } else { rows.record(records, frame, &form) };
            if !sink.put(line, frames.text.position(), record) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    fn header(&self, frames: &mut Frames<impl Read>) -> Result<Option<Vec<u8>>, Error> {
        let unreadable = |error| self.unreadable(&error);
        let Some(header) = frames.next().map_err(unreadable)? else { return Ok(None) };
        if header.is_end_mark() && frames.text.is_at_end().map_err(unreadable)? {
            return Ok(None);
        }
        header.bytes.map(Some).map_err(|reason| self.invalid(&format!("the header: {reason}")))
    }

    fn no_columns(&self, reason: &str, looks_like_json: bool) -> Error {
        let json = match (looks_like_json, self.is_said) {
            (false, _) => "",
            (true, false) => "it looks like JSON, and --format jsonl would read it so; as CSV: ",
            (true, true) => "it looks like JSON; as CSV: ",
        };
        Error::invalid(format!("{}: {json}{reason}", self.name))
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::other(format!("cannot read {}: {error}", self.name))
    }

    fn invalid(&self, reason: &str) -> Error {
        Error::invalid(format!("cannot read {}: {reason}", self.name))
    }
}

/// Rows of CSV below a header.
struct CsvRows<C> {
    decoder: Decoder,
    /// How many columns the header has.
    width: usize,
    columns: C,
}

impl<C> CsvRows<C> {
    /// The record of a row; none if all of its values are empty.
    fn record<R: Records<Columns = C>>(
        &mut self,
        records: &mut R,
        frame: Frame,
        form: &Form,
    ) -> Result<Option<R::Record>, Reason> {
        let Frame { line, lines, bytes } = frame;
        let bytes = bytes.map_err(|reason| Reason::new("", reason))?;
        check_encoding(&bytes, form)?;
        let values = self.decoder.decode(bytes).map_err(|reason| Reason::new("", reason))?;
        let has_value = |value: &str| !value.trim().is_empty();
        if !values.iter().any(has_value) {
            return Ok(None);
        }
        let (found, wanted) = (values.len(), self.width);
        // Values that are missing at the end are empty. But if the row has several lines, a quotation mark
        // may have swallowed them.
        if values.iter().skip(wanted).any(has_value) || (found < wanted && lines > 1) {
            return Err(Reason::new(
                "",
                format!("it has {found} fields, and the header has {wanted}{}", across(line, lines)),
            ));
        }
        records.of_row(line, &self.columns, values.iter()).map(Some)
    }
}

/// The record of a JSON object; none if all of its values are empty.
fn object<R: Records>(
    records: &mut R,
    line: u64,
    bytes: &[u8],
    form: &Form,
) -> Result<Option<R::Record>, Reason> {
    check_encoding(bytes, form)?;
    match records.of_object(line, bytes) {
        Err(_)
            if serde_json::from_slice(bytes)
                .is_ok_and(|object: Value| object.is_object() && is_nothing(&object)) =>
        {
            Ok(None)
        }
        record => record.map(Some),
    }
}

/// Refuses bytes that are not text in the encoding of the input.
fn check_encoding(bytes: &[u8], form: &Form) -> Result<(), Reason> {
    let reason = match std::str::from_utf8(bytes) {
        Ok(_) => return Ok(()),
        Err(_) if form.encoding == UTF_8 && form.is_guess => {
            "it is not UTF-8; say in which encoding the input is with --encoding, such as windows-1252"
                .to_owned()
        }
        Err(_) => format!("it has bytes that mean nothing in {}", form.encoding.name()),
    };
    Err(Reason::new("", reason))
}

/// Whether JSON has no value in it.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    }
}

/// Says that a row has several lines, which the user may not expect.
fn across(line: u64, lines: u64) -> String {
    match lines {
        1 => String::new(),
        lines => {
            let last = line + lines.saturating_sub(1);
            format!("; it goes on to line {last}, since it has line ends in quotation marks")
        }
    }
}
