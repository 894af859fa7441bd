use super::*;
use crate::decode::lookahead::Position;
use sha2::{Digest, Sha256};

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

pub(crate) fn rows(text: &[u8], grammar: Grammar) -> Vec<(u64, u64, String)> {
    let all = |source: &mut dyn Read| {
        let mut frames = Frames::new(source, grammar);
        let mut rows = Vec::new();
        while let Some(Frame { line, lines, bytes }) = frames.next().unwrap() {
            let text = bytes.map_or("✗".to_owned(), |bytes| String::from_utf8(bytes).unwrap());
            rows.push((line, lines, text));
        }
        let whole: [u8; 32] = Sha256::digest(text).into();
        assert_eq!(frames.text.position(), Position { bytes: text.len() as u64, digest: whole });
        rows
    };
    let rows = all(&mut { text });
    assert_eq!(rows, all(&mut Slow(text)));
    rows
}

fn csv(text: &str) -> Vec<(u64, u64, String)> {
    rows(text.as_bytes(), Grammar::Csv(b','))
}

pub(crate) fn row(line: u64, lines: u64, text: &str) -> (u64, u64, String) {
    (line, lines, text.to_owned())
}

#[test]
fn rows_end_where_lines_do() {
    for text in ["a,b\nc\n", "a,b\r\nc\r\n", "a,b\nc", "\u{feff}a,b\nc", "a,b\rc\r"] {
        assert_eq!(csv(text).iter().map(|row| row.2.as_str()).collect::<Vec<_>>(), ["a,b", "c"], "{text:?}");
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
    assert!(frames.text.capacity() < 4 * ROW_BYTES);
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
    assert_eq!(slow.text.look(third).unwrap(), Some(b'['));
    assert_eq!(slow.text.look(|_, is_all| is_all.then_some(())).unwrap(), Some(()));
    assert_eq!(slow.text.skip_space().unwrap(), Some(b'['));
    assert!(!slow.text.is_at_end().unwrap());
    let frame = slow.next().unwrap().unwrap();
    assert_eq!((frame.line, frame.bytes), (2, Ok(b"[1]".to_vec())));
    assert!(slow.text.is_at_end().unwrap());
}
