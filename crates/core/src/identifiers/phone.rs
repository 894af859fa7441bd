//! Phone numbers.

mod trunk;

use crate::Error;
use crate::text::{is_blank, is_line_end, trimmed};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// The number of digits of an international number with its country code: at most 15 by E.164. The shortest
/// numbers of people have four digits after a country code of three.
const DIGITS: core::ops::RangeInclusive<usize> = 7..=15;
/// From this number of digits on, the digits before a slash are not an area code, even with a prefix.
const WHOLE: usize = 10;
/// The most digits that are dialled between a country code and a number, those of a prefix that is written twice
/// included.
const TRUNK_DIGITS: usize = 4;
const TWO_NUMBERS: &str = "it has more than one number; give one";
const EXTENSION: &str = "it has an extension; give the number of a person";
const ZERO_IN_THE_MIDDLE: &str = "`(0)` stands in the middle of it; leave it out";

/// A phone number as somebody wrote it, without its separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// Whether it began with a plus sign, so that its country code comes first.
    pub is_international: bool,
    /// The digits, ASCII, as they were written: with the country code or without, with a trunk or an
    /// international prefix or without.
    pub digits: String,
    /// The position among the digits of a zero in brackets, as in `+44 (0)20`.
    optional_zero: Option<usize>,
}

/// Reads a phone number as it is written, with a country code or without. Separators and invisible characters
/// are removed: white space, dots, slashes, brackets, hyphens and the minus sign, marks of direction, quotes,
/// a spreadsheet's apostrophe or equals sign, `tel:`, `whatsapp:` and the like, a comma or semicolon at the
/// end. Full-width digits are digits.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if it is not exactly one number, or has lost digits.
pub fn dialled(text: &str) -> Result<Dialled, Box<Error>> {
    read(text).map_err(refused)
}

fn read(text: &str) -> Result<Dialled, &'static str> {
    let text = Marks::of(text);
    let mut number = Dialled { is_international: false, digits: String::new(), optional_zero: None };
    let (mut slash, mut rest) = (None, text.number()?);
    while let [mark, others @ ..] = rest {
        match mark {
            b'0'..=b'9' => number.digits.push(char::from(*mark)),
            b'+' if number.digits.is_empty() && !number.is_international => number.is_international = true,
            b'+' if number.digits.is_empty() => {
                return Err("it has two plus signs; leave one out");
            }
            // Moscow's `+8 (495)` would otherwise be a number in Vietnam, whose code is 84.
            b'(' | b'-' if number.is_international && number.digits == "8" => {
                return Err("no country has the code 8; for Russia or Kazakhstan write +7");
            }
            b'(' if others.starts_with(b"0)") => {
                if number.optional_zero.replace(number.digits.len()).is_some() {
                    return Err(ZERO_IN_THE_MIDDLE);
                }
            }
            b'-' | b'.' | b'(' | b')' => {}
            b'/' if slash.is_none() => slash = Some(number.digits.len()),
            b'x' | b'#' => return Err(EXTENSION),
            b'e' if others.starts_with(b"x") => return Err(EXTENSION),
            b';' if others.starts_with(b"ext") => return Err(EXTENSION),
            // Phones wait at a comma before they dial the extension.
            b',' if others.starts_with(b",") => return Err(EXTENSION),
            b'+' | b'/' | b',' | b';' | b'|' | b'&' | b'\n' => return Err(TWO_NUMBERS),
            _ => return Err("it has other characters than digits; write it as +919820000001"),
        }
        rest = others;
    }
    let Dialled { is_international, digits, optional_zero } = &number;
    // The rest of a number follows an area code. Digits that are fewer, or that follow a whole number, are
    // the end of a second number.
    let zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
    let is_other = |before: usize| match digits.len().saturating_sub(before) {
        0 => false,
        behind => behind < 4 || before >= zeros + WHOLE,
    };
    if slash.is_some_and(is_other) {
        return Err(TWO_NUMBERS);
    }
    if digits.is_empty() {
        return Err("it has no digits; write it as +919820000001");
    }
    // A country code may precede the rest of a number, and an international prefix may precede the country
    // code.
    let in_front = |position: usize| position <= 3 || digits.starts_with('0');
    if !is_international && !optional_zero.is_none_or(in_front) {
        return Err(ZERO_IN_THE_MIDDLE);
    }
    Ok(number)
}

