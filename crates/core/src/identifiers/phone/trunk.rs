//! Trunk prefixes: digits that are dialled before a number within a country, and are not part of it.
//!
//! A test derives the tables from the metadata of libphonenumber.

/// The country codes whose numbers keep their leading zero from abroad, and the lengths of these numbers with
/// the zero. The satellite phones of 881 are not in the metadata that the test reads, which has one network
/// for a code.
const ZEROS: [(u16, u16); 28] = [
    (39, of(&[6, 7, 8, 9, 10, 11, 12])),
    (47, of(&[5])),
    (62, of(&[14, 15])),
    (66, of(&[13])),
    (81, of(&[8, 9, 12, 13, 14, 15])),
    (82, of(&[12, 13, 14])),
    (91, of(&[13])),
    (225, of(&[10])),
    (226, of(&[8])),
    (227, of(&[8])),
    (229, of(&[10])),
    (241, of(&[8])),
    (242, of(&[9])),
    (250, of(&[8])),
    (267, of(&[10])),
    (268, of(&[8])),
    (359, of(&[12])),
    (378, of(&[10])),
    (501, of(&[11])),
    (507, of(&[11])),
    (598, of(&[6, 7, 8, 10, 11, 12, 13])),
    (676, of(&[7])),
    (679, of(&[11])),
    (687, of(&[6])),
    (853, of(&[7])),
    (881, of(&[9])),
    (974, of(&[11])),
    (992, of(&[9])),
];

/// Bit n stands for n digits.
const fn of(lengths: &[u8]) -> u16 {
    match lengths {
        [] => 0,
        [length, rest @ ..] => 1 << *length | of(rest),
    }
}

/// The trunk prefixes other than zero, and the length of the longest numbers without them. Not from the
/// metadata: Mexico's 1, which mobile numbers had from abroad until 2019 and which WhatsApp still writes; and
/// Argentina, Brazil and Colombia, where more than a trunk prefix may be dialled (Argentina's 15 of mobile
/// phones, the carriers of Brazil and Colombia).
const TRUNKS: [(u16, &str, u8); 10] = [
    (1, "1", 10),
    (7, "8", 10),
    (36, "06", 9),
    (52, "1", 10),
    (54, "0", 11),
    (55, "0", 11),
    (57, "0", 10),
    (375, "8", 9),
    (692, "1", 7),
    (993, "8", 8),
];

/// Bit n stands for the two-digit country code n. The codes 1 and 7 have one digit, all others three.
const TWO_DIGITS: u128 = {
    const CODES: [u8; 44] = [
        20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57,
        58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
    ];
    let (mut bits, mut codes) = (0, CODES.as_slice());
    while let [code, rest @ ..] = codes {
        bits |= 1 << *code;
        codes = rest;
    }
    bits
};

/// The country code of an international number, and the rest of it.
pub(super) fn split(digits: &str) -> (&str, &str) {
    let length = match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..]
            if TWO_DIGITS >> ((tens - b'0') * 10 + (ones - b'0')) & 1 == 1 =>
        {
            2
        }
        _ => 3,
    };
    digits.split_at_checked(length).unwrap_or((digits, ""))
}

