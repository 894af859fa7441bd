//! Reads the bytes of an input ahead, and counts lines, bytes and their SHA-256 as they are consumed.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// How much is read at once.
pub(crate) const READ_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Ctrl-Z: files of CP/M and DOS end with it, and some still do.
pub(crate) const SUBSTITUTE: u8 = 0x1a;

/// A position in an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) bytes: u64,
    /// The SHA-256 of all bytes before it.
    pub(crate) digest: [u8; 32],
}

impl Position {
    /// The digest in hexadecimal, as a state has it.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(self.digest)
    }
}

/// A reader that looks at bytes before it consumes them.
pub(crate) struct Lookahead<R> {
    source: R,
    chunk: Box<[u8]>,
    buffer: Vec<u8>,
    /// How much of the buffer was consumed.
    start: usize,
    ended: bool,
    begun: bool,
    /// The line of the next byte, from 1.
    pub(crate) line: u64,
    bytes: u64,
    hash: Sha256,
}

impl<R: Read> Lookahead<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            chunk: vec![0; READ_BYTES].into(),
            buffer: Vec::new(),
            start: 0,
            ended: false,
            begun: false,
            line: 1,
            bytes: 0,
            hash: Sha256::new(),
        }
    }

    /// The position of the next byte.
    pub(crate) fn position(&self) -> Position {
        Position { bytes: self.bytes, digest: self.hash.clone().finalize().into() }
    }

    /// Consumes the byte order mark at the beginning.
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

    /// Asks `judge` about the next bytes, and reads more until it has an answer. The flag tells it that
    /// nothing more will come, or that it has seen enough bytes.
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

    /// Skips white space, and returns the byte after it.
    pub(crate) fn skip_space(&mut self) -> io::Result<Option<u8>> {
        self.begin()?;
        loop {
            match self.byte(0)? {
                Some(byte) if byte.is_ascii_whitespace() => self.skip(byte),
                next => return Ok(next),
            }
        }
    }

    /// Consumes one byte, which is this one.
    pub(crate) fn skip(&mut self, byte: u8) {
        self.consume(1);
        self.line += u64::from(byte == b'\n');
    }

    /// Whether the input has ended.
    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.byte(0)?.is_none())
    }

    /// Whether only Ctrl-Z follows from this distance on, to the end of the input.
    pub(crate) fn only_substitutes(&mut self, from: usize) -> io::Result<bool> {
        for at in from..from + READ_BYTES {
            match self.byte(at)? {
                Some(SUBSTITUTE) => {}
                Some(_) => return Ok(false),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// The byte at this distance from the next one; none after the end of the input.
    pub(crate) fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        loop {
            match self.buffer.get(self.start + at) {
                Some(byte) => return Ok(Some(*byte)),
                None if self.ended => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    /// The next bytes, of those that were read ahead.
    pub(crate) fn next_bytes(&self, count: usize) -> &[u8] {
        self.buffer.get(self.start..self.start + count).unwrap_or_default()
    }

    /// Skips to the next line, however far that is. A carriage return and a line feed end one line.
    pub(crate) fn skip_line(&mut self, is_end: impl Fn(u8) -> bool) -> io::Result<()> {
        self.line += 1;
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

    /// Consumes bytes.
    pub(crate) fn consume(&mut self, bytes: usize) {
        let end = self.start + bytes;
        self.hash.update(self.buffer.get(self.start..end).unwrap_or_default());
        self.start = end;
        self.bytes += bytes as u64;
    }

    /// Consumes all bytes that were read ahead.
    pub(crate) fn consume_all(&mut self) {
        self.consume(self.buffer.len() - self.start);
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

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}
