//! Finds where the elements of a JSON array begin and end.
//!
//! It reads brackets and strings only. An element that is not well formed costs itself and no other.

use crate::decode::frame::{Frame, ROW_BYTES, TOO_LONG};
use crate::decode::lookahead::{Lookahead, SUBSTITUTE};
use std::io::{self, Read};

/// What was read of an array last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Array {
    /// Its first bracket, or a comma.
    Comma,
    Element,
    /// Its last bracket.
    Bracket,
    /// Nothing more is read.
    End,
}

/// An element, as far as it was read.
#[derive(Default)]
struct Element {
    /// How many brackets are open.
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    has_begun: bool,
}

/// What a byte means for an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The byte belongs to the element, and more follows.
    Inside,
    /// The byte is the last of the element.
    Last,
    /// The element has ended before the byte.
    After,
}

impl Element {
    fn step(&mut self, byte: u8) -> Step {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if self.in_string {
            match byte {
                _ if std::mem::take(&mut self.is_escaped) => {}
                b'\\' => self.is_escaped = true,
                // A string of JSON does not go over the end of a line: this one has lost its end, and the
                // next line begins outside of it.
                b'\n' => self.in_string = false,
                b'"' => {
                    self.in_string = false;
                    return self.inside_or_last();
                }
                _ => {}
            }
            return Step::Inside;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return self.inside_or_last();
            }
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 && !is_first => {
                return Step::After;
            }
            _ => {}
        }
        Step::Inside
    }

    fn inside_or_last(&self) -> Step {
        if self.depth == 0 { Step::Last } else { Step::Inside }
    }
}

impl Array {
    /// The next element of an array.
    pub(crate) fn next<R: Read>(&mut self, text: &mut Lookahead<R>) -> io::Result<Option<Frame>> {
        let told = |line, reason| Ok(Some(Frame { line, lines: 1, bytes: Err(reason) }));
        loop {
            let next = text.skip_space()?;
            let line = text.line;
            match (*self, next) {
                (Array::End, _) | (Array::Bracket, None) => return Ok(None),
                (Array::Bracket, Some(SUBSTITUTE)) if text.only_substitutes(0)? => {
                    text.consume_all();
                }
                (Array::Bracket, Some(_)) => {
                    *self = Self::End;
                    return told(
                        line,
                        "something follows the end of the array, and is not read; put it into the array",
                    );
                }
                (_, None) => {
                    *self = Self::End;
                    return told(line, "the array does not end: the input is cut off; get the rest of it");
                }
                (_, Some(byte @ b']')) => {
                    text.skip(byte);
                    *self = Self::Bracket;
                }
                (_, Some(byte @ b',')) => {
                    text.skip(byte);
                    *self = Self::Comma;
                }
                (before, Some(_)) => {
                    *self = Self::Element;
                    let mut frame = self.rest_of_element(text)?;
                    if before == Array::Element {
                        frame.bytes = Err("a comma is missing before it");
                    }
                    return Ok(Some(frame));
                }
            }
        }
    }

