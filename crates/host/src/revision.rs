//! Revisions of Klaviyo's API, which are retired two years after they appear.

use http::HeaderMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How long before the retirement the warning starts.
const NOTICE: Duration = Duration::from_secs(120 * 24 * 60 * 60);

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

/// Whether the warning about the retirement has been logged.
#[derive(Debug, Default)]
pub(crate) struct Retirement(AtomicBool);

impl Retirement {
    /// Warns, once, when an answer says that its revision is retired soon.
    pub(crate) fn note(&self, headers: &HeaderMap, tenant: &str) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(retired) = text("x-klaviyo-api-retirement-date") else { return };
        let soon = date(retired).is_some_and(|date| date < SystemTime::now() + NOTICE);
        if soon && !self.0.swap(true, Ordering::Relaxed) {
            let revision = text("x-klaviyo-api-revision").unwrap_or("that is asked for");
            tracing::warn!(
                tenant,
                revision,
                retired,
                "Klaviyo retires this API revision; raise Tenant's revision"
            );
        }
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
}
