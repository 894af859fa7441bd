//! From bytes to rows as they stand in the input: where each begins and ends, which line that is, and what has been
//! read up to there.
//!
//! A reader of CSV takes what it is given. One quotation mark too many, and half of the file is one field: rows would
//! be lost without a word, and memory would grow with the file. So the ends of rows are found here, strictly and
//! within bounds. A row that is not well formed is refused, and the next one is looked for on the next line.

mod array;

use array::Array;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// More than any contact takes, which is 100,000 bytes at Klaviyo.
const ROW_BYTES: usize = 1 << 20;
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Ctrl-Z: how files of CP/M and DOS end, and some still do.
pub(crate) const SUBSTITUTE: u8 = 0x1a;
/// Why a row is none that is as long as that.
const TOO_LONG: &str = "it is longer than 1 MB";

/// How rows end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Fields between separators; one in quotation marks may have line ends in it.
    Csv(u8),
    /// A row is a line.
    Lines,
    /// A row is an element of a JSON array, of which the first bracket was read.
    Array,
}

/// A row as it stands in the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The line that it begins on, from 1.
    pub(crate) line: u64,
    /// How many lines it has.
    pub(crate) lines: u64,
    /// Its bytes without the line end, or what is wrong with it.
    pub(crate) bytes: Result<Vec<u8>, &'static str>,
}

impl Frame {
    /// Whether it is what may stand after the last row.
    pub(crate) fn is_end_mark(&self) -> bool {
        self.bytes.as_ref().is_ok_and(|bytes| bytes.iter().all(|byte| *byte == SUBSTITUTE))
    }
}

/// How much has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) bytes: u64,
    /// The SHA-256 of these bytes.
    pub(crate) digest: [u8; 32],
}

/// The rows of an input, one after the other.
pub(crate) struct Frames<R> {
    source: R,
    pub(crate) grammar: Grammar,
    chunk: Box<[u8]>,
    buffer: Vec<u8>,
    /// What of the buffer is dealt with.
    start: usize,
    ended: bool,
    begun: bool,
    line: u64,
    bytes: u64,
    hash: Sha256,
    array: Array,
}

/// Where in a row a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Field,
    Quoted,
    /// After a quotation mark that ends the field, or is the first of two.
    Quote,
}

/// Where a row ends.
struct End {
    /// Without the line end, and with it.
    row: usize,
    all: usize,
    lines: u64,
}

impl<R: Read> Frames<R> {
    pub(crate) fn new(source: R, grammar: Grammar) -> Self {
        Self {
            source,
            grammar,
            chunk: vec![0; READ_BYTES].into(),
            buffer: Vec::new(),
            start: 0,
            ended: false,
            begun: false,
            line: 1,
            bytes: 0,
            hash: Sha256::new(),
            array: Array::Comma,
        }
    }

    /// The next row that is not empty.
    pub(crate) fn next(&mut self) -> io::Result<Option<Frame>> {
        self.begin()?;
        if self.grammar == Grammar::Array {
            return self.element();
        }
        loop {
            let line = self.line;
            let end = match self.end_of_row()? {
                Ok(end) => end,
                Err(reason) => {
                    self.skip_line()?;
                    return Ok(Some(Frame { line, lines: 1, bytes: Err(reason) }));
                }
            };
            if end.all == 0 {
                return Ok(None);
            }
            let mut row = self.buffer.get(self.start..self.start + end.row).unwrap_or_default().to_vec();
            if end.row == end.all {
                // The end of the input is that of the row.
                let text =
                    row.iter().rposition(|byte| *byte != SUBSTITUTE).map_or(row.len(), |last| last + 1);
                row.truncate(text);
            }
            self.consume(end.all);
            self.line += end.lines;
            if !row.is_empty() {
                return Ok(Some(Frame { line, lines: end.lines, bytes: Ok(row) }));
            }
        }
    }

    /// How much was read up to the end of the row that came last.
    pub(crate) fn position(&self) -> Position {
        Position { bytes: self.bytes, digest: self.hash.clone().finalize().into() }
    }

