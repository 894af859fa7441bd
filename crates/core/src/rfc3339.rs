//! Timestamps of RFC 3339. There is no clock here: they are only compared.

use alloc::{format, string::String};

/// A point in time: seconds since 1970, and the digits of its fraction of a second.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp<'a> {
    seconds: i64,
    /// Without trailing zeros, so that the order of the texts is that of the fractions.
    fraction: &'a str,
}

impl Timestamp<'_> {
    /// Whole seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// The digits of the fraction of a second, without trailing zeros.
    pub(crate) fn fraction(&self) -> &str {
        self.fraction
    }
}

/// Reads `2025-03-01T12:00:00Z`, with or without a fraction, `Z` or an offset from UTC.
pub(crate) fn parse(text: &str) -> Option<Timestamp<'_>> {
    let mut rest = text;
    let mut number = |digits: usize, after: &[char]| {
        let (number, others) = rest.split_at_checked(digits)?;
        rest = if after.is_empty() { others } else { others.strip_prefix(after)? };
        if number.bytes().all(|b| b.is_ascii_digit()) { number.parse::<i64>().ok() } else { None }
    };
    let (year, month, day) = (number(4, &['-'])?, number(2, &['-'])?, number(2, &['T'])?);
    let (hour, minute, second) = (number(2, &[':'])?, number(2, &[':'])?, number(2, &[])?);
    let mut fraction = "";
    if let Some(others) = rest.strip_prefix('.') {
        let end = others.find(|c: char| !c.is_ascii_digit())?;
        (fraction, rest) = others.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())?;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // Stricter than RFC 3339: not every reader takes the rest, such as leap seconds.
    if year < 1 || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let time = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset(rest)?;
    Some(Timestamp { seconds: time * 60 + second, fraction: fraction.trim_end_matches('0') })
}

/// Whether it is a date such as `1990-12-31`.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && parse(&format!("{text}T00:00:00Z")).is_some()
}

/// The minutes of `Z`, `+05:30`.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most| {
        let two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| two && *number <= most)
    };
    Some(sign * (number(hours, 23)? * 60 + number(minutes, 59)?))
}

/// In the Gregorian calendar. Years start in March, so that a leap day is the last day of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // The months from March on: 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31 days.
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469
}

/// Writes a time, in milliseconds since 1970, as `2025-03-01T12:00:00Z`, or with three digits of a fraction. Times before
/// the year 1 and after 9999 are written as the first or last one that RFC 3339 has.
pub(crate) fn text(milliseconds: i64) -> String {
    const FIRST: i64 = -62_135_596_800_000;
    const LAST: i64 = 253_402_300_799_999;
    let time = milliseconds.clamp(FIRST, LAST);
    let (seconds, fraction) = (time.div_euclid(1_000), time.rem_euclid(1_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The inverse of `days_since_1970`: first the year that starts in March, then the month in it.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    let month = (day_of_year * 5 + 2) / 153;
    let day = day_of_year - (month * 153 + 2) / 5 + 1;
    let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    let year = year + year_of_era + era * 400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction > 0 {
        text.push_str(&format!(".{fraction:03}"));
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2025-03-01",
            "2025-03-01T12:00:00",
            "2025-03-01 12:00:00Z",
            "2025-3-1T12:00:00Z",
            "2025-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2025-13-01T12:00:00Z",
            "2025-04-31T12:00:00Z",
            "2025-03-00T12:00:00Z",
            "2025-03-01T24:00:00Z",
            "2025-03-01T12:60:00Z",
            "2025-03-01T12:00:60Z",
            "2025-03-01t12:00:00Z",
            "2025-03-01T12:00:00z",
            "0000-03-01T12:00:00Z",
            "2025-03-01T12:00:00.Z",
            "2025-03-01T12:00:00+5:30",
            "2025-03-01T12:00:00+0530",
            "2025-03-01T12:00:00+24:00",
            "2025-03-01T12:00:00Zulu",
            "+025-03-01T12:00:00Z",
            "２025-03-01T12:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_has_no_time() {
        assert!(is_date("1990-12-31"));
        for text in ["", "1990-12-32", "1990-1-31", "31.12.1990", "1990-12-31T", "1990-12-31T00:00:00Z"] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn moments_have_an_order() {
        let order = [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59Z",
            "2025-03-01T12:00:00+05:30",
            "2025-03-01T12:00:00.09Z",
            "2025-03-01T12:00:00.1Z",
            "2025-03-01T12:00:00.10001Z",
            "2025-03-01T12:00:00-00:01",
        ];
        for pair in order.windows(2) {
            assert!(parse(pair[0]).unwrap() < parse(pair[1]).unwrap(), "{pair:?}");
        }
        assert_eq!(parse("2025-03-01T12:00:00.10Z"), parse("2025-03-01T17:30:00.1+05:30"));
    }

    #[test]
    fn a_time_has_the_day_of_the_calendar() {
        for (time, written) in [
            (i64::MIN, "0001-01-01T00:00:00Z"),
            (-999, "1969-12-31T23:59:59.001Z"),
            (946_684_799_999, "1999-12-31T23:59:59.999Z"),
            (951_825_600_000, "2000-02-29T12:00:00Z"),
            (1_740_787_199_050, "2025-02-28T23:59:59.050Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(text(time), written);
            assert!(parse(written).is_some(), "{written}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_it_is_read(time in -62_135_596_800_000..=253_402_300_799_999_i64) {
            let text = text(time);
            let read = parse(&text).unwrap();
            let fraction: i64 = format!("{:0<3}", read.fraction).parse().unwrap();
            prop_assert_eq!(read.seconds * 1_000 + fraction, time, "{}", text);
        }

        #[test]
        fn it_reads_what_another_library_reads(
            year in 1..10_000_i32, day in 1..=366_i64, second in 0..86_400_i64, offset in -1439..=1439_i64
        ) {
            let date = time::Date::from_calendar_date(year, time::Month::January, 1).unwrap().midnight();
            let local = date.assume_utc() + time::Duration::days(day - 1) + time::Duration::seconds(second);
            prop_assume!((1..10_000).contains(&local.year()));
            let minutes = offset.abs();
            let sign = if offset < 0 { '-' } else { '+' };
            let (date, clock) = (local.date(), local.time());
            let text = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
                date.year(), u8::from(date.month()), date.day(),
                clock.hour(), clock.minute(), clock.second(), minutes / 60, minutes % 60
            );
            prop_assert_eq!(parse(&text).unwrap().seconds, local.unix_timestamp() - offset * 60);
        }
    }
}
