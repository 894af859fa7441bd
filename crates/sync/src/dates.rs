//! The time of a consent, as people write it.
//!
//! Nothing is guessed: which of 12/02/2018 is the month, and where a clock showed 17:59, is said by who has the file.
//! The time zones are those of this program, and not of the machine, so that the same command means the same everywhere.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::fmt::temporal::{DateTimeParser, Pieces};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::fmt;
use std::str::FromStr;

/// How the times of an input are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dates {
    /// The time zone of those that have none.
    pub(crate) zone: Option<Zone>,
    /// What there is beside ISO 8601.
    pub(crate) format: Option<DateFormat>,
}

/// The time zone of times that have none: an IANA name, such as `Europe/Berlin`, or an offset, such as `+02:00`.
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
    /// As for strftime.
    Pattern(String),
}

/// Seconds since 1970 end here, in the year 5138, and milliseconds begin, in 1973: nobody consented then.
const MILLISECONDS_FROM: i64 = 100_000_000_000;
/// What is before this year was not read as it was meant: `%Y` takes `18`.
const FIRST_YEAR: i16 = 1900;
/// Formats that people use, of which one is proposed.
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
                // What is written with it has to come back.
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

/// What a text says.
enum Said {
    Moment(Timestamp),
    /// What a clock showed, nobody says where.
    Local(DateTime),
}

