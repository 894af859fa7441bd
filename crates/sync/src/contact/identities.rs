//! Finds two people in one input who share an identifier, such as a family's phone number, and differ in
//! another.
//!
//! Klaviyo has one profile for an identifier: the second person would overwrite the first or get lost, and
//! nobody would notice.

use hashbrown::HashTable;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// The names of the kinds in a report, in the order of [`Identities::kinds`].
const NAMES: [&str; 3] = ["email", "phone-number", "external-id"];

/// The identifiers of the rows so far.
///
/// It keeps hashes of 64 bits, keyed anew in each process, and no identifier. Two of a million identifiers
/// have the same hash in fewer than one input of ten million. A row with two identifiers takes about 45
/// bytes. A row with one identifier, or with the same ones as an earlier row, takes none.
#[derive(Default)]
pub(crate) struct Identities {
    state: RandomState,
    /// The line of each row that is remembered.
    lines: Vec<u32>,
    kinds: [Hashes; 3],
}

/// The identifiers of one kind.
#[derive(Default)]
struct Hashes {
    /// The hash of each remembered row; 0 is none. It may be shorter than the list of rows.
    hashes: Vec<u64>,
    /// The remembered rows by their hash.
    rows: HashTable<u32>,
}

/// Why a row clashes with an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// The kind of identifier that both share.
    pub(crate) field: &'static str,
    /// The kind of identifier that both have and in which they differ.
    pub(crate) other: &'static str,
    pub(crate) line_of_the_first: u64,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, other, line_of_the_first } = self;
        write!(
            f,
            "line {line_of_the_first} has the same {field} and another {other}; they are one profile at Klaviyo: correct \
             one of them, or leave its {field} out"
        )
    }
}

impl Identities {
    /// Looks for an earlier row that shares one of these identifiers and differs in another. If there are
    /// several, it names the earliest. If there is none, it remembers this row.
    ///
    /// It takes identifiers as they are sent: emails in any case, phone numbers as E.164.
    ///
    /// It is called once for each row that is not refused for another reason, in the order of the input. A
    /// sync that goes on passes its earlier rows too, so that the same rows clash as before.
    ///
    /// Rows after the line 4,294,967,295 are compared with those before it and not remembered.
    pub(crate) fn seen(
        &mut self,
        line: u64,
        email: Option<&str>,
        phone: Option<&str>,
        external_id: Option<&str>,
    ) -> Option<Clash> {
        let email = email.map(|email| self.hash(email.chars().flat_map(char::to_lowercase)));
        let row =
            [email, phone.map(|phone| self.hash(phone.chars())), external_id.map(|id| self.hash(id.chars()))];
        // A row with one identifier shares the profile of whoever has it, and cannot differ.
        if row.iter().flatten().count() < 2 {
            return None;
        }
        let clash = self.clash(&row);
        if clash.is_none() && !self.is_known(&row) {
            self.remember(line, &row);
        }
        clash
    }

    fn hash(&self, characters: impl Iterator<Item = char>) -> u64 {
        let mut hasher = self.state.build_hasher();
        characters.for_each(|character| character.hash(&mut hasher));
        hasher.finish().max(1)
    }

    fn clash(&self, row: &[Option<u64>; 3]) -> Option<Clash> {
        let mut first: Option<Clash> = None;
        for (shared, field) in NAMES.into_iter().enumerate() {
            for earlier in self.sharing(shared, row) {
                let line_of_the_first = self.lines.get(earlier).copied().map_or(0, u64::from);
                let is_earlier = first.is_none_or(|first| line_of_the_first < first.line_of_the_first);
                let differs = |kind: usize| {
                    let mine = row.get(kind).copied().flatten();
                    mine.is_some() && self.get(kind, earlier).is_some_and(|theirs| mine != Some(theirs))
                };
                if let Some(other) = (0..).zip(NAMES).find(|(kind, _)| differs(*kind)).map(|(_, name)| name)
                    && is_earlier
                {
                    first = Some(Clash { field, other, line_of_the_first });
                }
            }
        }
        first
    }

    /// Whether an earlier row has all of these identifiers. Rows that do not clash share an identifier
    /// rarely: at most one for each set of kinds.
    fn is_known(&self, row: &[Option<u64>; 3]) -> bool {
        let Some(first) = row.iter().position(Option::is_some) else { return true };
        self.sharing(first, row).any(|earlier| {
            let mut mine = (0..).zip(row).filter(|(_, hash)| hash.is_some());
            mine.all(|(kind, hash)| self.get(kind, earlier) == *hash)
        })
    }

    /// The earlier rows with the same identifier of this kind.
    fn sharing(&self, kind: usize, row: &[Option<u64>; 3]) -> impl Iterator<Item = usize> {
        let hash = row.get(kind).copied().flatten();
        let of = hash.and_then(|hash| Some((hash, self.kinds.get(kind)?)));
        of.into_iter().flat_map(move |(hash, of)| {
            let rows = of.rows.iter_hash(hash).map(|earlier| *earlier as usize);
            rows.filter(move |earlier| of.hashes.get(*earlier) == Some(&hash))
        })
    }

