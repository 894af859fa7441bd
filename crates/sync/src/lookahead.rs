//! The bytes of an input, looked at before they are taken: which line that is, and what has been taken so far.

use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// How much is read at once.
pub(crate) const READ_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Ctrl-Z: how files of CP/M and DOS end, and some still do.
pub(crate) const SUBSTITUTE: u8 = 0x1a;

/// How much has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) bytes: u64,
    /// The SHA-256 of these bytes.
    pub(crate) digest: [u8; 32],
}

/// Bytes that are looked at before they are taken.
pub(crate) struct Lookahead<R> {
    source: R,
    chunk: Box<[u8]>,
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    start: usize,
    ended: bool,
    begun: bool,
    /// The line that comes next, from 1.
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

    /// How much was read so far.
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

    /// So many of the next bytes, which were looked at.
    pub(crate) fn next_bytes(&self, count: usize) -> &[u8] {
        self.buffer.get(self.start..self.start + count).unwrap_or_default()
    }

    /// Goes on after the end of the line, however far that is: after the first of these bytes, or a carriage return and a line feed.
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

    /// Takes so many bytes.
    pub(crate) fn consume(&mut self, bytes: usize) {
        let end = self.start + bytes;
        self.hash.update(self.buffer.get(self.start..end).unwrap_or_default());
        self.start = end;
        self.bytes += bytes as u64;
    }

    /// Takes all that was read.
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
