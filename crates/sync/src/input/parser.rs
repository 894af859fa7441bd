//! Reads an input into rows: finds its encoding, its format and its header, then makes a contact of each row.

use crate::columns::resolver::of_header;
use crate::columns::{Columns, Mapping};
use crate::contact::Contact;
use crate::contact::csv_row::contact_of_row;
use crate::contact::json_object::contact_of_object;
use crate::decode::detect;
use crate::decode::encoding::{self, Decoded};
use crate::decode::form::{Form, Format};
use crate::decode::frame::Frame;
use crate::decode::frames::{Frames, Grammar};
use crate::decode::lookahead::SUBSTITUTE;
use crate::decode::record::Decoder;
use crate::error::Error;
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
    pub(crate) mapping: Mapping,
}

impl Parser {
    /// Reads all of an input.
    ///
    /// # Errors
    /// The input cannot be read, or is not what the settings say.
    pub(crate) fn read(&self, mut source: Box<dyn Read + Send>, sink: &mut Sink) -> Result<(), Error> {
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
            Some(Format::Jsonl) => self.json(frames, Form { format: Format::Jsonl, ..form }, sink),
            None if looks_like_json => {
                self.json(frames, Form { format: Format::Jsonl, is_news: true, ..form }, sink)
            }
            _ => self.csv(frames, form, looks_like_json, sink),
        }
    }

    fn json<R: Read>(&self, mut frames: Frames<R>, form: Form, sink: &mut Sink) -> Result<(), Error> {
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
            let contact = match frame.bytes {
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                _ if is_end => Ok(None),
                Ok(bytes) => self.object(&bytes, &form),
                Err(reason) => Err(Reason::new("", reason)),
            };
            if !sink.put(line, frames.text.position(), contact) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    /// The contact of a JSON object; none if all of its values are empty.
    fn object(&self, bytes: &[u8], form: &Form) -> Result<Option<Contact>, Reason> {
        check_encoding(bytes, form)?;
        match contact_of_object(&self.mapping, bytes) {
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
        let columns = check_encoding(&header, &form)
            .map_err(|reason| reason.reason)
            .and_then(|()| decoder.decode(header))
            .map_err(|reason| format!("the header: {reason}"))
            .and_then(|header| of_header(&self.mapping, header.iter()))
            .map_err(|reason| self.no_columns(&reason, looks_like_json))?;
        form.notes.clone_from(&columns.notes);
        sink.begin(form.clone());
        while let Some(frame) = frames.next().map_err(unreadable)? {
            let line = frame.line;
            let is_end = frame.is_end_mark() && frames.text.is_at_end().map_err(unreadable)?;
            let contact = if is_end { Ok(None) } else { self.row(frame, &columns, &mut decoder, &form) };
            if !sink.put(line, frames.text.position(), contact) {
                return Ok(());
            }
        }
        sink.flush();
        Ok(())
    }

    fn header<R: Read>(&self, frames: &mut Frames<R>) -> Result<Option<Vec<u8>>, Error> {
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

    /// The contact of a row of CSV; none if all of its values are empty.
    fn row(
        &self,
        frame: Frame,
        columns: &Columns,
        decoder: &mut Decoder,
        form: &Form,
    ) -> Result<Option<Contact>, Reason> {
        let Frame { line, lines, bytes } = frame;
        let bytes = bytes.map_err(|reason| Reason::new("", reason))?;
        check_encoding(&bytes, form)?;
        let record = decoder.decode(bytes).map_err(|reason| Reason::new("", reason))?;
        let has_value = |value: &str| !value.trim().is_empty();
        if !record.iter().any(has_value) {
            return Ok(None);
        }
        let (found, wanted) = (record.len(), columns.columns.len());
        // Values that are missing at the end are empty. But if the row has several lines, a quotation mark
        // may have swallowed them.
        if record.iter().skip(wanted).any(has_value) || (found < wanted && lines > 1) {
            return Err(Reason::new(
                "",
                format!("it has {found} fields, and the header has {wanted}{}", across(line, lines)),
            ));
        }
        contact_of_row(&self.mapping, columns, record.iter()).map(Some)
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::other(format!("cannot read {}: {error}", self.name))
    }

    fn invalid(&self, reason: &str) -> Error {
        Error::invalid(format!("cannot read {}: {reason}", self.name))
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
