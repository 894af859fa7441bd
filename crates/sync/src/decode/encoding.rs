//! Finds the encoding of an input, and turns its text into UTF-8.

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::io::{self, Read};

/// How many bytes are decoded at once, and how many bytes of text that gives at most.
const BYTES: usize = 16 << 10;
const TEXT: usize = 3 * BYTES;
/// Replaces bytes that have no meaning in the encoding. It is not UTF-8, so the row that has it is refused.
const MALFORMED: u8 = 0xff;

/// Reads a label of the WHATWG's Encoding Standard, such as `windows-1252`.
///
/// # Errors
/// No encoding has this name.
pub fn encoding(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(label.trim().as_bytes()).ok_or_else(|| {
        "there is no such encoding; write one such as windows-1252, utf-16le or shift_jis".to_owned()
    })
}

/// The encoding of an input by its first bytes: the byte order mark counts first, then the setting, then a
/// guess. The flag tells that it was guessed.
pub(crate) fn of(head: &[u8], said: Option<&'static Encoding>) -> (&'static Encoding, bool) {
    let by_mark = Encoding::for_bom(head).map(|(encoding, _)| encoding);
    match by_mark.or(said) {
        Some(encoding) => (encoding, false),
        None => (utf_16(head).unwrap_or(UTF_8), true),
    }
}

/// UTF-16 without a mark: text in one of the two byte orders that is mostly ASCII, or has some ASCII and line
/// ends.
fn utf_16(head: &[u8]) -> Option<&'static Encoding> {
    if !head.contains(&0) {
        return None;
    }
    let is_text = |of: fn([u8; 2]) -> u16| {
        let units = || head.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(of);
        let is_odd = |character: char| character.is_control() && !"\t\r\n\u{1a}".contains(character);
        let mut characters = char::decode_utf16(units()).filter_map(Result::ok);
        let is_line_end = |unit: u16| unit == u16::from(b'\n') || unit == u16::from(b'\r');
        let (all, ascii) = (units().count(), units().filter(|unit| *unit < 0x80).count());
        !characters.any(is_odd) && (2 * ascii > all || (8 * ascii >= all && units().any(is_line_end)))
    };
    if is_text(u16::from_le_bytes) {
        Some(UTF_16LE)
    } else if is_text(u16::from_be_bytes) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Reads bytes of another encoding as UTF-8.
pub(crate) struct Decoded<R> {
    source: R,
    decoder: encoding_rs::Decoder,
    bytes: Vec<u8>,
    ended: bool,
    text: Vec<u8>,
    /// How many bytes of the text were read.
    at: usize,
    complete: bool,
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Self { source, decoder, bytes: Vec::new(), ended: false, text: Vec::new(), at: 0, complete: false }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.bytes.is_empty() && !self.ended {
            let mut bytes = vec![0; BYTES];
            let read = self.source.read(&mut bytes)?;
            bytes.truncate(read);
            self.bytes = bytes;
            self.ended = read == 0;
        }
        self.at = 0;
        self.text.clear();
        self.text.resize(TEXT, 0);
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(&self.bytes, &mut self.text, self.ended);
        self.bytes.drain(..read);
        self.text.truncate(written);
        match result {
            DecoderResult::Malformed(..) => self.text.push(MALFORMED),
            DecoderResult::InputEmpty => self.complete = self.ended,
            DecoderResult::OutputFull => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.get(self.at..).unwrap_or_default().read(buffer)?;
            self.at += read;
            if read > 0 || self.complete || buffer.is_empty() {
                return Ok(read);
            }
            self.decode()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{SHIFT_JIS, WINDOWS_1252};

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn little(text: &str) -> Vec<u8> {
        units(text).into_iter().flat_map(u16::to_le_bytes).collect()
    }

    fn big(text: &str) -> Vec<u8> {
        units(text).into_iter().flat_map(u16::to_be_bytes).collect()
    }

    /// A byte at a time, as a pipe may give them.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    fn decoded(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
        let all = |source: &mut dyn Read| {
            let mut text = Vec::new();
            Decoded::new(source, encoding).read_to_end(&mut text).unwrap();
            text
        };
        let text = all(&mut { bytes });
        assert_eq!(text, all(&mut Slow(bytes)));
        text
    }

