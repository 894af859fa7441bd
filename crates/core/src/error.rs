//! What can go wrong, and what the person who reads it can do.

use crate::{Response, TransportError, jsonapi};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use core::fmt;
use serde::Serialize;

/// How much of an answer's body an error keeps.
const BODY_BYTES: usize = 4096;

/// How much of Klaviyo's own words a sentence repeats; `details` has all of them.
const SAID_BYTES: usize = 300;

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
    /// A refusal that is not the API's.
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
    /// How many items of the call, from its first, were dealt with before.
    pub done: u32,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

impl Error {
    /// An error of the connector's own, without an answer.
    pub(crate) fn new(code: Code, message: String) -> Box<Self> {
        Box::new(Self {
            code,
            message,
            status: None,
            retry_after: None,
            details: Vec::new(),
            duplicate: None,
            request_id: None,
            body: String::new(),
            done: 0,
        })
    }

    /// An argument that cannot work, of a field by the contract's name: the error of whoever takes contacts in and finds
    /// out before the connector does.
    #[must_use]
    pub fn invalid(field: &str, reason: &str) -> Box<Self> {
        let message = format!("{field}: {reason} (nothing was sent)");
        let detail = Detail {
            code: "invalid-input".to_owned(),
            title: String::new(),
            detail: reason.to_owned(),
            pointer: Some(field.to_owned()),
        };
        let mut error = Self::new(Code::InvalidInput, message);
        error.details.push(detail);
        error
    }

    /// An answer that should be a success but cannot be read.
    pub(crate) fn malformed(response: &Response, reason: &str, unsure: &str) -> Box<Self> {
        let status = response.status;
        let effect = if unsure.is_empty() { String::new() } else { format!("; {}", effect(unsure)) };
        let message = format!(
            "the answer (status {status}) is not what Klaviyo documents: {reason}{effect}; see whether something between \
             the host and Klaviyo changes answers, else report it with the body"
        );
        Self::answered(Code::Malformed, response, message)
    }

    /// No answer. `unsure` is what to do when the request may have taken effect; empty: it only reads.
    pub(crate) fn from_transport(error: TransportError, unsure: &str) -> Box<Self> {
        let effect = effect(unsure);
        let (code, happened, reason, remedy) = match error {
            TransportError::Denied(reason) => (
                Code::Denied,
                "the host did not send the request",
                reason,
                "change the host's policy to allow it".to_owned(),
            ),
            TransportError::Timeout(reason) => (
                Code::Timeout,
                "no answer in the time that the host allows",
                reason,
                format!("{effect}, or raise the host's timeout"),
            ),
            TransportError::Connection(reason) => (Code::Connection, "the connection failed", reason, effect),
            TransportError::TooLarge(reason) => (
                Code::TooLarge,
                "the request or its answer is larger than the host allows",
                reason,
                format!("raise the host's limit; if it was the answer, {effect}"),
            ),
            TransportError::Other(reason) => (
                Code::Other,
                "the host could not send the request",
                reason,
                format!("see the host's log; {effect}"),
            ),
        };
        Self::new(code, format!("{happened} ({reason}); {remedy}"))
    }

    /// An answer that is not a success. `scopes` are those that the request needs, `form` is that of its body, and
    /// `unsure` is what to do when it may have taken effect.
    pub(crate) fn from_response(response: &Response, scopes: &[&str], form: &str, unsure: &str) -> Box<Self> {
        let mut error = Self::answered(Code::Other, response, String::new());
        let mut duplicate = None;
        for object in jsonapi::errors(&response.body) {
            error.request_id = error.request_id.take().or(object.id);
            duplicate = duplicate.or(object.duplicate);
            error.details.push(object.detail);
        }
        error.code = classify(response, &error.details);
        if error.code == Code::Conflict {
            error.duplicate = duplicate;
        }
        error.message = sentence(&error, scopes, form, unsure);
        error
    }

    /// What every error about an answer has.
    fn answered(code: Code, response: &Response, message: String) -> Box<Self> {
        let mut error = Self::new(code, message);
        error.status = Some(response.status);
        error.retry_after = response.header("retry-after").and_then(whole_seconds);
        error.request_id = response.header("x-klaviyo-req-id").map(str::to_owned);
        error.body = excerpt(&response.body);
        error
    }

    /// Says where in an argument the field is that cannot work.
    pub(crate) fn at(mut self: Box<Self>, place: &str) -> Box<Self> {
        self.message = format!("{place}/{}", self.message);
        if let Some(pointer) = self.details.first_mut().and_then(|detail| detail.pointer.as_mut()) {
            *pointer = format!("{place}/{pointer}");
        }
        self
    }