    /// Takes the mark at the beginning away.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        while !self.ended && self.buffer.len() < BYTE_ORDER_MARK.len() {
            self.fill()?;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.consume(BYTE_ORDER_MARK.len());
        }
        Ok(())
    }

    /// Judges what comes next, of which more and more is read until that can be told: all there is, at last, or much of
    /// it, which the judge is told.
    pub(crate) fn look<T>(&mut self, judge: impl Fn(&[u8], bool) -> Option<T>) -> io::Result<Option<T>> {
        self.begin()?;
        loop {
            let next = self.buffer.get(self.start..).unwrap_or_default();
            let is_all = self.ended || next.len() >= READ_BYTES;
            let judged = judge(next, is_all);
            if judged.is_some() || is_all {
                return Ok(judged);
            }
            self.fill()?;
        }
    }

    /// Passes over white space, and tells what follows it.
    pub(crate) fn skip_space(&mut self) -> io::Result<Option<u8>> {
        self.begin()?;
        loop {
            match self.byte(0)? {
                Some(byte) if byte.is_ascii_whitespace() => self.skip(byte),
                next => return Ok(next),
            }
        }
    }

    /// Passes over a byte.
    pub(crate) fn skip(&mut self, byte: u8) {
        self.consume(1);
        self.line += u64::from(byte == b'\n');
    }

    /// Whether nothing follows.
    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.byte(0)?.is_none())
    }

    /// Whether there is nothing else from there on, to the end of the input.
    fn only_substitutes(&mut self, from: usize) -> io::Result<bool> {
        for at in from..from + READ_BYTES {
            match self.byte(at)? {
                Some(SUBSTITUTE) => {}
                Some(_) => return Ok(false),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// The byte at this distance from the start of the row; none after the end of the input.
    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        loop {
            match self.buffer.get(self.start + at) {
                Some(byte) => return Ok(Some(*byte)),
                None if self.ended => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    /// Where the row ends that begins here, or why it is none.
    fn end_of_row(&mut self) -> io::Result<Result<End, &'static str>> {
        const OPEN: &str = "a quotation mark is missing: what it begins does not end";
        let mut state = State::FieldStart;
        let (mut at, mut lines) = (0, 1);
        loop {
            if at > ROW_BYTES {
                let reason = match state {
                    State::Quoted => "it is longer than 1 MB; is a quotation mark missing?",
                    _ => TOO_LONG,
                };
                return Ok(Err(reason));
            }
            let Some(byte) = self.byte(at)? else {
                return Ok(if state == State::Quoted {
                    Err(OPEN)
                } else {
                    Ok(End { row: at, all: at, lines })
                });
            };
            let separator = match self.grammar {
                Grammar::Csv(separator) => Some(separator),
                Grammar::Lines | Grammar::Array => None,
            };
            state = match (state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, byte) => {
                    lines += u64::from(byte == b'\n');
                    State::Quoted
                }
                (State::Quote, b'"') => State::Quoted,
                (_, b'\n') => return Ok(Ok(End { row: at, all: at + 1, lines })),
                // A line may end like this too, or in both ways at once.
                (_, b'\r') if separator.is_some() => {
                    let both = self.byte(at + 1)? == Some(b'\n');
                    return Ok(Ok(End { row: at, all: at + 1 + usize::from(both), lines }));
                }
                (_, byte) if Some(byte) == separator => State::FieldStart,
                (State::Quote, SUBSTITUTE) if self.only_substitutes(at)? => State::Quote,
                (State::Quote, _) => {
                    return Ok(Err(
                        "a quotation mark stands in the middle of a field; is one missing before it?",
                    ));
                }
                (State::FieldStart, b'"') if separator.is_some() => State::Quoted,
                _ => State::Field,
            };
            at += 1;
        }
    }

    /// Goes on after the end of the line, however far that is.
    pub(crate) fn skip_line(&mut self) -> io::Result<()> {
        self.line += 1;
        let grammar = self.grammar;
        let is_end = |byte: u8| byte == b'\n' || (byte == b'\r' && grammar != Grammar::Lines);
        loop {
            let left = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(end) = left.iter().position(|byte| is_end(*byte)) {
                let both = left.get(end) == Some(&b'\r') && self.byte(end + 1)? == Some(b'\n');
                self.consume(end + 1 + usize::from(both));
                return Ok(());
            }
            let all = left.len();
            self.consume(all);
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn consume(&mut self, bytes: usize) {
        let end = self.start + bytes;
        self.hash.update(self.buffer.get(self.start..end).unwrap_or_default());
        self.start = end;
        self.bytes += bytes as u64;
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let read = loop {
            match self.source.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.buffer.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
        self.ended |= read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, as a pipe may.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    pub(super) fn rows(text: &[u8], grammar: Grammar) -> Vec<(u64, u64, String)> {
        let all = |source: &mut dyn Read| {
            let mut frames = Frames::new(source, grammar);
            let mut rows = Vec::new();
            while let Some(Frame { line, lines, bytes }) = frames.next().unwrap() {
                let text = bytes.map_or("✗".to_owned(), |bytes| String::from_utf8(bytes).unwrap());
                rows.push((line, lines, text));
            }
            let whole: [u8; 32] = Sha256::digest(text).into();
            assert_eq!(frames.position(), Position { bytes: text.len() as u64, digest: whole });
            rows
        };
        let rows = all(&mut { text });
        assert_eq!(rows, all(&mut Slow(text)));
        rows
    }

    fn csv(text: &str) -> Vec<(u64, u64, String)> {
        rows(text.as_bytes(), Grammar::Csv(b','))
    }

    pub(super) fn row(line: u64, lines: u64, text: &str) -> (u64, u64, String) {
        (line, lines, text.to_owned())
    }

    #[test]
    fn rows_end_where_lines_do() {
        for text in ["a,b\nc\n", "a,b\r\nc\r\n", "a,b\nc", "\u{feff}a,b\nc", "a,b\rc\r"] {
            assert_eq!(
                csv(text).iter().map(|row| row.2.as_str()).collect::<Vec<_>>(),
                ["a,b", "c"],
                "{text:?}"
            );
        }
        assert_eq!(csv("\n\r\na\n\n\nb"), [row(3, 1, "a"), row(6, 1, "b")]);
        assert_eq!(csv(""), []);
        assert_eq!(csv("\u{feff}"), []);
        assert_eq!(csv("a\nb\u{feff}"), [row(1, 1, "a"), row(2, 1, "b\u{feff}")]);
    }

    #[test]
    fn a_quoted_field_may_have_lines() {
        assert_eq!(
            csv("a,\"1\n2\r\n3\"\nb,\"say \"\"hi\"\"\"\n\"\",c\n"),
            [row(1, 3, "a,\"1\n2\r\n3\""), row(4, 1, "b,\"say \"\"hi\"\"\""), row(5, 1, "\"\",c")]
        );
        assert_eq!(csv("a,5\" pipe\nb\n"), [row(1, 1, "a,5\" pipe"), row(2, 1, "b")]);
    }

    #[test]
    fn a_mark_that_is_missing_costs_one_line() {
        assert_eq!(csv("a,\"x\nb,\"y\"\nc,z\n"), [row(1, 1, "✗"), row(2, 1, "b,\"y\""), row(3, 1, "c,z")]);
        assert_eq!(csv("a,\"x\nb,y\n"), [row(1, 1, "✗"), row(2, 1, "b,y")]);
        assert_eq!(csv("a,\"x\"y\nb\n"), [row(1, 1, "✗"), row(2, 1, "b")]);
        assert_eq!(csv("a,\"x\"y\r\nb\r\n"), [row(1, 1, "✗"), row(2, 1, "b")]);
        assert_eq!(csv("a,\"x\"y\rb\r"), [row(1, 1, "✗"), row(2, 1, "b")]);
    }

    #[test]
    fn a_row_is_bounded() {
        let filler = "x\n".repeat(ROW_BYTES);
        let rows = csv(&format!("\"{filler}"));
        assert_eq!((rows.len(), rows[0].2.as_str(), rows[1].clone()), (ROW_BYTES, "✗", row(2, 1, "x")));
        let long = "y".repeat(5 * ROW_BYTES);
        let rows = csv(&format!("a\n{long}\nb\n"));
        assert_eq!(rows, [row(1, 1, "a"), row(2, 1, "✗"), row(3, 1, "b")]);
        let mut frames = Frames::new(long.as_bytes(), Grammar::Lines);
        assert!(frames.next().unwrap().unwrap().bytes.is_err());
        assert!(frames.buffer.capacity() < 4 * ROW_BYTES);
        assert_eq!(frames.next().unwrap(), None);
    }

    #[test]
    fn lines_have_no_fields() {
        let lines = rows(b"{\"a\":\"\\\"\"}\r\n\"\n\n,\"x", Grammar::Lines);
        assert_eq!(lines, [row(1, 1, "{\"a\":\"\\\"\"}\r"), row(2, 1, "\""), row(4, 1, ",\"x")]);
    }

    #[test]
    fn the_mark_of_dos_ends_an_input_and_nothing_else() {
        assert_eq!(csv("a\nb\u{1a}"), [row(1, 1, "a"), row(2, 1, "b")]);
        assert_eq!(csv("a\n\"b\"\u{1a}\u{1a}"), [row(1, 1, "a"), row(2, 1, "\"b\"")]);
        assert_eq!(csv("a\n\u{1a}\u{1a}"), [row(1, 1, "a"), row(2, 1, "\u{1a}\u{1a}")]);
        assert_eq!(csv("a\u{1a}\n\u{1a}b"), [row(1, 1, "a\u{1a}"), row(2, 1, "\u{1a}b")]);
        assert_eq!(csv("\"a\"\u{1a}\nb"), [row(1, 1, "✗"), row(2, 1, "b")]);
        assert_eq!(rows(b"{}\x1a", Grammar::Lines), [row(1, 1, "{}")]);
    }

    #[test]
    fn what_comes_next_can_be_looked_at() {
        let mut slow = Frames::new(Slow(b"\xef\xbb\xbf\n [1]"), Grammar::Lines);
        let third = |bytes: &[u8], is_all: bool| bytes.get(2).copied().or(is_all.then_some(0));
        assert_eq!(slow.look(third).unwrap(), Some(b'['));
        assert_eq!(slow.look(|_, is_all| is_all.then_some(())).unwrap(), Some(()));
        assert_eq!(slow.skip_space().unwrap(), Some(b'['));
        assert!(!slow.is_at_end().unwrap());
        let frame = slow.next().unwrap().unwrap();
        assert_eq!((frame.line, frame.bytes), (2, Ok(b"[1]".to_vec())));
        assert!(slow.is_at_end().unwrap());
    }
}
