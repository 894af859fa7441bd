//! Paths of requests, segment by segment. `klaviyo-wasi-http`, which has no `std`, compiles this file too.

use alloc::vec::Vec;

/// The segments of a path below `/api`, if every server reads the same ones. A slash at the end does not count.
///
/// What could be read in two ways is refused: servers and what stands before them differ in when they decode, whether
/// they join empty segments, and what they cut off behind a semicolon.
pub(super) fn segments(path: &str) -> Result<Vec<&str>, &'static str> {
    let rest = path.strip_prefix('/').ok_or("it does not begin with a slash")?;
    let segments: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
    if segments.first() != Some(&"api") {
        return Err("it is not below /api");
    }
    for segment in &segments {
        if segment.is_empty() {
            return Err("it has an empty segment");
        }
        if matches!(*segment, "." | "..") {
            return Err("it has a segment of dots");
        }
        if !is_unambiguous(segment) {
            return Err("it has a character that could be read in two ways");
        }
    }
    Ok(segments)
}

/// Whether a segment has only characters that stand for themselves, and encoded UTF-8 that does not separate, name a
/// parent, or encode another time.
fn is_unambiguous(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            let Some(byte) = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            else {
                return false;
            };
            if byte.is_ascii_control() || b"/\\.%;?#".contains(&byte) {
                return false;
            }
            decoded.push(byte);
        } else if byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,=".contains(&byte) {
            decoded.push(byte);
        } else {
            return false;
        }
    }
    // Decoders that are not strict take a longer form of a dot or a slash for one.
    core::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Paths, cases};
    use super::*;

    #[test]
    fn a_path_that_can_be_read_in_two_ways_is_none() {
        let Paths { permitted, refused } = cases().every_function;
        assert!(permitted.len() > 5 && refused.len() > 30);
        for path in permitted {
            assert!(segments(&path).is_ok(), "{path:?}");
        }
        for path in refused {
            assert!(segments(&path).is_err(), "{path:?}");
        }
    }
}
