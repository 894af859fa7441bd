//! Tells from the first bytes of an input whether it is text at all, whether its JSON is spread over lines,
//! and what separates its columns.

use crate::decode::form::separator;
use encoding_rs::{Encoding, UTF_8};
use std::io::{self, Read};

/// How many bytes are enough to tell.
const HEAD_BYTES: usize = 64 << 10;
/// How a document begins that begins like JSON.
const RTF: &[u8] = b"{\\rtf";
/// The separators of CSV, the likeliest first.
const SEPARATORS: [u8; 4] = *b",;\t|";

/// Reads the first line of an input, or less of JSON: its first bytes are enough.
pub(crate) fn head(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = vec![0; HEAD_BYTES];
    loop {
        let is_json = |head: &[u8]| {
            let letters = head
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace() && !b"\0\xef\xbb\xbf\xff\xfe".contains(byte));
            let begins: Vec<u8> = letters.take(RTF.len()).copied().collect();
            let may_be_rtf = begins.len() < RTF.len() && RTF.starts_with(&begins);
            begins.first().is_some_and(|byte| b"{[".contains(byte)) && !may_be_rtf
        };
        let line = head.iter().skip(1).position(|byte| b"\r\n".contains(byte));
        // In UTF-16 it may be half of a character. Whoever writes text may wait for an answer to its first line.
        let is_line = line.is_some_and(|end| end + 2 < head.len() || is_plain(&head));
        if head.len() >= HEAD_BYTES || (head.len() >= 4 && (is_line || is_json(&head))) {
            return Ok(head);
        }
        match source.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok(head),
            Ok(read) => head.extend_from_slice(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// Whether this may be the beginning of UTF-8.
fn is_plain(head: &[u8]) -> bool {
    is_utf_8(head) && !head.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

/// The first byte that is not white space, or none. No answer if more has to be read first.
pub(crate) fn first_byte(beginning: &[u8], is_all: bool) -> Option<Option<u8>> {
    let first = beginning.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    first.map(Some).or_else(|| is_all.then_some(None))
}

/// Whether JSON has an object over several lines outside an array. No answer if more has to be read first.
pub(crate) fn is_spread(beginning: &[u8], is_all: bool) -> Option<bool> {
    let rest = beginning.trim_ascii_start();
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let begins =
        line.first().is_none_or(|byte| *byte == b'{') && line.iter().skip(1).all(u8::is_ascii_whitespace);
    let is_known = is_all || !begins || line.len() < rest.len();
    is_known.then_some(begins && line.len() < rest.len())
}

/// What the input is if it is not text, and what to do about it.
pub(crate) fn foreign(head: &[u8], encoding: &'static Encoding) -> Option<&'static str> {
    const COMPRESSED: &str = "it is compressed; unpack it, and sync the file that was in it";
    const TYPES: [(&[u8], &str); 15] = [
        (b"\xd0\xcf\x11\xe0", "it is a spreadsheet (xls) and no text; open it, and save it as CSV UTF-8"),
        (b"%PDF", "it is a PDF; export the contacts as CSV where they come from"),
        (RTF, "it is a document (RTF); save it as plain text"),
        (b"\x1f\x8b", COMPRESSED),
        (b"BZh", COMPRESSED),
        (b"\xfd7zXZ", COMPRESSED),
        (b"7z\xbc\xaf", COMPRESSED),
        (b"\x28\xb5\x2f\xfd", COMPRESSED),
        (b"Rar!", COMPRESSED),
        (b"PK\x05\x06", "it is a ZIP archive, and empty"),
        (b"\xff\xfe\0\0", "it is in UTF-32; save it as UTF-8"),
        (b"\0\0\xfe\xff", "it is in UTF-32; save it as UTF-8"),
        (b"SQLite format 3", "it is a database (SQLite); export the contacts from it as CSV"),
        (b"PAR1", "it is a Parquet file; export the contacts from it as CSV"),
        (b"BEGIN:VCARD", "it has contacts as vCards; export them as CSV"),
    ];
    if head.starts_with(b"PK\x03\x04") {
        return Some(if is_spreadsheet(head) {
            "it is a spreadsheet (xlsx or ods) and no text; open it, and save it as CSV UTF-8"
        } else {
            "it is a ZIP archive; unpack it, and sync the file that was in it"
        });
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let known =
        TYPES.iter().find(|(beginning, _)| head.starts_with(beginning) || text.starts_with(beginning));
    if let Some((_, what)) = known {
        return Some(what);
    }
    let is_markup = matches!(text, [b'<', next, ..] if next.is_ascii_alphabetic() || b"!?".contains(next));
    if is_markup {
        let xml = text.starts_with(b"<?xml") && !contains(text, b"<html");
        return Some(if xml {
            "it is XML; export the contacts as CSV where they come from"
        } else {
            "it is a web page (HTML), such as one that asks to sign in; download the file itself, or save a table as CSV"
        });
    }
    let line = head.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\x1a".contains(byte);
    let is_odd = line.contains(&0) || (head.contains(&0) && (line.iter().any(is_control) || !is_utf_8(line)));
    (encoding == UTF_8 && is_odd).then_some("it is no text; export the contacts as CSV where they come from")
}

/// Whether a ZIP archive begins like a spreadsheet.
fn is_spreadsheet(head: &[u8]) -> bool {
    [b"xl/".as_slice(), b"[Content_Types].xml", b"opendocument.spreadsheet"]
        .iter()
        .any(|name| contains(head, name))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Whether a line is UTF-8. It may be cut off in the middle of a character.
fn is_utf_8(line: &[u8]) -> bool {
    std::str::from_utf8(line).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// The separator that Excel's first line `sep=;` names; none if there is no such line. No answer if more has
/// to be read first.
pub(crate) fn declared(beginning: &[u8], is_all: bool) -> Option<Option<u8>> {
    const NAME: &[u8] = b"sep=";
    let line = beginning.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let is_whole = is_all || line.len() < beginning.len();
    let unquoted = line.strip_prefix(b"\"").unwrap_or(line);
    let begins = unquoted.iter().zip(NAME).all(|(byte, letter)| byte.eq_ignore_ascii_case(letter));
    if !begins {
        return Some(None);
    }
    let Some(rest) = unquoted.get(NAME.len()..).filter(|_| is_whole) else { return is_whole.then_some(None) };
    let rest = if unquoted.len() < line.len() { rest.strip_suffix(b"\"").unwrap_or(rest) } else { rest };
    let named = match rest {
        b"\\t" => Some(b'\t'),
        // A program that does not know this line may have filled it up as a row.
        [byte, others @ ..] if others.iter().all(|other| other == byte || *other == b',') => {
            std::str::from_utf8(std::slice::from_ref(byte)).ok().and_then(|text| separator(text).ok())
        }
        _ => None,
    };
    Some(named)
}

/// The separator that stands in the header most, outside quotation marks. No answer if more has to be read
/// first.
pub(crate) fn separator_of(beginning: &[u8], is_all: bool) -> Option<u8> {
    let mut counts = SEPARATORS.map(|separator| (separator, 0_usize));
    let (mut is_quoted, mut may_open, mut is_empty, mut is_whole) = (false, true, true, is_all);
    for byte in beginning {
        match byte {
            // The second of two marks opens the value again.
            b'"' if is_quoted || may_open => (is_quoted, may_open, is_empty) = (!is_quoted, true, false),
            _ if is_quoted => {}
            b'\r' | b'\n' if is_empty => {}
            b'\r' | b'\n' => {
                is_whole = true;
                break;
            }
            byte => {
                is_empty = false;
                may_open = SEPARATORS.contains(byte);
                counts
                    .iter_mut()
                    .filter(|(separator, _)| separator == byte)
                    .for_each(|(_, count)| *count += 1);
            }
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count).map(|(separator, _)| *separator);
    most.filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_its_separator() {
        for (header, byte) in [
            ("email,name\n", b','),
            ("email;name\nx,y", b';'),
            ("email\tname, first\tplan\n", b'\t'),
            ("email|name\r\n", b'|'),
            ("\"email;x\",\"a;b;c\"\n", b','),
            ("\"a,\"\"b,c\";email;x\n", b';'),
            ("\"two\nlines, with, commas\";email;x\n", b';'),
            ("\r\n\nemail;name\n", b';'),
            ("email\n", b','),
            ("email;name,x\n", b','),
            ("5\" pipe;email;a\"b,c\n", b';'),
            ("", b','),
        ] {
            assert_eq!(separator_of(header.as_bytes(), true), Some(byte), "{header:?}");
            let is_whole = header.trim_start().ends_with('\n') || header.contains("\nx,y");
            assert_eq!(separator_of(header.as_bytes(), false).is_some(), is_whole, "{header:?}");
        }
    }

    #[test]
    fn a_document_that_begins_like_json_is_known_however_it_arrives() {
        let mut whole: &[u8] = b"{\\rtf1 a@example.com}";
        for beginning in ["{\\rtf", "\u{feff}{\\rtf", "{\"a\":"] {
            let head = head(&mut Bytes(beginning.as_bytes())).unwrap();
            assert_eq!(foreign(&head, UTF_8).is_some(), beginning.contains("rtf"), "{beginning}");
        }
        assert!(foreign(&head(&mut whole).unwrap(), UTF_8).is_some());
    }

    /// A pipe that gives a byte at a time, and must not be read further than to the end.
    struct Bytes<'a>(&'a [u8]);

    impl Read for Bytes<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "it is read further than necessary");
            self.0.read(buffer.get_mut(..1).unwrap_or_default())
        }
    }

    #[test]
    fn a_head_ends_with_a_whole_character() {
        let utf_16: Vec<u8> = "Почта\r".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(head(&mut Bytes(&utf_16)).unwrap(), utf_16);
        let utf_16: Vec<u8> = "Почта\r".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(head(&mut Bytes(&[&utf_16[..], b"\0"].concat())).unwrap().len(), utf_16.len() + 1);
        for text in ["email\n", "Почта\r", "{\"email"] {
            let head = head(&mut Bytes(text.as_bytes())).unwrap();
            assert!(text.as_bytes().starts_with(&head) && head.len() >= 4, "{head:?}");
        }
    }

    #[test]
    fn a_line_of_its_own_may_tell_the_separator() {
        for (text, byte) in [
            ("sep=;\r\nEmail;Name", Some(b';')),
            ("SEP=\t\nx", Some(b'\t')),
            ("sep=\\t\nx", Some(b'\t')),
            ("\"sep=|\"\n", Some(b'|')),
            ("sep=;;;\n", Some(b';')),
            ("sep=,,,\n", Some(b',')),
            ("sep=;,,\n", Some(b';')),
            ("sep=\n", None),
            ("sep\n", None),
            ("sep=ab\n", None),
            ("separator,email\n", None),
            ("email\n", None),
            ("", None),
        ] {
            assert_eq!(declared(text.as_bytes(), true), Some(byte), "{text:?}");
        }
        for text in ["", "s", "sep", "sep=", "sep=;", "\"sep"] {
            assert_eq!(declared(text.as_bytes(), false), None, "{text:?}");
        }
        assert_eq!(declared(b"email", false), Some(None));
    }

    #[test]
    fn an_object_over_several_lines_is_seen() {
        for (text, is_all, spread) in [
            ("{\n  \"email\": 1\n}\n", false, Some(true)),
            ("\n {  \r\n\"email\"", false, Some(true)),
            ("{\"email\": 1}\n", false, Some(false)),
            ("{\"", false, Some(false)),
            ("[\n", false, Some(false)),
            ("{ ", false, None),
            ("", false, None),
            ("{", true, Some(false)),
            ("", true, Some(false)),
        ] {
            assert_eq!(is_spread(text.as_bytes(), is_all), spread, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_told() {
        let xlsx = [b"PK\x03\x04\x14\0\x06\0".as_slice(), &[0; 22], b"[Content_Types].xml"].concat();
        for (head, word) in [
            (xlsx.as_slice(), "xlsx"),
            (b"PK\x03\x04\x14\0\0\0\x08\0contacts.csv", "ZIP"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "xls"),
            (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
            (b"\x1f\x8b\x08\0", "compressed"),
            (b"\n <!DOCTYPE html><html>", "HTML"),
            (b"\xef\xbb\xbf<html>", "HTML"),
            (b"<?xml version=\"1.0\"?><Workbook>", "XML"),
            (b"BEGIN:VCARD\r\nVERSION:3.0", "vCard"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text"),
            (b"\x7fELF\x02\x01\x01\0\0", "no text"),
            (b"\0\0\0\0", "no text"),
        ] {
            assert!(foreign(head, UTF_8).unwrap().contains(word), "{head:?}");
        }
        for head in [
            "email,name\n",
            "<3,email\n",
            "PK,email\n",
            "",
            "Имя,email\n",
            "{\"email\": 1}",
            "email\nana@example.com\0\n",
        ] {
            assert_eq!(foreign(head.as_bytes(), UTF_8), None, "{head:?}");
        }
        assert_eq!(foreign(b"e\0m\0", encoding_rs::UTF_16LE), None);
        assert_eq!(foreign("Имя".as_bytes().split_last().unwrap().1, UTF_8), None);
    }
}