    fn rest_of_element<R: Read>(&mut self, text: &mut Lookahead<R>) -> io::Result<Frame> {
        let line = text.line;
        let mut element = Element::default();
        let (mut at, mut is_too_long) = (0, false);
        loop {
            if at > ROW_BYTES {
                // Its end is looked for all the same: no element begins in the middle of another.
                is_too_long = true;
                text.consume(at);
                at = 0;
            }
            let Some(byte) = text.byte(at)? else {
                text.consume(at);
                let reason = "the input is cut off in the middle of it; get the rest of it";
                *self = Self::End;
                return Ok(Frame { line, lines: 1, bytes: Err(reason) });
            };
            let step = element.step(byte);
            if step != Step::After {
                at += 1;
                text.line += u64::from(byte == b'\n');
            }
            if step != Step::Inside {
                break;
            }
        }
        let bytes = text.next_bytes(at).to_vec();
        text.consume(at);
        let bytes = if is_too_long { Err(TOO_LONG) } else { Ok(bytes) };
        Ok(Frame { line, lines: text.line - line + 1, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::frames::tests::{row, rows};
    use crate::decode::frames::{Frames, Grammar};
    use crate::decode::lookahead::READ_BYTES;

    /// The first element of what follows a bracket or a comma.
    fn first(text: &str) -> Option<&str> {
        let mut element = Element::default();
        for (at, byte) in text.bytes().enumerate() {
            match element.step(byte) {
                Step::Inside => {}
                Step::Last => return text.get(..=at),
                Step::After => return text.get(..at),
            }
        }
        None
    }

    #[test]
    fn an_element_ends_with_its_last_bracket() {
        for (text, element) in [
            (r#"{"a":1},{"b":2}]"#, r#"{"a":1}"#),
            (r#"{"a":{"b":[1,{"c":2}]}} ]"#, r#"{"a":{"b":[1,{"c":2}]}}"#),
            (r#"{"a":"}]\"}\\"},"#, r#"{"a":"}]\"}\\"}"#),
            ("{\n  \"a\": 1\n}\n]", "{\n  \"a\": 1\n}"),
            ("17,18]", "17"),
            ("null]", "null"),
            (r#""a,]\"b","c"]"#, r#""a,]\"b""#),
            ("[1,2],[3]]", "[1,2]"),
            ("} ,", "}"),
            ("{\"a\":1],", "{\"a\":1]"),
            // The end of a string is missing.
            ("{\"a\": \"x,\n \"b\": 1},{}", "{\"a\": \"x,\n \"b\": 1}"),
        ] {
            assert_eq!(first(text), Some(element), "{text}");
        }
        for text in ["{", "{\"a\":1", "\"a", "[[[[[[", "17", "{\"a\":\"}"] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    /// The rows of what follows the first bracket.
    fn array(text: &str) -> Vec<(u64, u64, String)> {
        rows(text.as_bytes(), Grammar::Array)
    }

    #[test]
    fn elements_are_rows() {
        for text in ["]", " \n ]\n", "]\u{1a}", ",]"] {
            assert_eq!(array(text), [], "{text:?}");
        }
        assert_eq!(array("{\"a\":1},{\"b\":\"]\"}]"), [row(1, 1, "{\"a\":1}"), row(1, 1, "{\"b\":\"]\"}")]);
        assert_eq!(array("\n {\n\"a\":1\r\n}\n,\n{},]\n"), [row(2, 3, "{\n\"a\":1\r\n}"), row(6, 1, "{}")]);
        assert_eq!(array("1, \"x\",null]"), [row(1, 1, "1"), row(1, 1, "\"x\""), row(1, 1, "null")]);
    }

    #[test]
    fn an_array_that_is_not_well_formed_costs_what_is_not() {
        assert_eq!(array("{\"a\":}\n,{}]"), [row(1, 1, "{\"a\":}"), row(2, 1, "{}")]);
        assert_eq!(array("{\"a\":\"x\n},\n{}]"), [row(1, 2, "{\"a\":\"x\n}"), row(3, 1, "{}")]);
        // A comma is missing.
        assert_eq!(array("{}\n{},{}]"), [row(1, 1, "{}"), row(2, 1, "✗"), row(2, 1, "{}")]);
        // It is cut off, between two and in one.
        assert_eq!(array(""), [row(1, 1, "✗")]);
        assert_eq!(array("{},\n"), [row(1, 1, "{}"), row(2, 1, "✗")]);
        assert_eq!(array("{}\n,{\"a\":\n"), [row(1, 1, "{}"), row(2, 1, "✗")]);
    }

    #[test]
    fn what_follows_an_array_is_told() {
        for text in ["{}]\n[{}]", "{}]\n]", "{}]\nx", "{}]\n\u{1a}x"] {
            let mut frames = Frames::new(text.as_bytes(), Grammar::Array);
            assert_eq!(frames.next().unwrap().unwrap().bytes, Ok(b"{}".to_vec()));
            let rest = frames.next().unwrap().unwrap();
            assert!(rest.line == 2 && rest.bytes.is_err(), "{text:?}");
            assert_eq!(frames.next().unwrap(), None);
        }
    }

    #[test]
    fn an_element_is_bounded() {
        let long = format!("{{\"a\":\"{}\"}},\n{{}}]", "y".repeat(5 * ROW_BYTES));
        assert_eq!(array(&long), [row(1, 1, "✗"), row(2, 1, "{}")]);
        let open = "[".repeat(5 * ROW_BYTES);
        let mut frames = Frames::new(open.as_bytes(), Grammar::Array);
        assert!(frames.next().unwrap().unwrap().bytes.is_err());
        assert!(frames.text.capacity() < 4 * ROW_BYTES);
        assert_eq!(frames.next().unwrap(), None);
    }

    /// The rest of an array of so many objects, written as it is read.
    struct Objects(std::ops::Range<usize>, Vec<u8>);

    impl Read for Objects {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty()
                && let Some(n) = self.0.next()
            {
                let after = if self.0.is_empty() { "]" } else { ",\n" };
                self.1 = format!("{{\"email\":\"contact+{n}@example.com\"}}{after}").into_bytes();
            }
            let read = self.1.as_slice().read(buffer)?;
            self.1.drain(..read);
            Ok(read)
        }
    }

    #[test]
    fn an_array_is_not_held_in_memory() {
        let mut frames = Frames::new(Objects(0..100_000, Vec::new()), Grammar::Array);
        let mut line = 0;
        while let Some(frame) = frames.next().unwrap() {
            line += 1;
            assert!(frame.line == line && frame.bytes.is_ok());
        }
        assert_eq!(line, 100_000);
        assert!(frames.text.capacity() < 4 * READ_BYTES);
    }
}
