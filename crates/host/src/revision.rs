//! Revisions of Klaviyo's API, which are retired two years after they appear.

use http::HeaderMap;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How long before the retirement the warning starts.
const NOTICE: Duration = Duration::from_secs(120 * 24 * 60 * 60);

/// The most pairs of revisions that a tenant is told of. Klaviyo has about eight revisions at a time.
const PAIRS: usize = 64;
/// The most bytes of a revision that is logged, with a suffix such as `.pre`.
const REVISION_BYTES: usize = 24;

/// A revision of the API, such as `2025-01-15`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(String);

/// Why it is not a revision.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a revision of Klaviyo's API; they are dates such as 2025-01-15")]
pub struct RevisionError(String);

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        if shape.eq(*b"0000-00-00") && date(text).is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(RevisionError(text.to_owned()))
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Revision {
    /// The value of the header.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// When Klaviyo retires an API revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retirement<'a> {
    /// The revision by which an answer was made, such as `2025-01-15`.
    pub revision: &'a str,
    /// The beginning of the day, in UTC.
    pub date: SystemTime,
}

/// The retirement that an answer tells; none if it tells none, or not in Klaviyo's way.
pub(crate) fn retirement(answer: &HeaderMap) -> Option<Retirement<'_>> {
    let text = |name: &str| answer.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let revision = text("x-klaviyo-api-revision").filter(|revision| is_revision(revision))?;
    Some(Retirement { revision, date: date(text("x-klaviyo-api-retirement-date")?)? })
}

/// Whether a text is a revision, with a suffix such as `.pre` perhaps.
fn is_revision(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    plain && text.len() <= REVISION_BYTES && date(text).is_some()
}

/// What a tenant has been warned of, so that each warning is logged once.
#[derive(Debug, Default)]
pub(crate) struct RevisionWarnings {
    retirement: AtomicBool,
    /// The revisions that were asked for, and those that were served instead.
    others: Mutex<HashSet<(String, String)>>,
}

impl RevisionWarnings {
    /// Warns when an answer has another revision than the one that was asked for, and when its revision is retired
    /// soon. Klaviyo does not refuse a retired revision: it answers as the next one, whose answers may have another
    /// form.
    pub(crate) fn note(&self, asked: Option<&str>, answer: &HeaderMap, tenant: &str) {
        let text = |name: &str| answer.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let served = text("x-klaviyo-api-revision");
        if let (Some(asked), Some(served)) = (asked, served)
            && self.is_news(asked, served)
        {
            tracing::warn!(
                tenant,
                asked,
                served,
                "Klaviyo answers by another API revision than the one that was asked for, which is retired or unknown; \
                 update the connector, or set one that Klaviyo serves: `revision` of the tenant, or --revision of the command"
            );
        }
        let Some(retired) = text("x-klaviyo-api-retirement-date") else { return };
        let soon = date(retired).is_some_and(|date| date < SystemTime::now() + NOTICE);
        if soon && !self.retirement.swap(true, Ordering::Relaxed) {
            let revision = served.unwrap_or("that is asked for");
            tracing::warn!(
                tenant,
                revision,
                retired,
                "Klaviyo retires this API revision; set a later one: `revision` of the tenant, or --revision of \
                 the command"
            );
        }
    }

    /// Whether the two differ, and this tenant has not been told so.
    fn is_news(&self, asked: &str, served: &str) -> bool {
        if asked == served || !is_revision(asked) || !is_revision(served) {
            return false;
        }
        let mut others = self.others.lock();
        others.len() < PAIRS && others.insert((asked.to_owned(), served.to_owned()))
    }
}

fn date(text: &str) -> Option<SystemTime> {
    let day = text.get(..10)?;
    humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_dates() {
        assert!("2025-01-15".parse::<Revision>().unwrap() < "2026-07-15".parse::<Revision>().unwrap());
        for text in
            ["", "2025-1-15", "2025-13-45", "2025-01-15.pre", "latest", " 2025-01-15", "２０２５-01-15"]
        {
            assert!(text.parse::<Revision>().is_err(), "{text}");
        }
    }

    #[test]
    fn another_revision_is_news_once_for_each_pair() {
        let warnings = RevisionWarnings::default();
        for (asked, served, is_news) in [
            ("2025-01-15", "2025-01-15", false),
            ("2025-01-15", "2025-04-15", true),
            ("2025-01-15", "2025-04-15", false),
            ("2025-01-15", "2025-07-15", true),
            ("2025-07-15", "2025-04-15", true),
            ("2026-01-15.pre", "2026-01-15.pre", false),
            ("2026-01-15.pre", "2026-01-15", true),
            ("2025-01-15", "none", false),
            ("2025-01-15", "2025-04-15 and a long story", false),
            ("2025-01-15", "", false),
        ] {
            assert_eq!(warnings.is_news(asked, served), is_news, "{asked} {served}");
        }
    }

    #[test]
    fn a_server_that_makes_revisions_up_fills_no_memory() {
        let warnings = RevisionWarnings::default();
        let told = (1_000..2_000).filter(|year| warnings.is_news("2025-01-15", &format!("{year}-01-15")));
        assert!(told.count() <= PAIRS);
    }
}
