//! The settings of an account's feed: the file `<account>.changes`.

use serde::Deserialize;
use std::str::FromStr;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

/// What an account's platform is told of, and where.
///
/// ```json
/// {"url": "https://platform.example/klaviyo", "profiles": true, "consent": true, "lists": ["Y6nRLr"]}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// Where the changes go.
    pub target: Target,
    /// Whether each change of a profile is told.
    pub profiles: bool,
    /// Whether the consent of each changed profile is told. It costs one more request to Klaviyo for each.
    pub consent: bool,
    /// The ids of the lists whose new members are told.
    pub lists: Vec<String>,
    /// Where the feed begins, once: RFC 3339. None: now.
    pub since: Option<String>,
    /// How long to wait before Klaviyo is asked again.
    pub every: Duration,
}

/// Where changes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the endpoint with this address.
    Url(Url),
    /// To this subject of NATS, which is a stream's.
    Subject(String),
}

/// The text holds no settings of a feed. The sentence says why, and what to write.
#[derive(Debug, thiserror::Error)]
pub enum FeedSettingsError {
    /// The text is no JSON, or has another field or another type.
    #[error("the settings of the changes cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A field has a value that cannot work.
    #[error("{0} {1}")]
    Field(&'static str, &'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    profiles: bool,
    #[serde(default)]
    consent: bool,
    #[serde(default)]
    lists: Vec<String>,
    since: Option<String>,
    every_seconds: Option<u64>,
}

/// How long to wait where the settings do not say so, in seconds.
const EVERY: u64 = 60;
/// The longest subject, in bytes.
const SUBJECT: usize = 255;

impl FromStr for FeedSettings {
    type Err = FeedSettingsError;

    fn from_str(text: &str) -> Result<Self, FeedSettingsError> {
        use FeedSettingsError::Field;
        let Written { url, subject, profiles, consent, lists, since, every_seconds } =
            serde_json::from_str(text)?;
        let target = match (url, subject) {
            (Some(url), None) => Target::Url(
                endpoint_address(&url)
                    .ok_or(Field("url", "is not an address such as https://platform.example/klaviyo"))?,
            ),
            (None, Some(subject)) if is_subject(&subject) => Target::Subject(subject),
            (None, Some(_)) => {
                return Err(Field(
                    "subject",
                    "is not a subject for changes: it has no wildcards or spaces, and does not begin with $, _ or klaviyo.",
                ));
            }
            _ => return Err(Field("url", "or subject says where the changes go: give one of the two")),
        };
        if !profiles && !consent && lists.is_empty() {
            return Err(Field("profiles,", "consent or lists says what is told: give one or more"));
        }
        if lists.iter().any(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            return Err(Field("lists", "has something else than ids of lists, such as Y6nRLr"));
        }
        if since.as_ref().is_some_and(|since| OffsetDateTime::parse(since, &Rfc3339).is_err()) {
            return Err(Field("since", "is not a time such as 2026-11-01T00:00:00Z"));
        }
        let every = every_seconds.unwrap_or(EVERY);
        if !(1..=86_400).contains(&every) {
            return Err(Field("every_seconds", "is from 1 to 86400"));
        }
        Ok(Self { target, profiles, consent, lists, since, every: Duration::from_secs(every) })
    }
}

/// Parses the address of an endpoint: one of HTTP without a user or a fragment. Whether it may be asked is up to the
/// process that does.
#[must_use]
pub fn endpoint_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_address = matches!(url.scheme(), "https" | "http")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    is_address.then_some(url)
}

fn is_subject(text: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && !b"*>".contains(&byte))
    };
    text.len() <= SUBJECT
        && text.split('.').all(is_token)
        && !text.starts_with(['$', '_'])
        && !text.starts_with("klaviyo.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FeedSettings, String> {
        text.parse().map_err(|error: FeedSettingsError| error.to_string())
    }

    #[test]
    fn settings_are_read() {
        let settings = parse(r#"{"url": "https://platform.example/hook?a=1", "lists": ["Y6nRLr"]}"#).unwrap();
        assert_eq!(settings.target, Target::Url("https://platform.example/hook?a=1".parse().unwrap()));
        assert_eq!((settings.profiles, settings.consent), (false, false));
        assert_eq!(settings.every, Duration::from_secs(60));
        let settings = parse(
            "{\"subject\": \"platform.shop-1\",\n\"consent\": true, \"since\": \"2026-11-01T00:00:00Z\"}",
        );
        assert_eq!(settings.unwrap().target, Target::Subject("platform.shop-1".to_owned()));
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_field() {
        for (text, field) in [
            (r#"{"profiles": true}"#, "url"),
            (r#"{"url": "https://a.example", "subject": "a", "profiles": true}"#, "url"),
            (r#"{"url": "ftp://a.example", "profiles": true}"#, "url"),
            (r#"{"url": "https://user:word@a.example", "profiles": true}"#, "url"),
            (r#"{"url": "a.example", "profiles": true}"#, "url"),
            (r#"{"url": "https://a.example/#x", "profiles": true}"#, "url"),
            (r#"{"url": "https://a.example"}"#, "profiles"),
            (r#"{"url": "https://a.example", "lists": ["WhatsApp Opt-Ins"]}"#, "lists"),
            (r#"{"url": "https://a.example", "profiles": true, "since": "yesterday"}"#, "since"),
            (r#"{"url": "https://a.example", "profiles": true, "every_seconds": 0}"#, "every_seconds"),
            (r#"{"url": "https://a.example", "profile": true}"#, "profile"),
            (r#"{"subject": "klaviyo.opt-ins.shop-1", "profiles": true}"#, "subject"),
            (r#"{"subject": "$JS.API.INFO", "profiles": true}"#, "subject"),
            (r#"{"subject": "a.*", "profiles": true}"#, "subject"),
            (r#"{"subject": "a..b", "profiles": true}"#, "subject"),
            (r#"{"subject": "a b", "profiles": true}"#, "subject"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(field), "{text}: {error}");
        }
        assert!(parse("").is_err() && parse("[]").is_err());
    }
}
