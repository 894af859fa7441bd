//! Phone numbers.

mod trunk;

use crate::Error;
use crate::text::{is_blank, trimmed};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// How many digits an international number has, its country code included: at most 15 by E.164. The shortest numbers
/// of people have four digits after a country code of three.
const DIGITS: core::ops::RangeInclusive<usize> = 7..=15;

const ZERO_IN_THE_MIDDLE: &str = "`(0)` stands in the middle of it; leave it out";

/// A phone number as somebody wrote it, without its separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// Whether it began with a plus sign, so that its country code comes first.
    pub is_international: bool,
    /// The digits, ASCII, as they were written: with the country code or without, with a trunk or an international
    /// prefix or without.
    pub digits: String,
    /// Where among the digits there is a zero in brackets, as in `+44 (0)20`.
    optional_zero: Option<usize>,
}

/// Reads a phone number as it is written, with a country code or without. Separators and what cannot be seen are no
/// part of it: white space, dots, slashes, brackets, hyphens and the minus sign, marks of direction, a spreadsheet's
/// apostrophe, `tel:`. Full-width digits are digits.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if it is anything else than one number, or has lost digits.
pub fn dialled(text: &str) -> Result<Dialled, Box<Error>> {
    let text = without_fraction(without_marks(text))?;
    let chars: Vec<char> =
        text.chars().filter(|c| !is_blank(*c) || is_line_end(*c)).map(half_width).collect();
    let mut number = Dialled { is_international: false, digits: String::new(), optional_zero: None };
    let mut slash = None;
    for (position, c) in chars.iter().copied().enumerate() {
        match c {
            '0'..='9' => number.digits.push(c),
            '+' if number.digits.is_empty() && !number.is_international => number.is_international = true,
            '(' if chars.get(position..position + 3) == Some(&['(', '0', ')']) => {
                if number.optional_zero.replace(number.digits.len()).is_some() {
                    return refused("it has `(0)` twice; give one number");
                }
            }
            '/' if slash.is_none() => slash = Some(number.digits.len()),
            '+' | '/' | ',' | ';' | '|' | '&' | '\n' | '\r' => {
                return refused("it has more than one number; give one");
            }
            _ if is_separator(c) => {}
            'x' | 'X' | '#' | '*' => return refused("it has an extension; give the number of a person"),
            'e' | 'E' if is_scientific(&chars) => {
                return refused(
                    "a spreadsheet has written it in scientific notation, which may have lost digits; format the column \
                     as text, and give all digits",
                );
            }
            'e' | 'E' if chars.get(position + 1).is_some_and(|c| "xX".contains(*c)) => {
                return refused("it has an extension; give the number of a person");
            }
            _ => return refused("it has other characters than digits; write it as +919820000001"),
        }
    }
    // Behind an area code there is the rest of a number; what is shorter is the end of another one.
    if slash.is_some_and(|before| (1..4).contains(&(number.digits.len() - before))) {
        return refused("it has more than one number; give one");
    }
    if number.digits.is_empty() {
        return refused("it has no digits; write it as +919820000001");
    }
    // Before the rest of a number there can be a country code, and before that an international prefix.
    let in_front = |position: usize| position <= 3 || number.digits.starts_with('0');
    if !number.is_international && !number.optional_zero.is_none_or(in_front) {
        return refused(ZERO_IN_THE_MIDDLE);
    }
    Ok(number)
}

/// Writes a phone number that has a country code to E.164: a plus sign, the country code, at most 15 digits in all.
/// What is dialled only within a country, such as the zero of `+44 (0)20`, is taken out.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if it has no country code, behind a plus sign or `00`, or cannot be a
/// number.
pub fn phone_number(text: &str) -> Result<String, Box<Error>> {
    let Dialled { is_international, digits, optional_zero } = dialled(text)?;
    match (is_international, digits.strip_prefix("00")) {
        (true, _) => e164(&digits, optional_zero),
        (false, Some(rest)) => e164(rest, optional_zero.and_then(|position| position.checked_sub(2))),
        (false, None) => refused("it has no country code; write it as +919820000001"),
    }
}