/// A number as it is dialled from abroad, without its country code.
///
/// # Errors
/// When no number there begins so or has this length.
pub(super) fn without<'a>(country: &str, national: &'a str) -> Result<&'a str, &'static str> {
    let country = country.bytes().fold(0, |code: u16, digit| code * 10 + u16::from(digit & 15));
    let keeps_zero = |number: &str| {
        ZEROS.iter().any(|(code, lengths)| *code == country && (lengths >> number.len().min(15)) & 1 == 1)
    };
    let (trunk, longest) = TRUNKS
        .iter()
        .find(|(code, ..)| *code == country)
        .map_or(("0", 15), |(_, trunk, longest)| (*trunk, *longest));
    let is_long = |number: &str| number.len() > usize::from(longest);
    let mut number = national;
    loop {
        let whole = number;
        if is_long(number) {
            number = number.strip_prefix(trunk).unwrap_or(number);
        }
        if let Some(rest) = number.strip_prefix('0')
            && !keeps_zero(number)
        {
            if rest.starts_with('0') {
                return Err(
                    "no number of that country begins with 0; leave the zeros after the country code out",
                );
            }
            number = rest;
        }
        // Mexico's 01 consists of two prefixes.
        if number == whole {
            return if is_long(number) {
                Err("it is longer than the numbers of its country; leave out what is dialled only there")
            } else {
                Ok(number)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};
    use phonenumber::Metadata;
    use phonenumber::metadata::DATABASE;
    use regex_automata::dfa::{Automaton, StartKind, dense};
    use regex_automata::util::{primitives::StateID, syntax};
    use regex_automata::{Anchored, Input};
    use std::collections::{BTreeMap, BTreeSet};

    /// The patterns of people's numbers.
    fn patterns(region: &Metadata) -> impl Iterator<Item = &str> {
        let kinds = [region.descriptors().fixed_line(), region.descriptors().mobile()];
        kinds.into_iter().flatten().map(|kind| kind.national_number().as_str())
    }

    /// The lengths of the numbers that match a pattern and begin so.
    fn lengths(pattern: &str, beginning: &str) -> BTreeSet<usize> {
        let dfa = dense::Builder::new()
            .configure(dense::Config::new().start_kind(StartKind::Anchored))
            .syntax(syntax::Config::new().unicode(false).utf8(false).ignore_whitespace(true))
            .build(&std::format!("(?:{pattern})$"))
            .unwrap();
        let start = dfa.start_state_forward(&Input::new("").anchored(Anchored::Yes)).unwrap();
        let start = beginning.bytes().fold(start, |state, digit| dfa.next_state(state, digit));
        let (mut states, mut lengths) = (BTreeSet::from([start]), BTreeSet::new());
        for length in beginning.len()..=15 {
            if states.iter().any(|state| dfa.is_match_state(dfa.next_eoi_state(*state))) {
                lengths.insert(length);
            }
            let next = |state: &StateID| (b'0'..=b'9').map(|digit| dfa.next_state(*state, digit)).collect();
            states = states.iter().flat_map::<Vec<StateID>, _>(next).collect();
        }
        lengths
    }

    #[test]
    fn the_tables_are_what_the_metadata_says() {
        let (mut people, mut people_zero) = (BTreeMap::new(), BTreeMap::new());
        let mut any_zero: BTreeMap<u16, BTreeSet<usize>> = BTreeMap::new();
        let mut trunks = BTreeSet::new();
        for region in DATABASE.iter() {
            let code = region.country_code();
            let (all, zero): (&mut BTreeSet<usize>, &mut BTreeSet<usize>) =
                (people.entry(code).or_default(), people_zero.entry(code).or_default());
            for pattern in patterns(region) {
                all.extend(lengths(pattern, ""));
                zero.extend(lengths(pattern, "0"));
            }
            let general = region.descriptors().general().national_number().as_str();
            any_zero.entry(code).or_default().extend(lengths(general, "0"));
            trunks.extend(region.national_prefix().filter(|trunk| *trunk != "0").map(|trunk| (code, trunk)));
        }
        let zero = |(code, lengths): (&u16, &BTreeSet<usize>)| {
            // The number of a service that is as long as a person's with a leading zero cannot be told from
            // it.
            let kept = |length: &&usize| {
                people_zero[code].contains(length) || !people[code].contains(&(**length - 1))
            };
            let bits: u16 = lengths.iter().filter(kept).map(|length| 1 << length).sum();
            (bits != 0).then_some((*code, bits))
        };
        let mut zeros: Vec<(u16, u16)> = any_zero.iter().filter_map(zero).collect();
        zeros.push((881, 1 << 9));
        zeros.sort_unstable();
        assert_eq!(ZEROS.as_slice(), zeros);
        let longest = |code: u16| u8::try_from(*people[&code].last().unwrap()).unwrap();
        let mut trunks: Vec<(u16, &str, u8)> =
            trunks.into_iter().map(|(code, trunk)| (code, trunk, longest(code))).collect();
        trunks.extend(
            [(52, "1"), (54, "0"), (55, "0"), (57, "0")].map(|(code, trunk)| (code, trunk, longest(code))),
        );
        trunks.sort_unstable();
        assert_eq!(TRUNKS.as_slice(), trunks);
    }

    #[test]
    fn every_country_code_is_known() {
        for region in DATABASE.iter() {
            let code = region.country_code().to_string();
            assert_eq!(split(&std::format!("{code}123456789")), (code.as_str(), "123456789"));
        }
    }
}