impl Dates {
    /// The moment that a text says.
    ///
    /// A date alone is its first moment. A time that a clock showed twice, when summer time ended, is the earlier one;
    /// one that it left out, when summer time began, is as much later as it left out.
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

/// RFC 3339, and what is written for it: a space for the T, another before the offset, an offset without its colon, no
/// seconds, no time, `UTC`.
fn iso(text: &str) -> Option<Said> {
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

fn by_pattern(pattern: &str, text: &str) -> Option<Said> {
    let read = strtime::parse(pattern, text).ok()?;
    let said = match read.to_zoned() {
        Ok(zoned) => (Said::Moment(zoned.timestamp()), zoned.year()),
        Err(_) => read.to_datetime().ok().map(|local| (Said::Local(local), local.year()))?,
    };
    Some(said).filter(|(_, year)| *year >= FIRST_YEAR).map(|(said, _)| said)
}

/// Whether a format is one of those whose results look like ISO 8601.
fn begins_with_year(pattern: &str) -> bool {
    let flags = |c: char| "-_0^#".contains(c) || c.is_ascii_digit();
    pattern.strip_prefix('%').is_some_and(|rest| rest.trim_start_matches(flags).starts_with(['Y', 'C', 'G']))
}

/// The formats that a text may be written in.
fn proposals(text: &str) -> Vec<String> {
    let all = DATES.iter().flat_map(|date| TIMES.iter().map(move |time| format!("{date}{time}")));
    all.filter(|pattern| by_pattern(pattern, text).is_some()).collect()
}

fn seconds(text: &str) -> Result<Said, String> {
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

fn milliseconds(text: &str) -> Result<Said, String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    impl Dates {
        /// As RFC 3339 writes it.
        fn read(&self, text: &str) -> Result<String, String> {
            self.moment(text).map(|moment| moment.to_string())
        }
    }

    fn dates(zone: &str, format: &str) -> Dates {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Dates {
            zone: given(zone).map(|text| text.parse().unwrap()),
            format: given(format).map(|text| text.parse().unwrap()),
        }
    }

    /// The dates of a case, by the name before the `@`.
    fn cases(name: &str) -> Vec<(String, String)> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-test/cases/files").join(name);
        let mut file = csv::Reader::from_path(path).unwrap();
        let row = |row: csv::StringRecord| (row[0].split_once('@').unwrap().0.to_owned(), row[1].to_owned());
        file.records().map(|record| row(record.unwrap())).collect()
    }

    fn read(dates: &Dates, rows: &[(String, String)]) -> Vec<(String, Option<String>)> {
        rows.iter().map(|(name, text)| (name.clone(), dates.read(text).ok())).collect()
    }

    fn expected(rows: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let right = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        rows.iter().map(|(name, text)| ((*name).to_owned(), right(text))).collect()
    }

    #[test]
    fn the_dates_of_a_file_are_read_as_it_is_said() {
        const T: &str = "2018-02-12T17:59:31Z";
        let rows = cases("consent-dates.csv");
        let plain = [
            ("ana", ""),
            ("ben", ""),
            ("cy", ""),
            ("dee", ""),
            ("eve", ""),
            ("fay", T),
            ("gil", T),
            ("hal", T),
        ];
        assert_eq!(read(&dates("", ""), &rows), expected(&plain));
        let utc = [
            ("ana", T),
            ("ben", ""),
            ("cy", "2018-02-12T00:00:00Z"),
            ("dee", T),
            ("eve", ""),
            ("fay", T),
            ("gil", T),
            ("hal", T),
        ];
        assert_eq!(read(&dates("UTC", ""), &rows), expected(&utc));
        let berlin = [
            ("ana", "2018-02-12T16:59:31Z"),
            ("ben", "2018-02-11T23:00:00Z"),
            ("cy", "2018-02-11T23:00:00Z"),
            ("dee", "2018-02-12T16:59:31Z"),
            ("eve", ""),
            ("fay", T),
            ("gil", T),
            ("hal", T),
        ];
        assert_eq!(read(&dates("europe/berlin", "%d/%m/%Y"), &rows), expected(&berlin));
        let month_first = dates("+02:00", "%m/%d/%Y").read(&rows[1].1);
        assert_eq!(month_first.as_deref(), Ok("2018-12-01T22:00:00Z"));
        let unix = [
            ("ana", ""),
            ("ben", ""),
            ("cy", ""),
            ("dee", ""),
            ("eve", T),
            ("fay", T),
            ("gil", T),
            ("hal", T),
        ];
        assert_eq!(read(&dates("", "unix"), &rows), expected(&unix));
    }

    #[test]
    fn dates_of_products_are_read() {
        let rows = cases("consent-dates-products.csv");
        let right = [
            ("shopify", "2024-05-03T14:15:16Z"),
            ("python", "2024-05-03T14:15:16.123456Z"),
            ("postgres", "2024-05-03T14:15:16.5Z"),
            ("ruby", "2024-05-03T14:15:16Z"),
            ("hubspot", "2024-05-03T12:15:00Z"),
            ("java", "2024-05-03T12:15:16Z"),
            ("comma", "2024-05-03T12:15:16.5Z"),
            ("small", "2024-05-03T14:15:16Z"),
        ];
        assert_eq!(read(&dates("Europe/Berlin", ""), &rows), expected(&right));
        let rows = cases("consent-dates-american.csv");
        let right =
            [("ana", "2024-05-03T18:05:00Z"), ("ben", "2024-12-13T05:05:00Z"), ("cy", ""), ("dee", "")];
        assert_eq!(read(&dates("America/New_York", "%m/%d/%Y %I:%M %p"), &rows), expected(&right));
    }

    #[test]
    fn a_clock_that_was_put_forward_or_back_is_one_moment() {
        let berlin = dates("Europe/Berlin", "");
        for (local, moment) in [
            ("2024-03-31 01:59:59", "2024-03-31T00:59:59Z"),
            // Left out, and an hour later.
            ("2024-03-31 02:30", "2024-03-31T01:30:00Z"),
            ("2024-03-31 03:00", "2024-03-31T01:00:00Z"),
            // Shown twice: the earlier one.
            ("2024-10-27 02:30", "2024-10-27T00:30:00Z"),
            ("2024-10-27 03:00", "2024-10-27T02:00:00Z"),
        ] {
            assert_eq!(berlin.read(local).as_deref(), Ok(moment), "{local}");
        }
        // A midnight that was left out.
        assert_eq!(dates("America/Sao_Paulo", "").read("2017-10-15").as_deref(), Ok("2017-10-15T03:00:00Z"));
    }

    #[test]
    fn numbers_count_what_they_are_said_to() {
        assert_eq!(dates("", "unix").read("1518458371.25").as_deref(), Ok("2018-02-12T17:59:31.25Z"));
        assert_eq!(dates("", "unix").read("1518458371.0").as_deref(), Ok("2018-02-12T17:59:31Z"));
        assert_eq!(dates("", "unix-ms").read("1518458371250").as_deref(), Ok("2018-02-12T17:59:31.25Z"));
        for (format, text) in [
            ("unix", "1518458371250"),
            ("unix-ms", "1518458371"),
            ("unix", "99999999999999999999"),
            ("unix", "1.2.3"),
            ("unix", "."),
            ("unix", "-1"),
            ("unix", ""),
            ("unix-ms", "x"),
        ] {
            assert!(dates("UTC", format).read(text).is_err(), "{format} {text}");
        }
    }

    #[test]
    fn a_format_is_not_mixed_with_what_looks_like_it() {
        let odd = dates("UTC", "%Y-%d-%m");
        assert_eq!(odd.read("2018-02-12").as_deref(), Ok("2018-12-02T00:00:00Z"));
        assert!(odd.read("2018-02-13").is_err());
        assert!(dates("UTC", "%d/%m/%Y").read("12/02/18").is_err());
        assert_eq!(dates("UTC", "%d/%m/%y").read("12/02/18").as_deref(), Ok("2018-02-12T00:00:00Z"));
        let with_zone = dates("Europe/Berlin", "%d/%m/%Y %H:%M %z");
        assert_eq!(with_zone.read("12/02/2018 17:59 -0500").as_deref(), Ok("2018-02-12T22:59:00Z"));
    }

    #[test]
    fn what_cannot_be_read_says_what_to_type() {
        for (zone, format, text, advice) in [
            ("", "", "2018-02-12", "--time-zone"),
            ("", "%d/%m/%Y", "12/02/2018", "--time-zone"),
            ("UTC", "", "12/02/2018", "--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'"),
            ("UTC", "", "13/02/2018", "--date-format '%d/%m/%Y'"),
            ("UTC", "", "02/13/2018 5:59 PM", "--date-format '%m/%d/%Y %I:%M %p'"),
            ("UTC", "", "12.02.2018 17:59", "--date-format '%d.%m.%Y %H:%M'"),
            ("UTC", "", "12 Feb 2018", "--date-format '%d %b %Y'"),
            ("UTC", "", "20180212", "--date-format '%Y%m%d'"),
            ("UTC", "", "1518458371", "--date-format unix"),
            ("UTC", "", "1518458371000", "--date-format unix-ms"),
            ("UTC", "", "yes", "--date-format"),
        ] {
            let told = dates(zone, format).read(text).unwrap_err();
            assert!(told.contains(advice), "{text}: {told}");
        }
        for (zone, format, text) in [
            ("UTC", "", "43143"),
            ("UTC", "%d/%m/%Y", "13-02-2018"),
            ("UTC", "%d/%m/%Y", "1518458371"),
            ("", "unix", "1518458371000"),
            ("", "unix-ms", "1518458371"),
            ("UTC", "unix", "12/02/2018"),
            ("UTC", "", "2018-02-30"),
        ] {
            let told = dates(zone, format).read(text).unwrap_err();
            for (name, given) in [("--time-zone", zone), ("--date-format", format)] {
                assert!(given.is_empty() || !told.contains(name), "{text}: {told}");
            }
        }
        // All that is missing is told at once.
        let both = dates("", "").read("12/02/2018").unwrap_err();
        assert!(both.contains("--date-format") && both.contains("--time-zone"), "{both}");
        let one = dates("", "").read("Mon, 12 Feb 2018 17:59:31 +0000").unwrap_err();
        assert!(
            one.contains("--date-format '%a, %d %b %Y %H:%M:%S %z'") && !one.contains("--time-zone"),
            "{one}"
        );
    }

    #[test]
    fn only_zones_and_formats_that_there_are_are_taken() {
        for text in ["Europe/Berlin", "utc", "+02:00", "-0530", "America/Argentina/Buenos_Aires", " UTC "] {
            assert!(text.parse::<Zone>().is_ok(), "{text}");
        }
        for text in ["", "Berlin", "Mars/Olympus", "+26:00", "local"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
        for text in ["unix", "unix-ms", "%d/%m/%Y", "%D", "%s", "%A, %d %B %Y %I:%M %p", "%Y%j", "%y-%m-%d"] {
            assert!(text.parse::<DateFormat>().is_ok(), "{text}");
        }
        for text in ["", "DD/MM/YYYY", "%d/%m", "%m/%Y", "%H:%M", "%d/%m/%Q", "%d/%m/%Y %Z", "%"] {
            assert!(text.parse::<DateFormat>().is_err(), "{text}");
        }
    }
}