/// Writes a number as WhatsApp has it, its digits without a plus sign, to E.164. Most are the same. Numbers of mobile
/// phones in Brazil may lack the 9 that they have after the area code since 2016, and those in Mexico may have the 1
/// after the country code that they had until 2019.
///
/// # Errors
/// As [`phone_number`].
pub fn whatsapp_number(text: &str) -> Result<String, Box<Error>> {
    const BRAZIL: &str = "55";
    let Dialled { digits, optional_zero, .. } = dialled(text)?;
    let ninth = match (digits.split_at_checked(4), digits.len()) {
        (Some((area, rest)), 12) if area.starts_with(BRAZIL) && rest.starts_with(['6', '7', '8', '9']) => {
            format!("{area}9{rest}")
        }
        _ => digits,
    };
    e164(&ninth, optional_zero)
}

/// Writes the digits of an international number, with a zero in brackets at this place.
fn e164(digits: &str, optional_zero: Option<usize>) -> Result<String, Box<Error>> {
    if digits.starts_with('0') {
        return refused("no country code begins with 0; write it as +919820000001");
    }
    let (country, national) = trunk::split(digits);
    if optional_zero.is_some_and(|position| position != country.len()) {
        return refused(ZERO_IN_THE_MIDDLE);
    }
    let national = trunk::without(country, national);
    if national.starts_with('0') && !trunk::keeps_zero(country, national) {
        return refused(
            "no number of that country begins with 0; leave the zeros after the country code out",
        );
    }
    if !DIGITS.contains(&(country.len() + national.len())) {
        return refused("an international number has 7 to 15 digits");
    }
    Ok(format!("+{country}{national}"))
}

fn refused<T>(reason: &str) -> Result<T, Box<Error>> {
    Err(Error::invalid("phone-number", reason))
}

/// Without what marks a text as a number: a spreadsheet's apostrophe, and the scheme of a link.
fn without_marks(text: &str) -> &str {
    const LINK: &str = "tel:";
    let text = trimmed(text);
    let text = trimmed(text.trim_start_matches(['\'', '’', '‘', '´', '`']));
    match text.split_at_checked(LINK.len()) {
        Some((link, number)) if link.eq_ignore_ascii_case(LINK) => trimmed(number),
        _ => text,
    }
}

/// Without the `.0` or `.00` that a column of decimal numbers has. Beside other separators a dot is one too, but not
/// before the last digit: nobody writes that.
fn without_fraction(text: &str) -> Result<&str, Box<Error>> {
    let Some((whole, fraction)) = text.split_once(['.', '\u{ff0e}']) else { return Ok(text) };
    let is_plain = whole.strip_prefix(['+', '\u{ff0b}']).unwrap_or(whole).chars().all(is_digit);
    match fraction {
        "0" | "00" if is_plain => Ok(whole),
        _ if fraction.chars().count() == 1 && fraction.chars().all(is_digit) => {
            refused("it has a fraction; format the column as text, and give all digits")
        }
        _ => Ok(text),
    }
}

fn is_digit(c: char) -> bool {
    half_width(c).is_ascii_digit()
}

/// Whether it is a number such as `9.19820000001E+11`.
fn is_scientific(chars: &[char]) -> bool {
    let Some(e) = chars.iter().position(|c| matches!(c, 'e' | 'E')) else { return false };
    let (mantissa, exponent) = (chars.get(..e).unwrap_or_default(), chars.get(e + 1..).unwrap_or_default());
    let mantissa = mantissa.strip_prefix(&['+']).or(mantissa.strip_prefix(&['-'])).unwrap_or(mantissa);
    let exponent = exponent.strip_prefix(&['+']).or(exponent.strip_prefix(&['-'])).unwrap_or(exponent);
    let digits = mantissa.iter().filter(|c| c.is_ascii_digit()).count();
    let others = mantissa.iter().filter(|c| matches!(c, '.' | ',')).count();
    digits > 0
        && others <= 1
        && digits + others == mantissa.len()
        && !exponent.is_empty()
        && exponent.iter().all(char::is_ascii_digit)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The ASCII character for one that is as wide as a Chinese one.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ if is_line_end(c) => '\n',
        _ => c,
    }
}

