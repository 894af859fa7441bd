//! Reads the time of a consent as people write it.
//!
//! It guesses nothing: the user says which part of 12/02/2018 is the month, and in which time zone a clock
//! showed 17:59. The time zones come with the program, so that the same settings mean the same on every
//! machine.

use crate::columns::notation::{Said, begins_with_year, by_pattern, iso, milliseconds, seconds};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;

/// How the times of an input are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dates {
    /// The time zone of times that have none.
    pub(crate) zone: Option<Zone>,
    /// The format of times that are not ISO 8601.
    pub(crate) format: Option<DateFormat>,
}

/// The time zone of times that have none: an IANA name, such as `Europe/Berlin`, or an offset, such as
/// `+02:00`.
#[derive(Clone, Debug)]
pub struct Zone {
    written: String,
    zone: TimeZone,
}

/// How times are written: `unix`, `unix-ms`, or a format of strftime such as `%d/%m/%Y`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateFormat {
    /// A number of seconds since 1970.
    Seconds,
    /// A number of milliseconds since 1970.
    Milliseconds,
    /// A format of strftime.
    Pattern(String),
}

/// Formats that people use; a sentence proposes the one that fits.
const DATES: [&str; 16] = [
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d-%b-%Y",
    "%a %b %d %Y",
    "%a, %d %b %Y",
];
const TIMES: [&str; 9] = [
    "",
    " %H:%M",
    " %H:%M:%S",
    ", %H:%M",
    ", %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    " %H:%M:%S %z",
    "T%H%M%SZ",
];

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let zone = DateTimeParser::new().parse_time_zone(text.trim()).map_err(|_| {
        "there is no such time zone; write a name such as Europe/Berlin or UTC, or an offset such as +02:00"
    })?;
        Ok(Self { written: text.trim().to_owned(), zone })
    }
}

impl FromStr for DateFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "unix" => Ok(DateFormat::Seconds),
            "unix-ms" => Ok(DateFormat::Milliseconds),
            pattern => {
                // A format fits if it reads what it writes.
                let sample = Date::constant(2003, 11, 28).to_zoned(TimeZone::UTC).ok();
                let is_whole = sample.is_some_and(|sample| {
                    let written = strtime::format(pattern, &sample).ok();
                    match written.and_then(|written| by_pattern(pattern, &written)) {
                        Some(Said::Moment(moment)) => moment == sample.timestamp(),
                        Some(Said::Local(local)) => local.date() == sample.date(),
                        None => false,
                    }
                });
                if is_whole {
                    Ok(DateFormat::Pattern(pattern.to_owned()))
                } else {
                    Err("write unix, unix-ms, or day, month and year as strftime has them, such as %d/%m/%Y"
                        .to_owned())
                }
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds => f.write_str("unix"),
            Self::Milliseconds => f.write_str("unix-ms"),
            Self::Pattern(pattern) => f.write_str(pattern),
        }
    }
}

impl Dates {
    /// The moment that a text means.
    ///
    /// A date alone means its first moment. Of a time that a clock showed twice, at the end of summer time,
    /// the earlier one counts. A time that a clock left out, at its beginning, is moved later by as much as
    /// the clock left out.
    ///
    /// # Errors
    /// Why it cannot be read, and what to do about it.
    pub(crate) fn moment(&self, text: &str) -> Result<Timestamp, String> {
        let text = text.trim();
        match self.said(text)? {
            Said::Moment(moment) => Ok(moment),
            Said::Local(local) => {
                let Some(Zone { zone, .. }) = &self.zone else {
                    return Err(
                        "it has no time zone; say which it is in with --time-zone, such as Europe/Berlin or UTC".to_owned()
                    );
                };
                zone.to_timestamp(local).map_err(|_| "there is no such time".to_owned())
            }
        }
    }

    fn said(&self, text: &str) -> Result<Said, String> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match &self.format {
            Some(DateFormat::Seconds) if is_number => return seconds(text),
            Some(DateFormat::Milliseconds) if is_number => return milliseconds(text),
            Some(DateFormat::Pattern(pattern)) => {
                if let Some(said) = by_pattern(pattern, text) {
                    return Ok(said);
                }
            }
            _ => {}
        }
        // After `%Y-%d-%m`, 2018-02-13 would be of another month than 2018-02-12.
        let may_be_iso =
            !matches!(&self.format, Some(DateFormat::Pattern(pattern)) if begins_with_year(pattern));
        iso(text).filter(|_| may_be_iso).ok_or_else(|| self.unreadable(text, is_number))
    }

    fn unreadable(&self, text: &str, is_number: bool) -> String {
        match &self.format {
            Some(DateFormat::Seconds) => return "it is no number of seconds since 1970".to_owned(),
            Some(DateFormat::Milliseconds) => return "it is no number of milliseconds since 1970".to_owned(),
            Some(DateFormat::Pattern(pattern)) => return format!("it is not written as {pattern}"),
            None => {}
        }
        let patterns = proposals(text);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let is_local =
            patterns.first().is_some_and(|pattern| matches!(by_pattern(pattern, text), Some(Said::Local(_))));
        let zone = if is_local && self.zone.is_none() { ", and its time zone with --time-zone" } else { "" };
        match (patterns.as_slice(), digits) {
            ([one], _) => {
                format!("it is written in a way of its own; say in which with --date-format '{one}'{zone}")
            }
            ([one, other, ..], _) => format!(
                "nothing says which number is the day; say it with --date-format '{one}' or --date-format '{other}'{zone}"
            ),
            ([], 9..12) if is_number => "it is a number; if it counts seconds since 1970, say so with --date-format unix".to_owned(),
            ([], 12..) if is_number => {
                "it is a number; if it counts milliseconds since 1970, say so with --date-format unix-ms".to_owned()
            }
            ([], _) if is_number => {
                "it is a number and no date; have the spreadsheet write it as a date, such as 2025-03-01".to_owned()
            }
            ([], _) => "it is no date; write it as 2025-03-01T12:00:00Z, or say how it is written with --date-format, such as \
                        '%d/%m/%Y'"
                .to_owned(),
        }
    }
}

/// The formats in which a text can be read.
fn proposals(text: &str) -> Vec<String> {
    let all = DATES.iter().flat_map(|date| TIMES.iter().map(move |time| format!("{date}{time}")));
    all.filter(|pattern| by_pattern(pattern, text).is_some()).collect()
}

#[cfg(test)]
mod tests;