    fn encoding_of(head: &[u8], said: Option<&'static Encoding>) -> &'static Encoding {
        of(head, said).0
    }

    #[test]
    fn an_encoding_is_known_by_its_mark_as_it_is_said_or_as_it_looks() {
        assert_eq!(encoding_of(b"email,name\n", None), UTF_8);
        assert_eq!(encoding_of(b"\xef\xbb\xbfemail\n", Some(WINDOWS_1252)), UTF_8);
        assert_eq!(encoding_of(b"email,name\n", Some(WINDOWS_1252)), WINDOWS_1252);
        assert_eq!(encoding_of(b"", None), UTF_8);
        for text in [
            "email,Имя\r\n",
            "Имя,Почта\n",
            "氏名;メール\r\n",
            "[{",
            "{\"email\": 1}",
            "a",
            "email\nx@example.com\u{1a}",
        ] {
            let text = text.to_owned();
            assert_eq!(encoding_of(&little(&text), None), UTF_16LE, "{text:?}");
            assert_eq!(encoding_of(&big(&text), None), UTF_16BE, "{text:?}");
            assert_eq!(encoding_of(&little(&format!("\u{feff}{text}")), None), UTF_16LE, "{text:?}");
            assert_eq!(encoding_of(&big(&format!("\u{feff}{text}")), None), UTF_16BE, "{text:?}");
            assert_eq!(encoding_of(text.as_bytes(), None), UTF_8, "{text:?}");
        }
        // A byte 0 alone makes no UTF-16.
        for text in [
            b"email,na\0me\nana@example.com\n".as_slice(),
            b"\0email\n",
            b"email\nana@example.com\0\n",
            b"email\nana1@example.com\0\n",
            b"\0\0\0\0",
        ] {
            assert_eq!(encoding_of(text, None), UTF_8, "{text:?}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_no_text() {
        assert_eq!(decoded(b"Z\xfcrich \x80", WINDOWS_1252), "Zürich €".as_bytes());
        assert_eq!(decoded(b"\x83\x81\x81[\x83\x8b", SHIFT_JIS), "メール".as_bytes());
        assert_eq!(decoded(&little("Öz \u{1f600}\u{fffd}"), UTF_16LE), "Öz \u{1f600}\u{fffd}".as_bytes());
        assert_eq!(decoded(&big("\u{feff}Öz"), UTF_16BE), "\u{feff}Öz".as_bytes());
        // In the middle of a unit, of a pair; one of a pair alone; a byte that begins nothing.
        assert_eq!(decoded(b"a\0b", UTF_16LE), b"a\xff");
        assert_eq!(decoded(b"a\0\x3d\xd8", UTF_16LE), b"a\xff");
        assert_eq!(decoded(b"a\0\x3d\xd8b\0", UTF_16LE), b"a\xffb");
        assert_eq!(decoded(b"a\0\x00\xdeb\0", UTF_16LE), b"a\xffb");
        assert_eq!(decoded(b"a\xffb", SHIFT_JIS), b"a\xffb");
        let long = "é,".repeat(20_000);
        assert_eq!(decoded(&little(&long), UTF_16LE), long.as_bytes());
    }

    #[test]
    fn only_encodings_that_there_are_are_taken() {
        for label in ["windows-1252", "latin1", "UTF-8", " utf-16le ", "Shift_JIS", "cp1251", "gb18030"] {
            assert!(encoding(label).is_ok(), "{label}");
        }
        for label in ["", "ascii85", "utf-32", "cp437", "replacement", "iso-2022-kr"] {
            assert!(encoding(label).is_err(), "{label}");
        }
    }
}
