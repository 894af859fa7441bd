//! The cursor: where the next page begins, and which items were told already.

use super::fingerprint::Fingerprint;
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// The most told items that a cursor remembers. Where more changed within a look-back, the oldest are forgotten, and may
/// be told again.
const MAX_TOLD: usize = 100_000;
/// The first byte of a cursor.
const VERSION: u8 = 1;

/// The state between two pages. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// What it reads, such as `profiles`.
    pub(crate) subject: String,
    /// Seconds for which an item may appear late.
    pub(crate) look_back: u32,
    /// The start of this round.
    pub(crate) start: i64,
    /// The time from which the next page is asked for. Older items are not told.
    pub(crate) from: i64,
    /// The newest time that was read, as far as it is before its round began: what became visible during the round may
    /// have been passed over. After a round of times of Klaviyo's clock it is at most an hour before that round began.
    pub(crate) newest: i64,
    /// When this round began, by Klaviyo's clock; none before its first page, or if Klaviyo did not say it.
    pub(crate) began: Option<i64>,
    /// Klaviyo's link to the next page, without the origin, where more items than a page have one time.
    pub(crate) link: Option<String>,
    /// The items that were told and would be read again, by time.
    pub(crate) told: Vec<Told>,
}

/// An item that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) time: i64,
    pub(crate) fingerprint: u64,
}

impl Cursor {
    /// The start of the next round, by what was read so far.
    pub(crate) fn horizon(&self) -> i64 {
        self.start.max(self.newest.saturating_sub(self.back()))
    }

    /// The latest time of items that are in their places for certain. A later item may be changing its place: it is in
    /// its old one with its new time, perhaps beside many that change with it.
    pub(crate) fn settled(&self) -> i64 {
        self.began.map_or(i64::MAX, |began| began.saturating_sub(self.back()))
    }

    /// The look-back in milliseconds.
    fn back(&self) -> i64 {
        i64::from(self.look_back).saturating_mul(1_000)
    }

    /// Whether an item was told.
    pub(crate) fn has(&self, item: &Told) -> bool {
        self.told.binary_search(item).is_ok()
    }

    /// Remembers items that are told now.
    pub(crate) fn add(&mut self, mut items: Vec<Told>) {
        items.sort_unstable();
        let Some(first) = items.first() else { return };
        // Merged, and from where they begin: the others can be a hundred thousand.
        let place = self.told.partition_point(|told| told < first);
        let mut later = self.told.split_off(place).into_iter().peekable();
        for item in items {
            while let Some(told) = later.next_if(|told| *told < item) {
                self.told.push(told);
            }
            if later.peek() != Some(&item) && self.told.last() != Some(&item) {
                self.told.push(item);
            }
        }
        self.told.extend(later);
    }

    /// Forgets what is not read again.
    pub(crate) fn forget(&mut self) {
        let again = self.horizon().min(self.from);
        let old = self.told.partition_point(|told| told.time < again);
        let surplus = self.told.len().saturating_sub(MAX_TOLD);
        self.told.drain(..old.max(surplus));
    }

    /// The cursor as text, of letters, digits, `-` and `_`.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(64 + self.told.len() * 12);
        bytes.push(VERSION);
        put_text(&mut bytes, &self.subject);
        put(&mut bytes, self.look_back.into());
        for time in [self.start, self.from, self.newest] {
            put(&mut bytes, zigzag(time));
        }
        put_text(&mut bytes, self.link.as_deref().unwrap_or_default());
        put(&mut bytes, self.began.is_some().into());
        put(&mut bytes, zigzag(self.began.unwrap_or_default()));
        let mut before = 0_i64;
        for told in &self.told {
            put(&mut bytes, zigzag(told.time.wrapping_sub(before)));
            before = told.time;
            bytes.extend_from_slice(&told.fingerprint.to_le_bytes());
        }
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        base64(&bytes)
    }

    /// Reads the text of a cursor; none if it is none, was cut or altered.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = from_base64(text)?;
        let (bytes, sum) = bytes.split_last_chunk()?;
        if checksum(bytes) != u64::from_le_bytes(*sum) {
            return None;
        }
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let subject = take_text(&mut rest)?;
        let look_back = take(&mut rest)?.try_into().ok()?;
        let mut time = || take(&mut rest).map(unzigzag);
        let (start, from, newest) = (time()?, time()?, time()?);
        let link = Some(take_text(&mut rest)?).filter(|link| !link.is_empty());
        let (is_known, began) = (take(&mut rest)?, unzigzag(take(&mut rest)?));
        let began = (is_known != 0).then_some(began);
        let mut told = Vec::new();
        let mut before = 0_i64;
        while !rest.is_empty() {
            before = before.wrapping_add(unzigzag(take(&mut rest)?));
            let (fingerprint, others) = rest.split_first_chunk()?;
            rest = others;
            told.push(Told { time: before, fingerprint: u64::from_le_bytes(*fingerprint) });
        }
        let sorted = told.is_sorted();
        sorted.then_some(Self { subject, look_back, start, from, newest, began, link, told })
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = Fingerprint::default();
    core::hash::Hasher::write(&mut sum, bytes);
    core::hash::Hasher::finish(&sum)
}

