//! Reads phone numbers as people dial them in a country.

use klaviyo_core::Error;
use klaviyo_core::identifiers::{dialled, phone_number};
use phonenumber::metadata::{DATABASE, Metadata};
use phonenumber::{Mode, country};
use std::collections::BTreeSet;

/// The digits of the longest international prefix.
const PREFIX_DIGITS: usize = 8;
/// The international prefix of most countries. People elsewhere write it too.
const COMMON_PREFIX: &str = "00";

/// The E.164 form of a number: one with a country code, or one as it is dialled in `region`, also behind the
/// region's international prefix or behind `00`.
///
/// # Errors
/// [`InvalidInput`](klaviyo_core::Code::InvalidInput) if the connector would refuse the number, if it has no
/// country code and does not exist in the region, and if it can be read in two ways.
pub fn international(phone: &str, region: Option<country::Id>) -> Result<String, Box<Error>> {
    let written = dialled(phone)?;
    let Some(region) = region.filter(|_| !written.is_international) else {
        if written.is_international || written.digits.starts_with(COMMON_PREFIX) {
            return written.e164();
        }
        return invalid(
            "it has no country code; write it as +919820000001, or name its country, as in --region IN",
        );
    };
    let digits = written.digits.as_str();
    if digits.len() > PREFIX_DIGITS + 15 {
        return invalid("it has too many digits; write it as +919820000001");
    }
    let local = national(digits, region);
    // Readings behind the region's own prefixes, and behind the one that people elsewhere write.
    let mut abroad =
        DATABASE.by_id(region.as_ref()).map_or_else(Vec::new, |meta| behind_prefix(digits, meta));
    abroad.extend(digits.strip_prefix(COMMON_PREFIX).filter(|rest| !abroad.contains(rest)));
    // A single reading needs no more proof than a number with a plus sign.
    if let ([], [rest]) = (local.as_slice(), abroad.as_slice()) {
        return phone_number(&format!("+{rest}"));
    }
    let readings: BTreeSet<String> = abroad.into_iter().filter_map(existing).chain(local).collect();
    let mut readings = readings.into_iter();
    match (readings.next(), readings.next()) {
        (Some(number), None) => phone_number(&number),
        (Some(one), Some(other)) => invalid(&format!(
            "in {} it can be {one} or {other}; write it with a plus sign and its country code",
            region.as_ref()
        )),
        (None, _) => invalid(&format!(
            "there is no such number in {}; write it as it is dialled there, or with its country code, as \
             +919820000001",
            region.as_ref()
        )),
    }
}

fn invalid(reason: &str) -> Result<String, Box<Error>> {
    Err(Error::invalid("phone-number", reason))
}

/// The numbers of a region with these digits, with its country code in front or without.
fn national(digits: &str, region: country::Id) -> Vec<String> {
    let Some(meta) = DATABASE.by_id(region.as_ref()) else { return Vec::new() };
    let parsed = phonenumber::parse(Some(region), digits).ok().filter(|number| {
        // The library may take it for a number of another country.
        number.country().code() == meta.country_code() && number.is_valid()
    });
    let parsed = parsed.map(|number| number.format().mode(Mode::E164).to_string());
    // The library takes the country code off wherever digits begin like it. A number of the region may begin
    // so too, such as 91987 65432 in India. Where numbers of the region begin with a 0, a number without it
    // has its country code.
    let code = meta.country_code().to_string();
    let may_be_whole = digits.starts_with(&code) && (parsed.is_none() || meta.national_prefix().is_none());
    let whole = may_be_whole.then(|| existing(&format!("{code}{digits}"))).flatten();
    parsed.into_iter().chain(whole).collect()
}

/// The number with these digits, country code first, if it exists.
fn existing(digits: &str) -> Option<String> {
    let number = phone_number(&format!("+{digits}")).ok()?;
    phonenumber::parse(None, &number).is_ok_and(|number| number.is_valid()).then_some(number)
}