    /// Says what had been achieved before this error.
    pub(crate) fn after(mut self: Box<Self>, achieved: &str) -> Box<Self> {
        self.message = format!("{achieved}, but then: {}", self.message);
        self
    }
}

/// What an answer's status means. A page of the network in front of Klaviyo is told from Klaviyo's own
/// answer first: it says nothing about keys, scopes or resources.
fn classify(response: &Response, details: &[Detail]) -> Code {
    match response.status {
        429 => Code::RateLimited,
        413 | 414 => Code::Rejected,
        400..=499 if is_page(response) => Code::Blocked,
        410 => Code::Retired,
        // Klaviyo answers 404 "No valid revisions found for method" to a revision that an operation does not
        // have, and 400 to one that it cannot read.
        400..=499 if details.iter().any(is_about_revision) => Code::Retired,
        401 => Code::Unauthenticated,
        // Klaviyo gives a reason; a gateway in front of it may not.
        403 if details.is_empty() => Code::Blocked,
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

/// The beginning counts: further on, Klaviyo repeats ids, which can be anything.
fn is_about_revision(detail: &Detail) -> bool {
    const BEGINNINGS: &[&str] =
        &["no valid revision", "invalid revision", "missing revision", "the revision"];
    let begins = |text: &str| {
        let text = text.to_ascii_lowercase();
        BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
    };
    detail.pointer.as_deref() == Some("revision") || begins(&detail.title) || begins(&detail.detail)
}

/// The sentence for a person: what happened, with Klaviyo's own words, and what to do.
fn sentence(error: &Error, scopes: &[&str], form: &str, unsure: &str) -> String {
    let about_form = error.code == Code::Rejected && is_about_form(error, form);
    let effect = effect(unsure);
    let (happened, remedy) = match error.code {
        Code::Unauthenticated => (
            "Klaviyo does not accept the key",
            "the host must send `Authorization: Klaviyo-API-Key KEY`, not Bearer, not api-key, with one space \
             between the two, and KEY must be a private key of the account",
        ),
        Code::Forbidden => (
            if error.details.iter().any(|d| d.code == "permission_denied") {
                "the key lacks a scope"
            } else {
                "Klaviyo forbids the request"
            },
            "a key for this connector needs profiles:read, profiles:write, lists:read and lists:write (for consent \
             also subscriptions:write); the scopes of a key cannot be changed: delete it and create one that has them",
        ),
        Code::NotFound => (
            "Klaviyo does not have what the call names",
            "check the id, and that the key is of the same account",
        ),
        Code::Conflict if error.duplicate.is_some() => (
            "another profile has one of these identifiers",
            "use that profile, send one identifier only, or merge the two in Klaviyo",
        ),
        Code::Conflict => ("the request conflicts with what Klaviyo has", "look the profile up and use it"),
        Code::Rejected if matches!(error.status, Some(413 | 414)) => {
            ("Klaviyo refuses the request as too large", "send less: a profile may take 100 KB")
        }
        Code::Rejected if about_form => (
            "Klaviyo refuses the form of the body",
            "a flat body is refused; see whether something between the connector and Klaviyo changes it",
        ),
        Code::Rejected => ("Klaviyo refuses the request", "correct what it names and repeat the call"),
        Code::RateLimited => (
            "too many requests for this account",
            "wait as `retry-after` says, or back off where it says nothing; repeat the call, and let the host pace \
             requests",
        ),
        Code::Retired => (
            "Klaviyo does not serve the API revision that was asked for",
            "every request must have a `revision` header that is not retired: raise `revision` in the host, or \
             update the connector",
        ),
        Code::Unavailable => ("Klaviyo has a problem", effect.as_str()),
        Code::Blocked => (
            "the answer is not from Klaviyo's API",
            "it is from the network in front of Klaviyo or from a proxy; the key and its scopes are not the matter: \
             check where the request comes from, and repeat later",
        ),
        _ => ("this status is none that Klaviyo documents", "check where the host sends requests"),
    };
    let mut sentence = format!("{happened} ({}{}); ", error.status.unwrap_or_default(), said(&error.details));
    if error.code == Code::Forbidden {
        for scope in scopes {
            sentence.push_str(scope);
            sentence.push_str(", ");
        }
        sentence.push_str("that is what this request needs; ");
    }
    if let Some(id) = &error.duplicate {
        sentence.push_str("it is ");
        sentence.push_str(id);
        sentence.push_str("; ");
    }
    if about_form {
        sentence.push_str("it must be ");
        sentence.push_str(form);
        sentence.push_str(", ");
    }
    if error.code == Code::Unavailable {
        sentence.push_str("wait a while; ");
    }
    sentence.push_str(remedy);
    sentence
}

/// What to do when nobody knows whether a request took effect.
fn effect(unsure: &str) -> String {
    if unsure.is_empty() {
        "repeat the call, which is safe".to_owned()
    } else {
        format!("the request may have taken effect; {unsure}")
    }
}

/// What Klaviyo says first, and how much more there is.
fn said(details: &[Detail]) -> String {
    let Some(first) = details.first() else {
        return String::new();
    };
    let text = if first.detail.is_empty() { &first.title } else { &first.detail };
    let text = text.get(..text.floor_char_boundary(SAID_BYTES)).unwrap_or(text);
    let mut said = format!(": {}", text.strip_suffix('.').unwrap_or(text));
    if let Some(pointer) = first.pointer.as_deref().filter(|_| !is_about_whole_body(first)) {
        said.push_str(&format!(" at {pointer}"));
    }
    if details.len() > 1 {
        said.push_str(&format!(", and {} more", details.len() - 1));
    }
    said
}

/// Whether Klaviyo complains about the form of a body rather than about a value in it. The profiles of an
/// addition to a list are values, though the pointer is at all of them.
fn is_about_form(error: &Error, form: &str) -> bool {
    let of_form = |d: &Detail| is_about_whole_body(d) && !d.detail.starts_with("Invalid profile IDs");
    !form.is_empty() && error.status == Some(400) && error.details.first().is_some_and(of_form)
}

fn is_about_whole_body(detail: &Detail) -> bool {
    matches!(detail.pointer.as_deref(), Some("" | "/" | "/data" | "/data/" | "/data/type"))
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

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Box<Error> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        Error::from_response(&response, &["lists:write"], "{data: …}", "repeat the call")
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
            (403, "", Code::Blocked),
            (403, "{\"message\":\"Forbidden\"}", Code::Blocked),
            (403, "{\"errors\":[{\"code\":\"forbidden\"}]}", Code::Forbidden),
            (413, "<html>Request Entity Too Large</html>", Code::Rejected),
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
        assert_eq!(
            answer(404, &[], &body("A profile with id no valid revision does not exist.")).code,
            Code::NotFound
        );
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

    /// What a person must find in the sentences, for each row of the troubleshooting table of Klaviyo's guide.
    #[test]
    fn the_advice_has_what_helps() {
        let body = |code: &str, detail: &str, pointer: &str| {
            format!(
                r#"{{"errors":[{{"code":"{code}","detail":"{detail}","source":{{"pointer":"{pointer}"}}}}]}}"#
            )
        };
        let of = |status, body: &str| answer(status, &[], body).message;
        let has = |message: String, facts: &[&str]| {
            for fact in facts {
                assert!(message.contains(fact), "{fact:?} is not in {message:?}");
            }
        };
        let key = of(401, &body("not_authenticated", "Missing or invalid private key.", "/data/"));
        has(
            key,
            &[
                "Authorization: Klaviyo-API-Key KEY",
                "not Bearer",
                "one space",
                "Missing or invalid private key",
            ],
        );
        let scope = of(403, &body("permission_denied", "No.", "/data/"));
        has(
            scope,
            &["lists:write, that is what", "profiles:read", "profiles:write", "lists:read", "delete it"],
        );
        let flat = of(400, &body("invalid", "'data' is a required property", "/data"));
        has(flat, &["{data: …}", "flat body", "'data' is a required property"]);
        let value = of(400, &body("invalid", "Invalid email address", "/data/attributes/email"));
        has(value, &["Invalid email address", "/data/attributes/email"]);
        assert!(!value_is_called_a_form(&of(400, &body("invalid", "Invalid profile IDs: {'x'}", "/data"))));
        assert!(!value_is_called_a_form(&of(400, "")));
        has(of(410, r#"{"message":"retired"}"#), &["`revision`", "raise"]);
        has(of(429, ""), &["`retry-after`"]);
        has(of(404, &body("not_found", "A list with id `X` does not exist.", "")), &["A list with id `X`"]);
        has(of(413, ""), &["too large", "100 KB"]);
        let long = of(400, &body("invalid", &"é".repeat(10_000), "/x"));
        assert!(long.len() < 600, "{long}");
    }

    fn value_is_called_a_form(message: &str) -> bool {
        message.contains("{data: …}")
    }

    #[test]
    fn an_endless_list_of_errors_is_read_to_its_hundredth() {
        let body = format!(r#"{{"errors":[{}{{}}]}}"#, "{},".repeat(500_000));
        assert_eq!(answer(400, &[], &body).details.len(), 100);
    }

    #[test]
    fn the_excerpt_of_a_body_is_bounded_and_text() {
        assert_eq!(excerpt(b"short"), "short");
        assert_eq!(excerpt(&[0xff; 10_000]).len(), 4095);
        let cut = excerpt("aé".repeat(5_000).as_bytes());
        assert!(cut.len() <= BODY_BYTES);
    }
}
