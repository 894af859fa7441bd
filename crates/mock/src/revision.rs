//! The revisions of Klaviyo's API, and what follows from their retirement.

use anyhow::{Context, Error};
use std::fmt;
use std::str::FromStr;

/// A revision of Klaviyo's API whose schemas the simulator knows, by its date, such as `2025-01-15`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Revision(&'static str);

/// The revision that answers a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Served {
    pub(crate) revision: Revision,
    /// Whether the request asked for a retired revision, and the oldest that lives answers.
    pub(crate) fell_forward: bool,
}

impl Revision {
    /// The oldest that the simulator knows.
    pub(crate) const JANUARY_2025: Self = Self("2025-01-15");
    pub(crate) const JULY_2025: Self = Self("2025-07-15");
    pub(crate) const OCTOBER_2025: Self = Self("2025-10-15");
    pub(crate) const JANUARY_2026: Self = Self("2026-01-15");
    pub(crate) const APRIL_2026: Self = Self("2026-04-15");
    const NEWEST: Self = Self("2026-10-15");

    const KNOWN: [Self; 8] = [
        Self::JANUARY_2025,
        Self("2025-04-15"),
        Self::JULY_2025,
        Self::OCTOBER_2025,
        Self::JANUARY_2026,
        Self::APRIL_2026,
        Self("2026-07-15"),
        Self::NEWEST,
    ];

    /// The revision that serves a header: the newest that is not newer than the date in it, or the oldest
    /// that lives; none if it is no date. Unproven for dates after the newest revision, which get that one.
    pub(crate) fn serving(header: &str, oldest: Self) -> Option<Served> {
        let date = header.split_once('.').map_or(header, |(date, _suffix)| date);
        if !is_date(date) {
            return None;
        }
        let mut living = Self::KNOWN.into_iter().rev().filter(|revision| *revision >= oldest);
        let asked = living.find(|revision| revision.0 <= date);
        Some(Served { revision: asked.unwrap_or(oldest), fell_forward: asked.is_none() })
    }

    /// The next revision; the newest has none.
    pub(crate) fn next(self) -> Option<Self> {
        Self::KNOWN.into_iter().find(|revision| *revision > self)
    }

    /// The date from which the next revision that lives answers instead.
    pub(crate) fn retirement(self) -> String {
        let (year, day) = self.0.split_once('-').unwrap_or_default();
        format!("{}-{day}", year.parse::<u16>().unwrap_or_default().saturating_add(2))
    }
}

impl FromStr for Revision {
    type Err = Error;

    /// Reads the date of a revision that the simulator knows.
    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::KNOWN.map(|revision| revision.0).join(", ");
        let revision = Self::KNOWN.into_iter().find(|revision| revision.0 == text);
        revision.with_context(|| format!("there is no revision {text:?}; there are {known}"))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn is_date(text: &str) -> bool {
    let digit = |(i, b): (usize, u8)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_revision_that_is_not_newer_answers() {
        for (header, revision) in [
            ("2025-01-15", "2025-01-15"),
            ("2025-02-01", "2025-01-15"),
            ("2026-10-15", "2026-10-15"),
            ("2026-10-15.pre", "2026-10-15"),
            ("2027-01-01", "2026-10-15"),
        ] {
            let served = Served { revision: revision.parse().unwrap(), fell_forward: false };
            assert_eq!(Revision::serving(header, Revision::JANUARY_2025), Some(served), "{header}");
        }
        for header in ["latest", ""] {
            assert_eq!(Revision::serving(header, Revision::JANUARY_2025), None, "{header}");
        }
        assert_eq!(Revision::JANUARY_2025.retirement(), "2027-01-15");
    }

    #[test]
    fn the_oldest_that_lives_answers_for_those_that_do_not() {
        let served = |revision, fell_forward| Some(Served { revision, fell_forward });
        let (january, july) = (Revision::JANUARY_2025, Revision::JULY_2025);
        assert_eq!(Revision::serving("2023-01-24", january), served(january, true));
        assert_eq!(Revision::serving("2025-01-14", january), served(january, true));
        assert_eq!(Revision::serving("2025-01-15", july), served(july, true));
        assert_eq!(Revision::serving("2025-07-15", july), served(july, false));
    }

    #[test]
    fn revisions_follow_each_other() {
        assert_eq!(Revision::JULY_2025.next(), Some(Revision::OCTOBER_2025));
        assert_eq!(Revision::NEWEST.next(), None);
        assert!("2025-01-16".parse::<Revision>().unwrap_err().to_string().contains("2025-04-15, 2025-07-15"));
    }
}
