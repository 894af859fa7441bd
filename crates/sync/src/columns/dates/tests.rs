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
    let plain =
        [("ana", ""), ("ben", ""), ("cy", ""), ("dee", ""), ("eve", ""), ("fay", T), ("gil", T), ("hal", T)];
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
    let unix =
        [("ana", ""), ("ben", ""), ("cy", ""), ("dee", ""), ("eve", T), ("fay", T), ("gil", T), ("hal", T)];
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
    let right = [("ana", "2024-05-03T18:05:00Z"), ("ben", "2024-12-13T05:05:00Z"), ("cy", ""), ("dee", "")];
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
