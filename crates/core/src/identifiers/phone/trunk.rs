//! What is dialled before a number within a country, and is no part of it.
//!
//! The tables are what the metadata of libphonenumber says about numbers of people, fixed and mobile; a test derives
//! them from it anew.

/// Where numbers begin with a zero that is dialled from abroad too, and how many digits these have, the zero included:
/// bit n stands for n digits.
pub(super) const ZEROS: [(&str, u16); 10] = [
    ("39", 0),
    ("225", 0),
    ("226", 0),
    ("229", 0),
    ("241", 0),
    ("242", 0),
    ("250", 0),
    ("378", 0),
    ("881", 0),
    ("992", 0),
];

/// Where something else than a zero is dialled first, and how many digits the longest numbers have without it. Not of
/// the metadata: Mexico's 1, which numbers of mobile phones had from abroad until 2019, and which WhatsApp writes.
pub(super) const TRUNKS: [(&str, &str, usize); 7] = [
    ("1", "1", 10),
    ("7", "8", 10),
    ("36", "06", 9),
    ("52", "1", 10),
    ("375", "8", 9),
    ("692", "1", 7),
    ("993", "8", 8),
];

/// The country codes of two digits: those of one digit are 1 and 7, all others have three.
const TWO_DIGITS: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
    "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// The country code of an international number, and the rest of it.
pub(super) fn split(digits: &str) -> (&str, &str) {
    let length = match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        _ if digits.get(..2).is_some_and(|two| TWO_DIGITS.contains(&two)) => 2,
        _ => 3,
    };
    digits.split_at_checked(length).unwrap_or((digits, ""))
}

/// A number as it is dialled from abroad.
pub(super) fn without<'a>(country: &str, national: &'a str) -> &'a str {
    let trunk = TRUNKS.iter().find(|(code, ..)| *code == country);
    let national = trunk
        .filter(|(_, _, longest)| national.len() > *longest)
        .and_then(|(_, trunk, _)| national.strip_prefix(trunk))
        .unwrap_or(national);
    if keeps_zero(country, national) { national } else { national.strip_prefix('0').unwrap_or(national) }
}

/// Whether a number that begins with a zero may be one.
pub(super) fn keeps_zero(country: &str, national: &str) -> bool {
    let lengths = ZEROS.iter().find(|(code, _)| *code == country).map_or(0, |(_, lengths)| *lengths);
    u32::try_from(national.len()).is_ok_and(|length| lengths.checked_shr(length).unwrap_or(0) & 1 == 1)
}
