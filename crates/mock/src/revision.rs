//! The revisions of Klaviyo's API, and the dates of their retirement.

use std::fmt;

/// A revision that is served: one of the dates below.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Revision(&'static str);

/// Why a `revision` header is refused.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Wrong {
    /// It is no date.
    Unknown,
    /// The revision was retired, two years after its date.
    Retired,
}

impl Revision {
    /// The oldest that is served.
    pub(crate) const JANUARY_2025: Self = Self("2025-01-15");
    pub(crate) const JULY_2025: Self = Self("2025-07-15");
    pub(crate) const JANUARY_2026: Self = Self("2026-01-15");
    pub(crate) const APRIL_2026: Self = Self("2026-04-15");
    pub(crate) const JULY_2026: Self = Self("2026-07-15");

    const SERVED: [Self; 8] = [
        Self::JANUARY_2025,
        Self("2025-04-15"),
        Self::JULY_2025,
        Self("2025-10-15"),
        Self::JANUARY_2026,
        Self::APRIL_2026,
        Self::JULY_2026,
        Self("2026-10-15"),
    ];

    /// The revision for a header: the newest that is not newer than the date in it. Unproven for dates after
    /// the newest revision, which get that one.
    pub(crate) fn parse(header: &str) -> Result<Self, Wrong> {
        let date = header.split_once('.').map_or(header, |(date, _suffix)| date);
        if !is_date(date) {
            return Err(Wrong::Unknown);
        }
        Self::SERVED.into_iter().rev().find(|revision| revision.0 <= date).ok_or(Wrong::Retired)
    }

    /// The date from which requests with this revision are answered with 410.
    pub(crate) fn retirement(self) -> String {
        let (year, day) = self.0.split_once('-').unwrap_or_default();
        format!("{}-{day}", year.parse::<u16>().unwrap_or_default().saturating_add(2))
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
            ("2025-01-15", Ok("2025-01-15")),
            ("2025-02-01", Ok("2025-01-15")),
            ("2026-10-15", Ok("2026-10-15")),
            ("2026-10-15.pre", Ok("2026-10-15")),
            ("2027-01-01", Ok("2026-10-15")),
            ("2025-01-14", Err(Wrong::Retired)),
            ("2023-01-24", Err(Wrong::Retired)),
            ("latest", Err(Wrong::Unknown)),
            ("", Err(Wrong::Unknown)),
        ] {
            assert_eq!(Revision::parse(header), revision.map(Revision), "{header}");
        }
        assert_eq!(Revision::JANUARY_2025.retirement(), "2027-01-15");
    }
}
