//! Decimal numbers as they are written. They are compared and never computed with, so no digit is lost.

/// A number such as `-19.0760`, without what does not change its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    /// Whether it is less than zero.
    negative: bool,
    /// Without leading zeros; empty for zero.
    whole: &'a str,
    /// Without trailing zeros.
    fraction: &'a str,
}

/// Reads digits with or without a sign and a fraction.
pub(crate) fn decimal(text: &str) -> Option<Decimal<'_>> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match digits.split_once('.') {
        // A point has digits on both sides.
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some(Decimal { negative: minus && !(whole.is_empty() && fraction.is_empty()), whole, fraction })
}

impl Decimal<'_> {
    /// Whether it is from `-most` to `most`.
    pub(crate) fn is_within(&self, most: u16) -> bool {
        let whole = if self.whole.is_empty() { Some(0) } else { self.whole.parse::<u16>().ok() };
        whole.is_some_and(|whole| whole < most || (whole == most && self.fraction.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_their_value() {
        for (a, b) in [("19.0760", "19.076"), ("-0", "0.0"), ("+007", "7"), ("-1.50", "-01.5")] {
            assert!(decimal(a).is_some() && decimal(a) == decimal(b), "{a} {b}");
        }
        assert_ne!(decimal("1"), decimal("-1"));
        assert_ne!(decimal("1.05"), decimal("1.5"));
        for none in ["", "-", ".", "1.", ".5", "1e2", "1,5", "0x1", "--1", "1.2.3", " 1", "NaN", "１"] {
            assert_eq!(decimal(none), None, "{none}");
        }
    }

    #[test]
    fn a_range_has_its_ends() {
        for (text, within) in [
            ("90", true),
            ("-90.000", true),
            ("90.0001", false),
            ("-91", false),
            ("0090", true),
            ("123456789", false),
        ] {
            assert_eq!(decimal(text).unwrap().is_within(90), within, "{text}");
        }
    }
}
