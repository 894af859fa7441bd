//! Phone numbers.

mod trunk;

use crate::Error;
use crate::text::{is_blank, trimmed};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// How many digits an international number has, its country code included: at most 15 by E.164. The shortest numbers
/// of people have four digits after a country code of three.
const DIGITS: core::ops::RangeInclusive<usize> = 7..=15;

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
    let text = without_marks(text);
    let chars: Vec<char> =
        text.chars().filter(|c| !is_blank(*c) || is_line_end(*c)).map(half_width).collect();
    let chars = without_fraction(&chars)?;
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
            'e' | 'E' if is_scientific(chars) => {
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
    if !number.is_international
        && number.optional_zero.is_some_and(|position| position > 2 && !number.digits.starts_with("00"))
    {
        return refused("`(0)` stands in the middle of it; leave it out");
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
    let (digits, optional_zero) = match (is_international, digits.strip_prefix("00")) {
        (true, _) => (digits.as_str(), optional_zero),
        (false, Some(rest)) => (rest, optional_zero.and_then(|position| position.checked_sub(2))),
        (false, None) => return refused("it has no country code; write it as +919820000001"),
    };
    if digits.starts_with('0') {
        return refused("no country code begins with 0; write it as +919820000001");
    }
    let (country, national) = trunk::split(digits);
    if optional_zero.is_some_and(|position| position != country.len()) {
        return refused("`(0)` stands in the middle of it; leave it out");
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

/// Without the `.0` that a column of decimal numbers has; `.00` where there is no other separator.
fn without_fraction(chars: &[char]) -> Result<&[char], Box<Error>> {
    let mut dots = chars.iter().enumerate().filter(|(_, c)| **c == '.');
    let (Some((dot, _)), None) = (dots.next(), dots.next()) else { return Ok(chars) };
    let (whole, fraction) = (chars.get(..dot).unwrap_or_default(), chars.get(dot + 1..).unwrap_or_default());
    match fraction {
        ['0'] => Ok(whole),
        ['0', '0'] if whole.iter().skip(1).all(char::is_ascii_digit) => Ok(whole),
        [digit] if digit.is_ascii_digit() => {
            refused("it is a number with a fraction; format the column as text, and give all digits")
        }
        _ => Ok(chars),
    }
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