    fn get(&self, kind: usize, row: usize) -> Option<u64> {
        let hash = self.kinds.get(kind)?.hashes.get(row)?;
        Some(*hash).filter(|hash| *hash != 0)
    }

    fn remember(&mut self, line: u64, row: &[Option<u64>; 3]) {
        let index = self.lines.len();
        let (Ok(line), Ok(number)) = (u32::try_from(line), u32::try_from(index)) else { return };
        self.lines.push(line);
        for (kind, hash) in self.kinds.iter_mut().zip(row) {
            let Some(hash) = hash else { continue };
            kind.hashes.resize(index, 0);
            kind.hashes.push(*hash);
            let Hashes { hashes, rows } = kind;
            rows.insert_unique(*hash, number, |row| hashes.get(*row as usize).copied().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of rows of email, phone and external id, on the lines from 2 on.
    fn clashes(rows: &[[&str; 3]]) -> Vec<Option<(&'static str, &'static str, u64)>> {
        let mut identities = Identities::default();
        let given = |text: &'_ str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let mut seen = |line, row: &[&str; 3]| {
            let [email, phone, id] = row.map(given);
            identities.seen(line, email.as_deref(), phone.as_deref(), id.as_deref())
        };
        let named = |clash: Clash| (clash.field, clash.other, clash.line_of_the_first);
        (2..).zip(rows).map(|(line, row)| seen(line, row).map(named)).collect()
    }

    #[test]
    fn the_second_of_two_people_with_one_identifier_is_told() {
        let rows = [
            ["mum@example.com", "+14155550177", ""],
            ["dad@example.com", "+14155550177", ""],
            ["Mum@Example.com", "+14155550178", ""],
            ["kid@example.com", "+14155550179", "7"],
            ["kit@example.com", "+14155550180", "7"],
        ];
        let told = clashes(&rows);
        assert_eq!(told[0], None);
        assert_eq!(told[1], Some(("phone-number", "email", 2)));
        assert_eq!(told[2], Some(("email", "phone-number", 2)));
        assert_eq!(told[3], None);
        assert_eq!(told[4], Some(("external-id", "email", 5)));
    }

    #[test]
    fn who_may_be_one_person_is_none() {
        let rows = [
            ["ana@example.com", "+14155550100", ""],
            // The same, in another case, with less, with more.
            ["ANA@example.com", "+14155550100", ""],
            ["ana@example.com", "", ""],
            ["", "+14155550100", ""],
            ["ana@example.com", "", "1"],
            ["ana@example.com", "+14155550100", "1"],
            // Nobody is known by one identifier.
            ["ben@example.com", "", ""],
            ["", "+14155550101", ""],
            ["ben@example.com", "+14155550101", ""],
            ["", "", ""],
        ];
        assert!(clashes(&rows).iter().all(Option::is_none), "{:?}", clashes(&rows));
    }

    #[test]
    fn what_is_refused_is_not_remembered() {
        let rows = [
            ["a@example.com", "+1", ""],
            ["b@example.com", "+1", ""],
            ["b@example.com", "+2", ""],
            ["a@example.com", "+2", ""],
        ];
        // The last clashes with both, and the earlier one is named.
        let expected = [None, Some(("phone-number", "email", 2)), None, Some(("email", "phone-number", 2))];
        assert_eq!(clashes(&rows), expected);
        let later = [
            ["a@example.com", "+1", ""],
            ["a@example.com", "", "x"],
            ["", "+1", "y"],
            ["a@example.com", "+1", "y"],
        ];
        assert_eq!(clashes(&later), [None, None, None, Some(("email", "external-id", 3))]);
    }

    #[test]
    fn many_rows_take_little() {
        let mut identities = Identities::default();
        let row = |n: u64| (format!("contact+{n}@example.com"), format!("+49301{n:07}"));
        for n in 0..50_000 {
            let (email, phone) = row(n);
            assert_eq!(identities.seen(n + 2, Some(&email), Some(&phone), None), None);
            assert_eq!(identities.seen(n + 2, Some(&email), Some(&phone), None), None);
            assert_eq!(identities.seen(n + 2, Some(&email), None, None), None);
        }
        for n in 0..50_000 {
            let (email, phone) = (row(n).0, row(n + 1).1);
            let clash = identities.seen(n + 60_000, Some(&email), Some(&phone), None).unwrap();
            assert_eq!(clash, Clash { field: "email", other: "phone-number", line_of_the_first: n + 2 });
        }
        assert_eq!(identities.lines.len(), 50_000);
        let bytes = |kind: &Hashes| 8 * kind.hashes.capacity() + kind.rows.allocation_size();
        let taken: usize =
            identities.kinds.iter().map(bytes).sum::<usize>() + 4 * identities.lines.capacity();
        assert!(taken < 60 * 50_000, "{taken} bytes");
        assert_eq!(bytes(&identities.kinds[2]), 0);
    }
}
