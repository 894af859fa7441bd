//! What differs between what a fixture says and what happened, in words.

use crate::fixture::{Request, Returns};
use crate::{Sent, exact};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// Compares a request with what a fixture expects; each difference is a phrase.
pub(crate) fn request(expected: &Request, sent: &Sent) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differs = |what: &str, expected: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        differences.push(format!("{what}: expected {expected:?}, got {got:?}"));
    };
    if expected.method != sent.method {
        differs("method", &expected.method, &sent.method);
    }
    if expected.auth != sent.auth {
        differs("auth", &expected.auth, &sent.auth);
    }
    if !is_same_url(&expected.url, &sent.url) {
        differs("url", &expected.url, &sent.url);
    }
    for (name, value) in &expected.headers {
        let got: Vec<&String> =
            sent.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v).collect();
        if got != [value] {
            differs(&format!("header {name}"), &[value], &got);
        }
    }
    for (name, _) in &sent.headers {
        if ["authorization", "host"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            differences.push(format!("header {name}: it is the host's, and was sent"));
        }
    }
    differences.extend(raw_url(&sent.url));
    differences.extend(body(expected, &sent.body));
    differences
}

/// Whether a URL that was sent is the expected one, however that is spelled.
pub(crate) fn is_same_url(expected: &str, sent: &str) -> bool {
    let (expected, sent) = (Parts::of(expected), Parts::of(sent));
    // An expected path with escapes means them: a slash in an id is not a slash between segments.
    let same_segments = !expected.path_has_escapes || expected.segments == sent.segments;
    expected.is_like(&sent) && same_segments
}

pub(crate) fn body(expected: &Request, sent: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(sent);
    match (&expected.json, &expected.body) {
        (Some(json), _) => match serde_json::from_slice(sent) {
            Ok(value) => exact::differences("body", json, value, exact::is_null),
            Err(error) => vec![format!("body: it is not JSON ({error}): {text:?}")],
        },
        (None, expected) => {
            let expected = expected.as_deref().unwrap_or_default();
            if expected == text {
                Vec::new()
            } else {
                vec![format!("body: expected {expected:?}, got {text:?}")]
            }
        }
    }
}

/// A URL taken apart and decoded. By hand rather than with a URL parser, since a fixture's URL is for people:
/// it need not be encoded.
struct Parts {
    scheme_and_host: String,
    path_has_escapes: bool,
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl Parts {
    fn of(url: &str) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (rest, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut query: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        query.sort();
        Self {
            scheme_and_host: format!("{scheme}://{host}"),
            path_has_escapes: path.contains('%'),
            segments: path.split('/').map(decode).collect(),
            query,
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        let path = |parts: &Self| parts.segments.join("/");
        self.scheme_and_host == other.scheme_and_host
            && path(self) == path(other)
            && self.query == other.query
    }
}

/// What is wrong with a URL as it was sent, byte for byte.
fn raw_url(url: &str) -> Option<String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let stray = query.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._~%=&".contains(*c)));
    if let Some(stray) = stray {
        return Some(format!("url: {stray:?} in the query must be percent-encoded: {url}"));
    }
    let escapes = query.split('%').skip(1);
    let is_escape = |rest: &str| rest.get(..2).is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    if !escapes.into_iter().all(is_escape) {
        return Some(format!("url: a % in the query must be percent-encoded: {url}"));
    }
    match url::Url::parse(url) {
        Ok(parsed) if parsed.as_str() == url => None,
        Ok(parsed) => Some(format!("url: {url} is read as {parsed}")),
        Err(error) => Some(format!("url: {url} is not a URL ({error})")),
    }
}

/// Compares what a call returned with what a fixture expects.
pub(crate) fn returned(expected: &Returns, got: &Value) -> Vec<String> {
    let (case, value, may_be_more): (_, _, fn(&RawValue) -> bool) = match expected {
        Returns::Ok(value) => ("ok", value, is_none_or_empty),
        Returns::OkIncludes(value) => ("ok", value, |_| true),
        Returns::Err(value) => ("err", value, |_| true),
    };
    match got.get(case).map(to_raw_value) {
        Some(Ok(payload)) => exact::differences(case, value, &payload, may_be_more),
        _ => vec![format!("returned: expected {case}, got {got}")],
    }
}

/// What a field may be that a record has got since a fixture was written: none, or an empty list.
fn is_none_or_empty(value: &RawValue) -> bool {
    exact::is_null(value) || exact::is_empty_list(value)
}

#[cfg(test)]
mod tests {
    use super::{Parts, raw_url};

    #[test]
    fn a_slash_in_a_segment_is_not_one_between_segments() {
        let (one, two) = (Parts::of("https://h/a%2Fb/c"), Parts::of("https://h/a/b/c/"));
        assert!(one.is_like(&two));
        assert_ne!(one.segments, two.segments);
    }

    #[test]
    fn what_is_sent_is_encoded_byte_for_byte() {
        for url in ["https://h/?a=b%20c", "https://h/a%2Fb?x=%22&y=%C3%A9", "https://h/"] {
            assert_eq!(raw_url(url), None);
        }
        for url in [
            "https://h/?a=b c",
            "https://h/?a=\"",
            "https://h/?a=+",
            "https://h/?a=é",
            "https://h/?a=1%",
            "https://h/?a=%zz",
            "https://h/?a=b#c",
            "https://h/a/../b",
            "https://h/a b",
            "https://H/",
            "h/a",
            "",
        ] {
            assert!(raw_url(url).is_some(), "{url}");
        }
    }
}
