//! Changes inputs, without a look at the code that reads them.

use crate::MAX_BYTES;
use fastrand::Rng;
use std::ops::Range;

/// The most changes of one input.
const MAX_CHANGES: usize = 5;
/// The most times that a part is repeated.
const MAX_REPEATS: usize = 300;

/// What formats and their readers have trouble with.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ";",
    "'",
    "(",
    ")",
    "|",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\u{1a}",
    "\u{1e}",
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-1",
    "1e400",
    "-0",
    "0.0",
    "18446744073709551616",
    "99999999999999999999999",
    "9007199254740993",
    "\\u0000",
    "\\ud800",
    "\\\"",
    "\u{feff}",
    "\u{200b}",
    "\u{202e}",
    "\u{a0}",
    "\u{ad}",
    "\u{ff10}",
    "\u{ff0b}",
    "é",
    "٣",
    "𝟘",
    "%",
    "%00",
    "%2F",
    "%25",
    "..",
    "/",
    "//",
    "?",
    "#",
    "&",
    "=",
    "@",
    "*.",
    "://",
    "https://",
    "http://",
    "https://a.klaviyo.com",
    "https://a.klaviyo.com/api/lists/?page=",
    "[::1]",
    "127.0.0.1",
    "0x7f.1",
    ":443",
    ":65536",
    "+",
    "00",
    "(0)",
    "+44",
    "+39 0",
    "+55",
    "+521",
    "x5",
    ".0",
    "e+11",
    "tel:",
    "mailto:",
    "<",
    ">",
    "\"data\":",
    "\"links\":{\"next\":",
    "\"id\":",
    "\"errors\":[",
    "sep=;\n",
    "{now}",
    "{signature}",
    "{cut}",
    "v1,",
    "sha256=",
    "200",
    "204",
    "400",
    "401",
    "403",
    "404",
    "409",
    "429",
    "500",
    "599",
    "retry-after: ",
    "2025-03-01T12:00:00Z",
    "9999-12-31T23:59:60+14:00",
    "0000-01-01T00:00:00-00:00",
];

/// An input made of one of the seeds, changed in some places.
pub fn mutated(random: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = any(random, seeds).to_vec();
    for _ in 0..random.usize(1..=MAX_CHANGES) {
        change(random, &mut input, seeds);
    }
    input.truncate(MAX_BYTES);
    input
}

fn change(random: &mut Rng, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let part = part(random, input.len());
    let with: Vec<u8> = match random.u8(0..8) {
        0 => Vec::new(),
        1 => vec![random.u8(..)],
        2 => {
            let own = input.get(part.clone()).unwrap_or_default();
            own.repeat(random.usize(2..=MAX_REPEATS).min(MAX_BYTES / own.len().max(1)))
        }
        3 => {
            let other = any(random, seeds);
            other.get(self::part(random, other.len())).unwrap_or_default().to_vec()
        }
        4 => {
            let mut own = input.get(part.clone()).unwrap_or_default().to_vec();
            own.reverse();
            own
        }
        _ => random.choice(WORDS).copied().unwrap_or_default().as_bytes().to_vec(),
    };
    // Half of the changes only add something.
    let end = if random.bool() { part.start } else { part.end };
    input.splice(part.start..end, with);
}

/// A part of so many bytes: mostly a few, at times many.
fn part(random: &mut Rng, length: usize) -> Range<usize> {
    let start = random.usize(0..=length);
    let most = if random.u8(0..4) == 0 { length } else { 4 };
    start..length.min(start + random.usize(0..=most))
}

fn any<'a>(random: &mut Rng, seeds: &'a [Vec<u8>]) -> &'a [u8] {
    random.choice(seeds).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_most_of_them_differ() {
        let seeds = [b"{\"email\":\"priya@example.com\"}".to_vec(), b"+91 98200 00001".to_vec()];
        let inputs = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..500).map(|_| mutated(&mut random, &seeds)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
        let mut distinct = inputs(7);
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 400, "{}", distinct.len());
        assert!(distinct.iter().all(|input| input.len() <= MAX_BYTES));
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let mut random = Rng::with_seed(1);
        for _ in 0..200 {
            mutated(&mut random, &[]);
            mutated(&mut random, &[Vec::new()]);
        }
    }
}
