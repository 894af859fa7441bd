//! What can go wrong, and what the person who reads it can do.

use crate::jsonapi::Errors;
use crate::{Method, Response, TransportError};
use serde::Serialize;
use std::fmt;

/// How much of an answer's body an error keeps.
const BODY_BYTES: usize = 4096;

/// What kind of failure it is, by what the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An argument cannot work; nothing was sent.
    InvalidInput,
    /// 401: the key is wrong.
    Unauthenticated,
    /// 403 from Klaviyo: the key lacks a scope.
    Forbidden,
    /// 404: what the call names does not exist.
    NotFound,
    /// 409, or an ambiguous name.
    Conflict,
    /// Any other 4xx.
    Rejected,
    /// 429.
    RateLimited,
    /// 410, or a complaint about the revision.
    Retired,
    /// 5xx.
    Unavailable,
    /// A page instead of an API answer.
    Blocked,
    /// The host's policy refused to send.
    Denied,
    /// No answer in time.
    Timeout,
    /// The connection failed.
    Connection,
    /// The request or the answer is larger than the host allows.
    TooLarge,
    /// The answer cannot be read.
    Malformed,
    /// Anything else.
    Other,
}

/// One entry of Klaviyo's `errors`; what Klaviyo left out is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Klaviyo's code, such as `duplicate_profile`.
    pub code: String,
    /// The title.
    pub title: String,
    /// The explanation.
    pub detail: String,
    /// The member of the body, the query parameter, or the argument that it is about.
    pub pointer: Option<String>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Error {
    /// The kind of failure.
    pub code: Code,
    /// What happened and what to do, for a person.
    pub message: String,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// Seconds to wait, from `Retry-After`; never invented.
    pub retry_after: Option<u32>,
    /// Klaviyo's `errors`; for invalid input, the field.
    pub details: Vec<Detail>,
    /// On a conflict: the id of the profile that holds an identifier.
    pub duplicate: Option<String>,
    /// Klaviyo's id of the request.
    pub request_id: Option<String>,
    /// The start of the answer's body, at most 4 KiB.
    pub body: String,
    /// How many items of the call Klaviyo had accepted before.
    pub done: u32,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    /// An error of the connector's own, without an answer.
    pub(crate) fn new(code: Code, message: String) -> Self {
        Self {
            code,
            message,
            status: None,
            retry_after: None,
            details: Vec::new(),
            duplicate: None,
            request_id: None,
            body: String::new(),
            done: 0,
        }
    }

    /// An argument that cannot work.
    pub(crate) fn invalid(field: &str, reason: &str) -> Self {
        let message = format!("{field}: {reason} (nothing was sent)");
        let detail = Detail {
            code: "invalid-input".to_owned(),
            title: String::new(),
            detail: reason.to_owned(),
            pointer: Some(field.to_owned()),
        };
        Self { details: vec![detail], ..Self::new(Code::InvalidInput, message) }
    }

    /// An answer that should be a success but cannot be read.
    pub(crate) fn malformed(response: &Response, reason: &str) -> Self {
        let status = response.status;
        let message = format!(
            "the answer (status {status}) is not what Klaviyo documents: {reason}; the request may have \
             taken effect; see whether something between the host and Klaviyo changes answers, else report it \
             with the body"
        );
        Self { message, ..Self::answered(Code::Malformed, response) }
    }

    /// An answer that Klaviyo took only in part, where the whole was needed.
    pub(crate) fn partial(response: &Response, parts: &str) -> Self {
        let message = format!(
            "Klaviyo took only a part of the request (it reports: {parts}); correct the rest and send it again"
        );
        Self { message, ..Self::answered(Code::Rejected, response) }
    }

    /// No answer.
    pub(crate) fn from_transport(error: TransportError) -> Self {
        let (code, message) = match error {
            TransportError::Denied(reason) => (
                Code::Denied,
                format!("the host did not send the request: {reason}; change the host's policy to allow it"),
            ),
            TransportError::Timeout(reason) => (
                Code::Timeout,
                format!(
                    "no answer in the time that the host allows: {reason}; the request may have taken effect; \
                     repeat the call, which is safe, or raise the host's timeout"
                ),
            ),
            TransportError::Connection(reason) => (
                Code::Connection,
                format!(
                    "the connection failed: {reason}; the request may have taken effect; repeat the call, \
                     which is safe"
                ),
            ),
            TransportError::TooLarge(reason) => {
                (Code::TooLarge, format!("larger than the host allows: {reason}; raise the host's limit"))
            }
            TransportError::Other(reason) => {
                (Code::Other, format!("the host could not send the request: {reason}"))
            }
        };
        Self::new(code, message)
    }

    /// An answer that is not a success. `scopes` are those that the operation needs.
    pub(crate) fn from_response(response: &Response, method: Method, scopes: &[&str]) -> Self {
        let document: Errors = serde_json::from_slice(&response.body).unwrap_or_default();
        let mut error = Self::answered(Code::Other, response);
        let mut errors = document.errors.into_iter();
        for object in &mut errors {
            error.request_id = error.request_id.or_else(|| object.id.clone());
            error.duplicate = error.duplicate.or_else(|| object.meta.duplicate_profile_id.clone());
            error.details.push(object.into());
        }
        error.code = classify(response, &error.details);
        error.message = advice(&error, method, scopes);
        error
    }

    /// What every error about an answer has.
    fn answered(code: Code, response: &Response) -> Self {
        Self {
            status: Some(response.status),
            retry_after: response.header("retry-after").and_then(whole_seconds),
            request_id: response.header("x-klaviyo-req-id").map(str::to_owned),
            body: excerpt(&response.body),
            ..Self::new(code, String::new())
        }
    }

    /// Says what had been achieved before this error.
    pub(crate) fn after(self, achieved: &str) -> Self {
        Self { message: format!("{achieved}, but then: {}", self.message), ..self }
    }
}