/// Writes a phone number that has a country code to E.164: a plus sign, the country code, at most 15 digits
/// in all. Digits that are dialled only within a country, such as the zero of `+44 (0)20`, are removed.
///
/// # Errors
/// [`InvalidInput`](crate::Code::InvalidInput) if it has no country code after a plus sign or `00`, or is not
/// a number.
pub fn phone_number(text: &str) -> Result<String, Box<Error>> {
    read(text).and_then(Dialled::international).map_err(refused)
}

/// Writes a number of WhatsApp, digits without a plus sign, to E.164. Most digits are the same. Mobile
/// numbers in Brazil may lack the 9 that follows the area code since 2016, and those in Mexico may have the 1
/// that followed the country code until 2019.
///
/// # Errors
/// As [`phone_number`].
pub fn whatsapp_number(text: &str) -> Result<String, Box<Error>> {
    const BRAZIL: &str = "+55";
    let Dialled { digits, optional_zero, .. } = dialled(text)?;
    let number = e164(&digits, optional_zero).map_err(refused)?;
    if let (Some((area, rest)), 13) = (number.split_at_checked(5), number.len())
        && area.starts_with(BRAZIL)
        && rest.starts_with(['6', '7', '8', '9'])
    {
        return Ok(format!("{area}9{rest}"));
    }
    Ok(number)
}

impl Dialled {
    /// Writes it to E.164.
    ///
    /// # Errors
    /// As [`phone_number`].
    pub fn e164(self) -> Result<String, Box<Error>> {
        self.international().map_err(refused)
    }

    fn international(self) -> Result<String, &'static str> {
        match (self.is_international, self.digits.strip_prefix("00")) {
            (true, _) => e164(&self.digits, self.optional_zero),
            // No number with the country code 1 begins with 1, so these zeros are not an international
            // prefix.
            (false, Some(rest)) if rest.starts_with("11") => {
                Err("0011 is dialled in Australia only; write it as +919820000001")
            }
            (false, Some(rest)) => {
                e164(rest, self.optional_zero.and_then(|position| position.checked_sub(2)))
            }
            (false, None) => Err("it has no country code; write it as +919820000001"),
        }
    }
}

/// Writes the digits of an international number with a zero in brackets at this position.
fn e164(digits: &str, optional_zero: Option<usize>) -> Result<String, &'static str> {
    const ITALY: &str = "39";
    if digits.starts_with('0') {
        return Err("no country code begins with 0; write it as +919820000001");
    }
    let (country, national) = trunk::split(digits);
    if optional_zero.is_some_and(|position| position != country.len()) {
        return Err(ZERO_IN_THE_MIDDLE);
    }
    // Without the zero it is a mobile number, with it that of a fixed line.
    if optional_zero.is_some() && country == ITALY && national.starts_with("03") && national.len() == 11 {
        return Err("in Italy a zero makes it another number; leave `(0)` out or write 0");
    }
    let written = national.len();
    let national = trunk::without(country, national)?;
    let is_whole = written - national.len() <= TRUNK_DIGITS;
    if !is_whole || !DIGITS.contains(&(country.len() + national.len())) {
        return Err("an international number has 7 to 15 digits");
    }
    let mut number = String::from("+");
    number.push_str(country);
    number.push_str(national);
    Ok(number)
}

fn refused(reason: &str) -> Box<Error> {
    Error::invalid("phone-number", reason)
}

/// A text reduced to the characters of a number, one byte for each visible character: digits, `+`, `-` for
/// any dash, `(` and `)` for any bracket, lower-case letters, and `?` for a character that no number has.
struct Marks {
    bytes: Vec<u8>,
    /// Whether white space or an invisible character stands between them.
    has_blanks: bool,
}

