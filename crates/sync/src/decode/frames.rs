//! Finds where each row of an input begins and ends.
//!
//! A reader of CSV takes what it gets. One quotation mark too many, and half of the file is one field: rows
//! would be lost without a word, and memory would grow with the file. So the ends of rows are found here,
//! strictly and within bounds. A row that is not well formed is refused, and the search goes on with the next
//! line.

use crate::decode::array::Array;
use crate::decode::frame::{Frame, ROW_BYTES, TOO_LONG};
use crate::decode::lookahead::{Lookahead, SUBSTITUTE};
use std::io::{self, Read};

/// How rows end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Fields between separators. A field in quotation marks may contain line ends.
    Csv(u8),
    /// A row is a line.
    Lines,
    /// A row is an element of a JSON array, whose first bracket was read.
    Array,
}

/// The rows of an input, one after the other.
pub(crate) struct Frames<R> {
    pub(crate) text: Lookahead<R>,
    pub(crate) grammar: Grammar,
    array: Array,
}

/// Where a byte stands in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Field,
    Quoted,
    /// After a quotation mark in a quoted field: it ends the field, or is the first of two.
    Quote,
}

/// Where a row ends.
struct End {
    /// Its length without the line end, and with it.
    row: usize,
    all: usize,
    lines: u64,
}

impl<R: Read> Frames<R> {
    pub(crate) fn new(source: R, grammar: Grammar) -> Self {
        Self { text: Lookahead::new(source), grammar, array: Array::Comma }
    }

    /// The next row that is not empty.
    pub(crate) fn next(&mut self) -> io::Result<Option<Frame>> {
        self.text.begin()?;
        if self.grammar == Grammar::Array {
            return self.array.next(&mut self.text);
        }
        loop {
            let line = self.text.line;
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
            let mut row = self.text.next_bytes(end.row).to_vec();
            if end.row == end.all {
                // The row ends with the input, which may end with Ctrl-Z.
                let text =
                    row.iter().rposition(|byte| *byte != SUBSTITUTE).map_or(row.len(), |last| last + 1);
                row.truncate(text);
            }
            self.text.consume(end.all);
            self.text.line += end.lines;
            if !row.is_empty() {
                return Ok(Some(Frame { line, lines: end.lines, bytes: Ok(row) }));
            }
        }
    }

    /// Where the next row ends, or why it is refused.
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
            let Some(byte) = self.text.byte(at)? else {
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
                // A line may end with a carriage return, a line feed, or both.
                (_, b'\r') if separator.is_some() => {
                    let both = self.text.byte(at + 1)? == Some(b'\n');
                    return Ok(Ok(End { row: at, all: at + 1 + usize::from(both), lines }));
                }
                (_, byte) if Some(byte) == separator => State::FieldStart,
                (State::Quote, SUBSTITUTE) if self.text.only_substitutes(at)? => State::Quote,
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

    /// Skips a line that is not a row.
    pub(crate) fn skip_line(&mut self) -> io::Result<()> {
        let grammar = self.grammar;
        self.text.skip_line(|byte| byte == b'\n' || (byte == b'\r' && grammar != Grammar::Lines))
    }
}

#[cfg(test)]
pub(crate) mod tests;