/// What an answer's status means. A page of the network in front of Klaviyo is told from Klaviyo's own
/// answer first: it says nothing about keys, scopes or resources.
fn classify(response: &Response, details: &[Detail]) -> Code {
    match response.status {
        429 => Code::RateLimited,
        400..=499 if is_page(response) => Code::Blocked,
        410 => Code::Retired,
        // Klaviyo answers 404 "No valid revisions found for method" to a revision that an operation does not
        // have, and 400 to one that it cannot read.
        400..=499 if details.iter().any(is_about_revision) => Code::Retired,
        401 => Code::Unauthenticated,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        409 => Code::Conflict,
        400..=499 => Code::Rejected,
        500..=599 => Code::Unavailable,
        _ => Code::Other,
    }
}

/// Whether a body is anything but JSON: HTML, or the plain text of a proxy.
fn is_page(response: &Response) -> bool {
    match response.body.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(first) => !matches!(first, b'{' | b'['),
        None => response.header("content-type").is_some_and(|t| t.starts_with("text/html")),
    }
}

fn is_about_revision(detail: &Detail) -> bool {
    detail.pointer.as_deref() == Some("revision")
        || [&detail.title, &detail.detail].iter().any(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("valid revision") || text.contains("revision header")
        })
}

/// The sentence for a person: what happened, then what to do.
fn advice(error: &Error, method: Method, scopes: &[&str]) -> String {
    let status = error.status.unwrap_or_default();
    let said = said(&error.details);
    match error.code {
        Code::Unauthenticated => format!(
            "Klaviyo does not accept the key (401{said}); the host must send `Authorization: Klaviyo-API-Key KEY`, \
             not Bearer, not api-key, with one space between the two, and KEY must be a private key of the account"
        ),
        Code::Forbidden => format!(
            "the key lacks a scope (403{said}); this call needs {}, and a key for this connector profiles:read, \
             profiles:write, lists:read and lists:write (for consent also subscriptions:write); the scopes of \
             a key cannot be changed: delete it and create one that has them",
            scopes.join(" and ")
        ),
        Code::NotFound => format!(
            "Klaviyo does not have what the call names (404{said}); check the id, and that the key is of the same account"
        ),
        Code::Conflict => match &error.duplicate {
            Some(id) => format!(
                "another profile, {id}, has one of these identifiers (409{said}); use that profile, send one \
                 identifier only, or merge the two in Klaviyo"
            ),
            None => format!(
                "the request conflicts with what Klaviyo has (409{said}); look the profile up and use it"
            ),
        },
        Code::Rejected if method == Method::Post && error.details.iter().all(points_at_whole_body) => {
            format!(
                "Klaviyo refuses the request ({status}{said}); the body must have the form {{data: {{type: 'profile', \
             attributes: {{…}}}}}}, a flat body is refused; see whether something between the connector and \
             Klaviyo changes it"
            )
        }
        Code::Rejected => {
            format!("Klaviyo refuses the request ({status}{said}); correct what it names and repeat")
        }
        Code::RateLimited => match error.retry_after {
            Some(seconds) => format!(
                "too many requests for this account (429{said}); repeat after {seconds} s, and let the host pace requests"
            ),
            None => format!(
                "too many requests for this account (429{said}); back off and repeat, and let the host pace requests"
            ),
        },
        Code::Retired => format!(
            "Klaviyo does not serve the API revision that was asked for ({status}{said}); every request must have a \
             `revision` header with a revision that is not retired: raise `revision` in the host, or update the connector"
        ),
        Code::Unavailable => {
            format!("Klaviyo has a problem ({status}{said}); repeat the call later, which is safe")
        }
        Code::Blocked => format!(
            "a page came instead of an answer of Klaviyo's API ({status}), from the network in front of it or from a \
             proxy; the key and its scopes are not the matter: check where the request comes from, and repeat later"
        ),
        _ => format!(
            "an answer with status {status}{said} is none that Klaviyo documents; check where the host sends requests"
        ),
    }
}