impl Marks {
    fn of(text: &str) -> Self {
        let mut marks = Self { bytes: Vec::new(), has_blanks: false };
        for c in trimmed(text).chars() {
            // Full-width forms.
            let c = match c {
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
                c => c,
            };
            let c = match c {
                // The last two are Japanese marks of a long vowel, which are on the same key.
                '\u{2010}'..='\u{2015}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{30fc}'
                | '\u{ff70}' => '-',
                '\u{b7}' | '\u{2022}' => '.',
                '"' | '‘' | '’' | '“' | '”' | '„' | '«' | '»' | '´' | '`' => '\'',
                c if is_line_end(c) => '\n',
                c if is_blank(c) => {
                    marks.has_blanks = true;
                    continue;
                }
                '[' => '(',
                ']' => ')',
                c => c,
            };
            marks
                .bytes
                .push(u8::try_from(c).ok().filter(u8::is_ascii).map_or(b'?', |c| c.to_ascii_lowercase()));
        }
        marks
    }

    /// The text without quotes, a spreadsheet's marks for text, labels, separators at the end, and the `.0`
    /// or `.00` of a column of decimal numbers.
    fn number(&self) -> Result<&[u8], &'static str> {
        let mut bytes = self.bytes.as_slice();
        while let [b'\'' | b'=', rest @ ..] = bytes {
            bytes = rest;
        }
        while let [rest @ .., b'\'' | b',' | b';'] = bytes {
            bytes = rest;
        }
        bytes = without_label(bytes);
        let unsigned = bytes.strip_prefix(b"+").unwrap_or(bytes);
        let digits = unsigned.iter().position(|mark| !mark.is_ascii_digit()).unwrap_or(unsigned.len());
        let (_, behind) = unsigned.split_at_checked(digits).unwrap_or_default();
        match behind {
            [b'.', b'0'] | [b'.', b'0', b'0'] if !self.has_blanks => {
                return Ok(bytes.strip_suffix(behind).unwrap_or(bytes));
            }
            behind if digits > 0 && is_scientific(behind) => {
                return Err(
                    "a spreadsheet has written it in scientific notation, which may have lost digits; format the column \
                     as text, and give all digits",
                );
            }
            _ => {}
        }
        // Beside other separators a dot is a separator too, except before the last digit, where nobody writes
        // one.
        if let [before @ .., b'.', last] = bytes
            && last.is_ascii_digit()
            && !before.iter().any(|mark| *mark == b'.' || mark.is_ascii_lowercase())
        {
            return Err("it has a fraction; format the column as text, and give all digits");
        }
        Ok(bytes)
    }
}

/// A number without the label before it, as in `Tel.: +44` and `whatsapp:+44`.
fn without_label(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|mark| !mark.is_ascii_lowercase()).unwrap_or_default();
    match bytes.split_at_checked(end) {
        Some((b"tel" | b"phone" | b"whatsapp" | b"sms" | b"p", mut rest @ [b'.' | b':', ..])) => {
            while let [b'.' | b':' | b'/', others @ ..] = rest {
                rest = others;
            }
            rest
        }
        _ => bytes,
    }
}

