//! Reads a time in one notation: ISO 8601, a format of strftime, or a number since 1970.

use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::{Timestamp, Zoned};

/// Numbers of seconds end here, in the year 5138, and numbers of milliseconds begin, in 1973. Nobody
/// consented that early or late.
const MILLISECONDS_FROM: i64 = 100_000_000_000;
/// Earlier years were not meant: `%Y` reads `18` as the year 18.
const FIRST_YEAR: i16 = 1900;

/// The meaning of a text.
pub(crate) enum Said {
    Moment(Timestamp),
    /// The time that a clock showed, in an unknown time zone.
    Local(DateTime),
}

/// RFC 3339 and its usual variations: a space for the T, a space before the offset, an offset without a
/// colon, no seconds, no time, `UTC`.
pub(crate) fn iso(text: &str) -> Option<Said> {
    let is_long =
        text.as_bytes().get(4) == Some(&b'-') && text.bytes().take(4).all(|byte| byte.is_ascii_digit());
    if !is_long {
        return None;
    }
    let text = match text.rsplit_once(' ') {
        Some((before, offset)) if offset.starts_with(['+', '-']) => format!("{before}{offset}"),
        Some((before, "UTC" | "GMT" | "Z" | "utc" | "gmt" | "z")) => format!("{before}Z"),
        _ => text.to_owned(),
    };
    let pieces = Pieces::parse(&text).ok()?;
    if pieces.time_zone_annotation().is_some() {
        return text.parse::<Zoned>().ok().map(|zoned| Said::Moment(zoned.timestamp()));
    }
    let local = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    match pieces.to_numeric_offset() {
        Some(offset) => offset.to_timestamp(local).ok().map(Said::Moment),
        None => Some(Said::Local(local)),
    }
}

/// Reads a time in a format of strftime.
pub(crate) fn by_pattern(pattern: &str, text: &str) -> Option<Said> {
    let read = strtime::parse(pattern, text).ok()?;
    let said = match read.to_zoned() {
        Ok(zoned) => (Said::Moment(zoned.timestamp()), zoned.year()),
        Err(_) => read.to_datetime().ok().map(|local| (Said::Local(local), local.year()))?,
    };
    Some(said).filter(|(_, year)| *year >= FIRST_YEAR).map(|(said, _)| said)
}

/// Whether times in this format look like ISO 8601.
pub(crate) fn begins_with_year(pattern: &str) -> bool {
    let flags = |c: char| "-_0^#".contains(c) || c.is_ascii_digit();
    pattern.strip_prefix('%').is_some_and(|rest| rest.trim_start_matches(flags).starts_with(['Y', 'C', 'G']))
}

/// Reads a number of seconds since 1970.
pub(crate) fn seconds(text: &str) -> Result<Said, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = format!("{fraction:0<9}").get(..9).and_then(|digits| digits.parse().ok());
    let moment = match (whole.parse::<i64>(), nanoseconds) {
        (Ok(seconds), Some(_)) if seconds >= MILLISECONDS_FROM => {
            return Err(
                "so many seconds after 1970 is too far away; are they milliseconds (unix-ms)?".to_owned()
            );
        }
        (Ok(seconds), Some(nanoseconds)) => Timestamp::new(seconds, nanoseconds).ok(),
        _ => None,
    };
    moment.map(Said::Moment).ok_or_else(|| "it is no number of seconds since 1970".to_owned())
}

/// Reads a number of milliseconds since 1970.
pub(crate) fn milliseconds(text: &str) -> Result<Said, String> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let moment = match whole.parse() {
        Ok(milliseconds) if milliseconds < MILLISECONDS_FROM => {
            return Err(
                "so many milliseconds after 1970 is too long ago; are they seconds (unix)?".to_owned()
            );
        }
        Ok(milliseconds) => Timestamp::from_millisecond(milliseconds).ok(),
        Err(_) => None,
    };
    moment.map(Said::Moment).ok_or_else(|| "it is no number of milliseconds since 1970".to_owned())
}