/// Small numbers of either sign as small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Writes a number, seven bits in a byte, the lowest first.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    core::str::from_utf8(text).ok().map(ToOwned::to_owned)
}

/// The alphabet of RFC 4648 for URLs. There is no padding.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = (group >> (18 - 6 * place)) & 63;
            text.push(ALPHABET.get(digit as usize).copied().unwrap_or(b'A'));
        }
    }
    // All of it is of the alphabet.
    String::from_utf8(text).unwrap_or_default()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        Some(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        })
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut group = 0_u32;
        for byte in chunk {
            group = group << 6 | u32::from(digit(*byte)?);
        }
        let group = group << (6 * (4 - chunk.len()));
        let [_, whole @ ..] = group.to_be_bytes();
        bytes.extend_from_slice(whole.get(..chunk.len().checked_sub(1).filter(|n| *n > 0)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeSet, format};
    use proptest::prelude::*;

    fn cursors() -> impl Strategy<Value = Cursor> {
        let told = prop::collection::vec((any::<i64>(), any::<u64>()), 0..50);
        (".*", any::<u32>(), any::<[i64; 3]>(), any::<Option<i64>>(), prop::option::of(".+"), told).prop_map(
            |(subject, look_back, [start, from, newest], began, link, told)| {
                let mut told: Vec<_> =
                    told.into_iter().map(|(time, fingerprint)| Told { time, fingerprint }).collect();
                told.sort_unstable();
                Cursor { subject, look_back, start, from, newest, began, link, told }
            },
        )
    }

    proptest! {
        #[test]
        fn the_text_of_a_cursor_is_read_back(cursor in cursors()) {
            let text = cursor.encode();
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            prop_assert_eq!(Cursor::decode(&text), Some(cursor));
        }

        #[test]
        fn what_is_told_is_remembered_once_and_in_order(
            pages in prop::collection::vec(prop::collection::vec((0..20_i64, 0..3_u64), 0..9), 0..9)
        ) {
            let mut cursor = empty();
            let mut all = BTreeSet::new();
            for page in pages {
                let page = page.into_iter().map(|(time, fingerprint)| Told { time, fingerprint });
                let page: Vec<_> = page.collect();
                all.extend(page.iter().copied());
                cursor.add(page);
                prop_assert!(cursor.told.iter().eq(&all));
            }
        }

        #[test]
        fn a_cut_or_altered_cursor_is_none(cursor in cursors(), place in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]") {
            let text = cursor.encode();
            let (before, rest) = text.split_at(place.index(text.len()));
            prop_assert_eq!(Cursor::decode(before), None);
            prop_assert_eq!(Cursor::decode(&format!("{text}{with}")), None);
            let altered = format!("{before}{with}{}", rest.split_at(1).1);
            let read = Cursor::decode(&altered);
            // The last digit has bits that mean nothing.
            prop_assert!(read.is_none() || read == Some(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in ".*") {
            let _ = Cursor::decode(&text);
        }

        #[test]
        fn any_bytes_with_their_checksum_are_a_cursor_or_none(mut bytes in any::<Vec<u8>>()) {
            let sum = checksum(&bytes);
            bytes.extend_from_slice(&sum.to_le_bytes());
            let _ = Cursor::decode(&base64(&bytes));
        }
    }

    fn empty() -> Cursor {
        Cursor {
            subject: String::new(),
            look_back: 86_400,
            start: 0,
            from: 0,
            newest: 0,
            began: None,
            link: None,
            told: Vec::new(),
        }
    }

    #[test]
    fn the_oldest_are_forgotten_beyond_the_most() {
        let mut cursor = empty();
        let told: Vec<_> = (0..).map(|time| Told { time, fingerprint: 7 }).take(MAX_TOLD + 3).collect();
        cursor.add(told.clone());
        cursor.forget();
        assert_eq!(cursor.told, told[3..]);
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    }
}