/// Whether this follows the first digits of a number such as `9.1982e+11`.
fn is_scientific(behind: &[u8]) -> bool {
    let exponent = match behind {
        [b'.' | b',', decimals @ ..] => {
            let end = decimals.iter().position(|mark| !mark.is_ascii_digit()).unwrap_or(decimals.len());
            decimals.get(end..).unwrap_or_default()
        }
        behind => behind,
    };
    let Some(exponent) = exponent.strip_prefix(b"e") else { return false };
    let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
    !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit)
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
            ("+234567890123456", "+234567890123456"),
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
            ("\u{ff3b}+44\u{ff3d}20 7946 0018", "+442079460018"),
            ("+81\u{30fc}90\u{30fc}1234\u{ff70}5678", "+819012345678"),
            ("whatsapp:+14155550100", "+14155550100"),
            ("p:+14155550100", "+14155550100"),
            ("Tel.: +44 20 7946 0018", "+442079460018"),
            ("tel. +44 20 7946 0018", "+442079460018"),
            ("tel://+442079460018", "+442079460018"),
            ("\"+44 20 7946 0018\"", "+442079460018"),
            ("=\"+442079460018\"", "+442079460018"),
            ("=+442079460018", "+442079460018"),
            ("“+44 20 7946 0018”,", "+442079460018"),
            ("+44 20 7946 0018;", "+442079460018"),
            ("+44 20 7946 0018.", "+442079460018"),
            ("+52 01 55 1234 5678", "+525512345678"),
            ("+52 (01 55) 1234 5678", "+525512345678"),
            ("+1 01 415 555 0100", "+14155550100"),
            ("+1 1 1 415 555 0100", "+14155550100"),
            ("+375 08 029 123-45-67", "+375291234567"),
            ("+38 (044) 123-45-67", "+380441234567"),
            ("+49 (0)34298/12345", "+493429812345"),
            ("0049 034298/12345", "+493429812345"),
            ("+49 301/2345", "+493012345"),
            ("+49 30 1234.00", "+4930123400"),
            ("+39 0312 345 6789", "+3903123456789"),
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
            "+1 415 555 0100 5",
            "+54 011 15-2345-6789",
            "+55 015 11 98765 4321",
            "+52 044 55 1234 5678",
            "+٩١٩٨٢٠٠٠٠٠٠١",
            "+491701234567\n+491701234568",
            "+49170\n1234567",
            "+49 30 123456/57",
            "+49 3012/345",
            "+1 415/555/0100",
            "+49 30 123456 / 123457",
            "+4930123456.5",
            "+4930123456,0",
            "+9.19820000001E+11",
            "9,19820000001e11",
            "tel:",
            "mailto:+919820000001",
            "fax:+919820000001",
            "p",
            "tel.",
            "0011 65 9234 5678",
            "0011 61 412 345 678",
            "+8 (495) 123-45-67",
            "+8-495-123-45-67",
            "+1 415 555 0100/0101",
            "+354 123 4567/4568",
            "+39 (0)312 345 6789",
            "+1 415 555 0100,,5",
            "+1 11111 415 555 0100",
            "+1111111111111111111111111111111",
        ] {
            let error = phone_number(written).unwrap_err();
            assert_eq!(error.code, Code::InvalidInput, "{written}");
            assert_eq!(error.details[0].pointer.as_deref(), Some("phone-number"));
        }
    }

    #[test]
    fn an_extension_is_called_one() {
        for written in
            ["+1 415 555 0100;ext=5", "+1 415 555 0100,,5", "+1 415 555 0100 Ext. 5", "+1 415 555 0100#5"]
        {
            assert_eq!(phone_number(written).unwrap_err().details[0].detail, EXTENSION, "{written}");
        }
        for written in ["+14155550100, +14155550101", "+14155550100;14155550101", "+14155550100+14155550101"]
        {
            assert_eq!(phone_number(written).unwrap_err().details[0].detail, TWO_NUMBERS, "{written}");
        }
        for written in ["+1 415 555 0100 5e", "++14155550100"] {
            let detail = phone_number(written).unwrap_err().details[0].detail.clone();
            assert!(![EXTENSION, TWO_NUMBERS].contains(&detail.as_str()), "{written}: {detail}");
        }
    }

    #[test]
    fn a_number_in_scientific_notation_is_called_one() {
        let detail = |written| phone_number(written).unwrap_err().details[0].detail.clone();
        let scientific = detail("+9.19820000001E+11");
        for written in ["9,19820000001e11", "919820000e3", "9.2e-1"] {
            assert_eq!(detail(written), scientific, "{written}");
        }
        for written in ["e11", "9.2e", "9.2e1x", "+91982000000q"] {
            assert_ne!(detail(written), scientific, "{written}");
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
        assert_eq!(dialled("+91 98200 00001").unwrap().e164(), phone_number("+919820000001"));
        assert!(dialled("9820000001").unwrap().e164().is_err());
    }

    #[test]
    fn whatsapps_numbers_become_those_that_people_have() {
        for (written, right) in [
            ("5215512345678", "+525512345678"),
            ("525512345678", "+525512345678"),
            ("558199112233", "+5581999112233"),
            ("5508199112233", "+5581999112233"),
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