/// What Klaviyo says first, and how much more there is.
fn said(details: &[Detail]) -> String {
    let Some(first) = details.first() else {
        return String::new();
    };
    let text = if first.detail.is_empty() { &first.title } else { &first.detail };
    let mut said = format!(": {}", text.trim_end_matches('.'));
    if let Some(pointer) = &first.pointer {
        said.push_str(&format!(" at {pointer}"));
    }
    if details.len() > 1 {
        said.push_str(&format!(", and {} more", details.len() - 1));
    }
    said
}

/// Whether Klaviyo complains about the form of the body rather than about a value in it.
fn points_at_whole_body(detail: &Detail) -> bool {
    let pointer = detail.pointer.as_deref().map(|p| p.trim_end_matches('/'));
    matches!(pointer, Some("" | "/data" | "/data/type"))
}

/// A whole number of seconds. The other form of `Retry-After`, a date, needs a clock.
fn whole_seconds(value: &str) -> Option<u32> {
    if value.bytes().all(|b| b.is_ascii_digit()) { value.parse().ok() } else { None }
}

/// The start of a body as text, never more than [`BODY_BYTES`].
fn excerpt(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(body.get(..BODY_BYTES).unwrap_or(body)).into_owned();
    let end = text.floor_char_boundary(BODY_BYTES);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Error {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        Error::from_response(&response, Method::Post, &["lists:write"])
    }

    #[test]
    fn an_error_document_is_read_as_far_as_it_can_be() {
        let body = r#"{"errors":[{"id":7,"status":"409","code":"duplicate_profile","title":null,"detail":["x"],
            "source":[],"links":[],"meta":{"duplicate_profile_id":"01K"}},
            {"code":"invalid","detail":"Bad.","source":{"parameter":"filter"}}]}"#;
        let error = answer(409, &[("X-Klaviyo-Req-Id", "r1")], body);
        assert_eq!(error.code, Code::Conflict);
        assert_eq!(error.duplicate.as_deref(), Some("01K"));
        assert_eq!(error.request_id.as_deref(), Some("r1"));
        assert_eq!(error.details[0].code, "duplicate_profile");
        assert_eq!(error.details[0].detail, "");
        assert_eq!(error.details[1].pointer.as_deref(), Some("filter"));
    }

    #[test]
    fn a_page_is_no_word_of_klaviyos() {
        for (status, body, code) in [
            (403, "<html>Forbidden</html>", Code::Blocked),
            (400, "\n\nBad Request", Code::Blocked),
            (404, "Not Found", Code::Blocked),
            (403, "", Code::Forbidden),
            (403, "{\"errors\":[{\"code", Code::Forbidden),
            (429, "<html>slow down</html>", Code::RateLimited),
            (524, "<html>timeout</html>", Code::Unavailable),
        ] {
            assert_eq!(answer(status, &[], body).code, code, "{status} {body}");
        }
        assert_eq!(answer(403, &[("Content-Type", "text/html")], "").code, Code::Blocked);
    }

    #[test]
    fn a_revision_that_klaviyo_does_not_serve_is_told_from_a_missing_resource() {
        let body = |detail: &str| format!(r#"{{"errors":[{{"code":"not_found","detail":"{detail}"}}]}}"#);
        assert_eq!(answer(404, &[], &body("No valid revisions found for method")).code, Code::Retired);
        assert_eq!(answer(400, &[], &body("The revision header is missing.")).code, Code::Retired);
        assert_eq!(answer(404, &[], &body("A list with id revision does not exist.")).code, Code::NotFound);
        assert_eq!(answer(410, &[], r#"{"message":"This API has been retired"}"#).code, Code::Retired);
    }

    #[test]
    fn the_wait_is_never_invented() {
        for (value, seconds) in [
            ("1", Some(1)),
            (" 30 ", Some(30)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("4294967296", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(answer(429, &[("Retry-After", value)], "").retry_after, seconds, "{value}");
        }
        assert_eq!(answer(429, &[], "").retry_after, None);
    }

    #[test]
    fn the_excerpt_of_a_body_is_bounded_and_text() {
        assert_eq!(excerpt(b"short"), "short");
        assert_eq!(excerpt(&[0xff; 10_000]).len(), 4095);
        let cut = excerpt("aé".repeat(5_000).as_bytes());
        assert!(cut.len() <= BODY_BYTES);
    }
}