/// The characters that people, phones and word processors put between digits: dots, slashes, brackets, hyphens, dashes
/// and the minus sign.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        '-' | '.' | '/' | '(' | ')' | '[' | ']' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2212}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{30fc}'
                | '\u{b7}'
                | '\u{2022}'
                | '\u{2024}'
                | '\u{2044}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;
    use alloc::borrow::ToOwned;

    #[test]
    fn numbers_with_a_country_code_are_written_to_e164() {
        for (written, right) in [
            ("+919820000001", "+919820000001"),
            ("+91 98200 00001", "+919820000001"),
            ("+91-98200-00001", "+919820000001"),
            ("00 91 (98200) 00001", "+919820000001"),
            (" +1 (415) 555\u{2011}0100\u{a0}", "+14155550100"),
            ("(+91) 98200 00001", "+919820000001"),
            ("[+91] 98200.00001", "+919820000001"),
            ("+6834000", "+6834000"),
            ("+123456789012345", "+123456789012345"),
            ("+44 ( 0 ) 20 7946 0000", "+442079460000"),
            ("0044 (0)20 7946 0000", "+442079460000"),
            ("+39 (0)6 1234 5678", "+390612345678"),
            ("+36 06 20 123 4567", "+36201234567"),
            ("+36 (0)62 123 456", "+3662123456"),
            ("+52 1 55 1234 5678", "+525512345678"),
            ("+1 1 415 555 0100", "+14155550100"),
            ("+7 8 (495) 123-45-67", "+74951234567"),
            ("+375 8 029 123-45-67", "+375291234567"),
            ("+4930123456.0", "+4930123456"),
            ("+4930123456.00", "+4930123456"),
            ("+1 415.555.0100", "+14155550100"),
            ("\u{ff0b}\u{ff14}\u{ff14} 20 7946 0018", "+442079460018"),
        ] {
            assert_eq!(phone_number(written), Ok(right.to_owned()), "{written}");
            assert_eq!(whatsapp_number(right), Ok(right.to_owned()), "{right}");
        }
    }

    #[test]
    fn numbers_are_not_guessed() {
        for written in [
            "",
            "+",
            "00",
            "()",
            "9820000001",
            "09820000001",
            "+0919820000001",
            "0000919820000001",
            "+00919820000001",
            "+44 20 (0) 7946 0000",
            "+44 (0)(0)20 7946 0000",
            "+44 0020 7946 0000",
            "+91982000000x",
            "+91982000000q",
            "+9198200+00001",
            "++919820000001",
            "+123456",
            "+1234567890123456",
            "+٩١٩٨٢٠٠٠٠٠٠١",
            "+491701234567\n+491701234568",
            "+49170\n1234567",
            "+49 30 123456/57",
            "+49 30 123456 / 123457",
            "+4930123456.5",
            "+4930123456,0",
            "+9.19820000001E+11",
            "9,19820000001e11",
            "tel:",
            "mailto:+919820000001",
        ] {
            let error = phone_number(written).unwrap_err();
            assert_eq!(error.code, Code::InvalidInput, "{written}");
            assert_eq!(error.details[0].pointer.as_deref(), Some("phone-number"));
        }
    }

    #[test]
    fn a_number_without_its_country_code_is_read_too() {
        for (written, digits) in [
            ("30123456.0", "30123456"),
            ("(0)30 123456", "030123456"),
            ("089 / 1234567", "0891234567"),
            ("'0170 1234567", "01701234567"),
            ("0011 61 412 345 678", "001161412345678"),
        ] {
            let number = dialled(written).unwrap();
            assert_eq!((number.is_international, number.digits.as_str()), (false, digits), "{written}");
        }
        assert!(dialled("2079 (0) 460018").is_err());
        assert_eq!(dialled("44 (0)20 7946 0018").unwrap().digits, "4402079460018");
        assert!(dialled(" +91 98").unwrap().is_international);
    }

    #[test]
    fn whatsapps_numbers_become_those_that_people_have() {
        for (written, right) in [
            ("5215512345678", "+525512345678"),
            ("525512345678", "+525512345678"),
            ("558199112233", "+5581999112233"),
            ("5581999112233", "+5581999112233"),
            ("558133112233", "+558133112233"),
            ("5491112345678", "+5491112345678"),
            ("919820000001", "+919820000001"),
            ("+919820000001", "+919820000001"),
        ] {
            assert_eq!(whatsapp_number(written), Ok(right.to_owned()), "{written}");
        }
        for written in ["", "0", "IN.13491208655302741918", "12345", "1234567890123456"] {
            assert!(whatsapp_number(written).is_err(), "{written}");
        }
    }
}