/// The digits behind the international prefixes of a region. Where several companies have their own prefix,
/// there may be several.
fn behind_prefix<'a>(digits: &'a str, region: &Metadata) -> Vec<&'a str> {
    let Some(prefix) = region.international_prefix() else { return Vec::new() };
    let is_prefix = |begin: &str| {
        prefix.find(begin).is_some_and(|found| found.start() == 0 && found.end() == begin.len())
    };
    (1..=PREFIX_DIGITS)
        .filter_map(|length| digits.split_at_checked(length))
        .filter_map(|(begin, rest)| is_prefix(begin).then_some(rest))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(phone: &str, region: &str) -> Result<String, Box<Error>> {
        international(phone, (!region.is_empty()).then(|| region.parse().unwrap()))
    }

    /// What people send, in host-test/cases/phones.csv.
    #[test]
    fn numbers_as_people_write_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host-test/cases/phones.csv");
        let mut cases = csv::Reader::from_path(path).unwrap();
        let mut wrong = Vec::new();
        for case in cases.records() {
            let case = case.unwrap();
            let (written, region, right) = (&case[0], &case[1], &case[2]);
            let found = match read(written, region) {
                _ if klaviyo_core::intake::says_none(written) => "none".to_owned(),
                Ok(number) => number,
                Err(_) => "refused".to_owned(),
            };
            if found != right {
                wrong.push(format!("{written:?} in {region:?} is {found}, and not {right}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn numbers_without_a_country_code_need_a_region() {
        assert!(read("98200 00001", "").is_err());
        for (number, region) in [
            ("12", "IN"),
            ("98200 00001 ext. 5", "IN"),
            ("", "IN"),
            ("9".repeat(5_000).as_str(), "IN"),
            ("9".repeat(24).as_str(), "IN"),
        ] {
            assert!(read(number, region).is_err(), "{number:?}");
        }
    }

    #[test]
    fn what_can_be_two_numbers_is_refused() {
        // Behind Hong Kong's prefix 00 it is in Alabama, and behind 001 in Singapore.
        let message = read("001 659 234 5678", "HK").unwrap_err().message;
        assert!(message.contains("+16592345678") && message.contains("+6592345678"), "{message}");
        assert_eq!(read("001 41 44 668 18 00", "HK").unwrap(), "+41446681800");
    }

    #[test]
    fn a_number_that_begins_like_its_country_code_is_whole() {
        for (written, region, right) in [
            ("91987 65432", "IN", "+919198765432"),
            ("091987 65432", "IN", "+919198765432"),
            ("9198200 00001", "IN", "+919820000001"),
            ("(55) 98765-4321", "BR", "+5555987654321"),
            ("+39 390 612 3456", "IT", "+393906123456"),
            ("393331234567", "IT", "+393331234567"),
            ("4915123456789", "DE", "+4915123456789"),
        ] {
            assert_eq!(read(written, region).as_deref(), Ok(right), "{written}");
        }
        // A mobile phone, and a line in Rome.
        let message = read("390 612 3456", "IT").unwrap_err().message;
        assert!(message.contains("+393906123456") && message.contains("+3906123456"), "{message}");
    }

    /// The examples of a library for every country, and the prefixes of some.
    #[test]
    fn no_number_becomes_that_of_somebody_else() {
        let prefixes = [
            ("IN", "00"),
            ("US", "011"),
            ("AU", "0011"),
            ("RU", "810"),
            ("JP", "010"),
            ("SG", "001"),
            ("SG", "00"),
            ("HK", "001"),
            ("TH", "001"),
            ("BR", "0021"),
            ("FI", "00"),
            ("CI", "00"),
        ];
        let mut wrong = Vec::new();
        let (mut read_here, mut all) = (0, 0);
        for meta in DATABASE.iter() {
            let Ok(region) = meta.id().parse::<country::Id>() else { continue };
            let examples = [meta.descriptors().mobile(), meta.descriptors().fixed_line()];
            for example in examples.into_iter().flatten().filter_map(|kind| kind.example()) {
                let number = format!("+{}{example}", meta.country_code());
                let Ok(right) = phone_number(&number) else { continue };
                let parsed = phonenumber::parse(None, &number).unwrap();
                let national = parsed.format().mode(Mode::National).to_string();
                let mut is = |written: &str, region: country::Id| {
                    let found = international(written, Some(region));
                    if found.as_ref().is_ok_and(|found| *found != right) {
                        wrong.push(format!("{written} in {}: {found:?}, and not {right}", region.as_ref()));
                    }
                    found.is_ok()
                };
                all += 1;
                read_here += u32::from(is(&national, region));
                let digits = right.strip_prefix('+').unwrap();
                is(digits, region);
                for (abroad, prefix) in prefixes {
                    assert!(is(&number, abroad.parse().unwrap()), "{number} in {abroad}");
                    is(&format!("{prefix}{digits}"), abroad.parse().unwrap());
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(all > 400 && read_here * 100 > all * 90, "{read_here} of {all} are read as they are dialled");
    }
}
