//! A phone number that was cleaned is the one that was written, and no other.

use anyhow::{Context, Result, ensure};
use phonenumber::Mode;

/// The most digits that are dialled between a country code and the number, such as the 01 of `+52 01 55`.
const MAX_TRUNK: usize = 5;

/// Checks that a number is E.164, has the digits that were written and no others, and is what libphonenumber reads in
/// them.
///
/// # Errors
/// When it is another number, or none.
pub fn same(written: &str, cleaned: &str) -> Result<()> {
    let kept = e164(cleaned)?;
    let written = digits(written);
    ensure!(leads_to(&written, kept), "{written} has become {cleaned}");
    agrees(&written, cleaned)
}

/// The digits of a number in E.164.
///
/// # Errors
/// When it is not.
pub fn e164(number: &str) -> Result<&str> {
    let digits = number.strip_prefix('+').context("it has no plus sign")?;
    ensure!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{number} has other characters than digits");
    ensure!((7..=15).contains(&digits.len()) && !digits.starts_with('0'), "{number} is not E.164");
    Ok(digits)
}

/// Checks that so many digits at the end of a number, or all that were written, are the last ones that were written.
///
/// # Errors
/// When they are others.
pub fn ends_alike(written: &str, cleaned: &str, count: usize) -> Result<()> {
    let written = digits(written);
    let end =
        |text: &str| text.split_at_checked(text.len().saturating_sub(count)).map(|(_, end)| end.to_owned());
    let wholes = [Some(written.as_str()), written.strip_suffix('0'), written.strip_suffix("00")];
    let is_end = wholes.into_iter().flatten().filter_map(end).any(|end| cleaned.ends_with(&end));
    ensure!(is_end, "{written} has become {cleaned}");
    Ok(())
}

/// The digits of a text, those of East Asian width included.
#[must_use]
pub fn digits(text: &str) -> String {
    let digit = |c: char| match c {
        '0'..='9' => Some(c),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(c) - 0xff10, 10),
        _ => None,
    };
    text.chars().filter_map(digit).collect()
}

/// Whether what was written is this number: behind a prefix 00 or none, with what is dialled between the country code and
/// the rest, and with the zeros of a decimal number at its end.
fn leads_to(written: &str, kept: &str) -> bool {
    let wholes = [Some(written), written.strip_suffix('0'), written.strip_suffix("00")];
    let wholes = wholes.into_iter().flatten().flat_map(|whole| [Some(whole), whole.strip_prefix("00")]);
    wholes.flatten().any(|whole| {
        (1..=3).any(|code| {
            let Some((country, national)) = kept.split_at_checked(code) else { return false };
            let trunk = whole.strip_prefix(country).and_then(|rest| rest.strip_suffix(national));
            trunk.is_some_and(|trunk| {
                trunk.len() <= MAX_TRUNK && trunk.bytes().all(|digit| b"01468".contains(&digit))
            })
        })
    })
}

/// Where libphonenumber reads a number that exists in the digits as they are, it is the same one.
fn agrees(written: &str, cleaned: &str) -> Result<()> {
    let international = format!("+{}", written.strip_prefix("00").unwrap_or(written));
    if let Ok(number) = phonenumber::parse(None, &international)
        && number.is_valid()
        && international.len() == cleaned.len()
    {
        let theirs = number.format().mode(Mode::E164).to_string();
        ensure!(
            theirs == cleaned || ends_as(&theirs, cleaned, number.country().code()),
            "{written} has become {cleaned}, and libphonenumber reads {theirs}"
        );
    }
    Ok(())
}

/// Whether a number is another one, but for what stands between its country code and the rest: libphonenumber takes off
/// zeros that numbers of Japan may have, and adds the area code that people in San Marino leave out.
fn ends_as(number: &str, other: &str, country: u16) -> bool {
    let national = |number: &str| number.strip_prefix(&format!("+{country}")).map(str::to_owned);
    let (Some(number), Some(other)) = (national(number), national(other)) else { return false };
    number.ends_with(other.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dialled_in_front_is_no_part_of_a_number() {
        for (written, cleaned) in [
            ("+91 98200 00001", "+919820000001"),
            ("0044 (0)20 7946 0000", "+442079460000"),
            ("+52 01 55 1234 5678", "+525512345678"),
            ("+7 8 (495) 123-45-67", "+74951234567"),
            ("+4930123456.00", "+4930123456"),
            ("\u{ff0b}\u{ff14}\u{ff14} 20 7946 0018", "+442079460018"),
        ] {
            same(written, cleaned).unwrap();
        }
    }

    #[test]
    fn only_what_stands_in_front_may_differ() {
        assert!(ends_as("+819012345678", "+81009012345678", 81));
        assert!(ends_as("+3780549882001", "+378882001", 378));
        assert!(!ends_as("+819012345678", "+81009012345679", 81));
        assert!(!ends_as("+819012345678", "+8190012345678", 81));
        assert!(!ends_as("+919012345678", "+819012345678", 91));
    }

    #[test]
    fn another_number_is_found() {
        for (written, cleaned) in [
            ("+91 98200 00001", "+919820000002"),
            ("+91 98200 00001", "+91982000000"),
            ("+91 98200 00001", "+9198200000010"),
            ("+91 98200 00001", "+918920000001"),
            ("+91 98200 00001", "919820000001"),
            ("+91 98200 00001", "+91 9820000001"),
            ("+1 415 555 0100 x5", "+14155550100"),
            ("+44 20 7946 0018", "+4420946018"),
            ("+0 91 98200 00001", "+0919820000001"),
        ] {
            assert!(same(written, cleaned).is_err(), "{written}: {cleaned}");
        }
        ends_alike("011 15-2345-6789", "+5491123456789", 6).unwrap();
        ends_alike("30123456.0", "+4930123456", 6).unwrap();
        assert!(ends_alike("011 15-2345-6789", "+5491123456780", 6).is_err());
    }
}
