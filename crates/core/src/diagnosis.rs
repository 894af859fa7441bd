//! What an answer or a failure means: the code of the error, and a sentence that says what happened and what
//! to do.

use crate::check::is_list_id;
use crate::error::{Code, Detail, Error};
use crate::{Response, TransportError, jsonapi};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String};

/// The most bytes of an answer's body that an error keeps.
const BODY_BYTES: usize = 4096;

/// The most bytes of Klaviyo's own words that a sentence repeats; `details` has all of them.
const QUOTED_BYTES: usize = 300;

/// What the sentence of an error can say about the operation that failed.
pub(crate) struct Advice {
    /// The scopes that the key needs. Empty: the operation is the caller's choice, and Klaviyo's documentation of it has them.
    pub(crate) scopes: &'static [&'static str],
    /// The form of the request's body; empty: it has none.
    pub(crate) form: &'static str,
    /// What to do when it is unknown whether the request took effect; empty: it only reads.
    pub(crate) if_uncertain: &'static str,
}

impl Advice {
    /// That of an operation that only reads.
    pub(crate) const fn read(scopes: &'static [&'static str]) -> Self {
        Self { scopes, form: "", if_uncertain: "" }
    }
}

impl Error {
    /// An answer that should be a success but cannot be read.
    pub(crate) fn malformed(response: &Response, reason: &str, advice: &Advice) -> Box<Self> {
        let status = response.status;
        let effect =
            if advice.if_uncertain.is_empty() { String::new() } else { format!("; {}", effect(advice)) };
        let message = format!(
            "the answer (status {status}) is not what Klaviyo documents: {reason}{effect}; see whether something on \
             the way to Klaviyo changes answers, else report it with the body"
        );
        Self::answered(Code::Malformed, response, message)
    }

    /// No answer.
    pub(crate) fn from_transport(error: TransportError, advice: &Advice) -> Box<Self> {
        let effect = effect(advice);
        let (code, happened, reason, remedy) = match error {
            TransportError::Denied(reason) => (
                Code::Denied,
                "the request was not sent",
                reason,
                "change the policy or the limit that forbids it".to_owned(),
            ),
            TransportError::Timeout(reason) => (
                Code::Timeout,
                "no answer in the time that there is",
                reason,
                format!("{effect}, or raise the limit of the time"),
            ),
            TransportError::Connection(reason) => (Code::Connection, "the connection failed", reason, effect),
            TransportError::TooLarge(reason) => (
                Code::TooLarge,
                "the request or its answer is larger than is allowed",
                reason,
                format!("raise the limit; if it was the answer, {effect}"),
            ),
            TransportError::Other(reason) => {
                (Code::Other, "the request could not be sent", reason, format!("see the log; {effect}"))
            }
        };
        Self::new(code, format!("{happened} ({reason}); {remedy}"))
    }

    /// An answer that is not a success.
    pub(crate) fn from_response(response: &Response, advice: &Advice) -> Box<Self> {
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
        error.message = sentence(&error, advice);
        error
    }

    /// Adds to an error of a request that names this list what helps if it is not named by its id.
    pub(crate) fn about_list(mut self: Box<Self>, list: &str) -> Box<Self> {
        if self.code == Code::NotFound && !is_list_id(list) {
            self.message
                .push_str("; the list's id looks like a name: lists.find gives the id of a list by its name");
        }
        self
    }

    /// The parts that every error about an answer has.
    fn answered(code: Code, response: &Response, message: String) -> Box<Self> {
        let mut error = Self::new(code, message);
        error.status = Some(response.status);
        error.retry_after = response.header("retry-after").and_then(whole_seconds);
        error.request_id = response.header("x-klaviyo-req-id").map(str::to_owned);
        error.body = excerpt(&response.body);
        error
    }
}

/// The code that an answer stands for. A page of the network in front of Klaviyo is recognised first: it says
/// nothing about keys, scopes or resources.
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
        // Klaviyo always gives a reason; a gateway in front of it may give none.
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

/// Looks at the beginning of a sentence only: further on Klaviyo repeats ids, which may be any text.
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
fn sentence(error: &Error, advice: &Advice) -> String {
    let about_form = error.code == Code::Rejected && is_about_form(error, advice.form);
    let is_callers_choice = advice.scopes.is_empty();
    let effect = effect(advice);
    let (happened, remedy) = match error.code {
        Code::Unauthenticated if error.is_about_app() => (
            "Klaviyo does not let the app into the account",
            "to repeat the call does not help before that is done",
        ),
        // The key did not arrive as a key: only the host can mend that.
        Code::Unauthenticated if error.is_about_authorization() => (
            "Klaviyo finds no key in the request",
            "the host must send `Authorization: Klaviyo-API-Key KEY`, not Bearer, not api-key, with one space \
             between the two, and KEY must be a private key of the account",
        ),
        Code::Unauthenticated => (
            "Klaviyo does not accept the key",
            "it must be a private key of the account, whole and not deleted: copy it again, or create one in Klaviyo \
             under Settings > API keys",
        ),
        Code::Forbidden => (
            if error.is_about_scopes() { "the key lacks a scope" } else { "Klaviyo forbids the request" },
            if is_callers_choice {
                "Klaviyo's documentation of the path names the scopes that it needs; the scopes of a key cannot be \
                 changed: delete it and create one that has them"
            } else {
                "a key for contacts and lists needs profiles:read, profiles:write, lists:read and lists:write, for \
                 consent also subscriptions:write, for segments segments:read, for events events:read, events:write and \
                 metrics:read, for the account accounts:read, for deletions data-privacy:write; the scopes of a key \
                 cannot be changed: delete it and create one that has them"
            },
        ),
        Code::NotFound => (
            "Klaviyo does not have what the call names",
            "check the id, and that the key is of the same account",
        ),
        Code::Conflict if error.duplicate.is_some() => (
            "another profile has one of these identifiers",
            "use that profile, send one identifier only, or merge the two with contacts.merge",
        ),
        Code::Conflict if is_callers_choice => {
            ("the request conflicts with what Klaviyo has", "read what Klaviyo has, and change the request")
        }
        Code::Conflict => (
            "the request conflicts with what Klaviyo has",
            "look the profile up and use it, send one identifier only, or merge the two with contacts.merge",
        ),
        Code::Rejected if matches!(error.status, Some(413 | 414)) => {
            let remedy = if is_callers_choice { "send less" } else { "send less: a profile may take 100 KB" };
            ("Klaviyo refuses the request as too large", remedy)
        }
        Code::Rejected if about_form => (
            "Klaviyo refuses the form of the body",
            "a flat body is refused; see whether something between the connector and Klaviyo changes it",
        ),
        Code::Rejected => ("Klaviyo refuses the request", "correct what it names and repeat the call"),
        Code::RateLimited => (
            "too many requests for this account",
            "wait as `retry-after` says, or back off where it says nothing, and repeat the call; fewer requests at once \
             need no wait",
        ),
        Code::Retired => (
            "Klaviyo does not have this endpoint in the API revision that was asked for",
            "the endpoint was removed, or the `revision` header is missing or unknown: raise `revision`, or \
             update the connector",
        ),
        Code::Unavailable => ("Klaviyo has a problem", effect.as_str()),
        Code::Blocked => (
            "the answer is not from Klaviyo's API",
            "it is from the network in front of Klaviyo or from a proxy; the key and its scopes are not the matter: \
             check where the request comes from, and repeat later",
        ),
        _ => ("this status is none that Klaviyo documents", "check where requests are sent"),
    };
    let mut sentence =
        format!("{happened} ({}{}); ", error.status.unwrap_or_default(), quoted(&error.details));
    if error.code == Code::Forbidden && !is_callers_choice {
        for scope in advice.scopes {
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
        sentence.push_str(advice.form);
        sentence.push_str(", ");
    }
    if error.code == Code::Unavailable {
        sentence.push_str("wait a while; ");
    }
    sentence.push_str(remedy);
    sentence
}

/// What to do when it is unknown whether a request took effect.
fn effect(advice: &Advice) -> String {
    match advice.if_uncertain {
        "" => "repeat the call, which is safe".to_owned(),
        remedy => format!("the request may have taken effect; {remedy}"),
    }
}

/// The first of Klaviyo's own explanations, and the number of the others.
fn quoted(details: &[Detail]) -> String {
    let Some(first) = details.first() else {
        return String::new();
    };
    let text = if first.detail.is_empty() { &first.title } else { &first.detail };
    let text = text.get(..text.floor_char_boundary(QUOTED_BYTES)).unwrap_or(text);
    let mut quoted = format!(": {}", text.strip_suffix('.').unwrap_or(text));
    if let Some(pointer) = first.pointer.as_deref().filter(|_| !is_about_whole_body(first)) {
        quoted.push_str(&format!(" at {pointer}"));
    }
    if details.len() > 1 {
        quoted.push_str(&format!(", and {} more", details.len() - 1));
    }
    quoted
}

/// Whether Klaviyo complains about the form of a body rather than about a value in it. Of an addition to a
/// list, Klaviyo complains about the profiles with a pointer at the whole body, though they are values.
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
    use alloc::{collections::BTreeSet, string::ToString, vec::Vec};

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Box<Error> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        let advice =
            Advice { scopes: &["lists:write"], form: "{data: …}", if_uncertain: "repeat the call" };
        Error::from_response(&response, &advice)
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
        for error in [
            r#"{"title":"Invalid revision","detail":"x"}"#,
            r#"{"detail":"x","source":{"parameter":"revision"}}"#,
        ] {
            assert_eq!(
                answer(400, &[], &format!(r#"{{"errors":[{error}]}}"#)).code,
                Code::Retired,
                "{error}"
            );
        }
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

    /// What a person must find in the sentences, for each row of the troubleshooting table of Klaviyo's
    /// guide.
    #[test]
    fn the_advice_has_what_helps() {
        let body = |code: &str, detail: &str, pointer: &str| {
            format!(
                r#"{{"errors":[{{"code":"{code}","detail":"{detail}","source":{{"pointer":"{pointer}"}}}}]}}"#
            )
        };
        let of = |status, body: &str| answer(status, &[], body).to_string();
        let has = |message: String, facts: &[&str]| {
            for fact in facts {
                assert!(message.contains(fact), "{fact:?} is not in {message:?}");
            }
        };
        let header = of(401, &body("not_authenticated", "Missing or invalid private key.", "/data/"));
        let facts = [
            "Authorization: Klaviyo-API-Key KEY",
            "not Bearer",
            "one space",
            "Missing or invalid private key",
        ];
        has(header, &facts);
        let key = of(401, &body("authentication_failed", "Incorrect authentication credentials.", "/data/"));
        assert!(!key.contains("Authorization") && !key.contains("lists:write"), "{key}");
        has(key, &["private key", "Settings > API keys", "Incorrect authentication credentials"]);
        let connect = "run `klaviyo-connector connect --account shop-1`";
        for code in ["invalid_client", "invalid_grant", "invalid_token"] {
            let app = of(401, &body(code, connect, "/data/"));
            assert!(!app.contains("API-Key"), "{app}");
            has(app, &["the app", connect]);
        }
        let scope = of(403, &body("permission_denied", "No.", "/data/"));
        has(
            scope,
            &[
                "lacks a scope",
                "lists:write, that is what",
                "profiles:read",
                "profiles:write",
                "lists:read",
                "subscriptions:write",
                "segments:read",
                "events:read",
                "events:write",
                "metrics:read",
                "accounts:read",
                "data-privacy:write",
                "delete it",
            ],
        );
        let flat = of(400, &body("invalid", "'data' is a required property", "/data"));
        has(flat, &["{data: …}", "flat body", "'data' is a required property"]);
        let value = of(400, &body("invalid", "Invalid email address", "/data/attributes/email"));
        assert!(!value_is_called_a_form(&value) && !value.contains("more"), "{value}");
        has(value, &["Invalid email address", "/data/attributes/email"]);
        has(of(400, r#"{"errors":[{"detail":"Bad."},{},{}]}"#), &["Bad, and 2 more"]);
        assert!(!value_is_called_a_form(&of(400, &body("invalid", "Invalid profile IDs: {'x'}", "/data"))));
        assert!(!value_is_called_a_form(&of(400, "")));
        has(of(410, r#"{"message":"retired"}"#), &["endpoint", "`revision`", "raise"]);
        has(of(429, ""), &["`retry-after`"]);
        has(of(404, &body("not_found", "A list with id `X` does not exist.", "")), &["A list with id `X`"]);
        let merge = ["one identifier only", "contacts.merge"];
        let conflict = body("conflict", "Conflicting profiles.", "/data");
        has(of(409, &conflict), &[merge.as_slice(), &["look the profile up"]].concat());
        let any = Response { status: 409, headers: Vec::new(), body: conflict.into_bytes() };
        let any = Error::from_response(&any, &Advice::read(&[])).message;
        assert!(!any.contains("profile up") && !any.contains("contacts.merge"), "{any}");
        let named = r#"{"errors":[{"code":"duplicate_profile","meta":{"duplicate_profile_id":"01K"}}]}"#;
        has(of(409, named), &[merge.as_slice(), &["01K", "use that profile"]].concat());
        has(of(413, ""), &["too large", "100 KB"]);
        has(of(503, ""), &["wait a while", "may have taken effect; repeat the call"]);
        let long = of(400, &body("invalid", &"é".repeat(10_000), "/x"));
        assert!(long.len() < 600, "{long}");
    }

    #[test]
    fn each_kind_of_answer_has_a_remedy_of_its_own() {
        let error = |code: &str| format!(r#"{{"errors":[{{"code":"{code}","detail":"No."}}]}}"#);
        let duplicate = r#"{"errors":[{"code":"duplicate_profile","meta":{"duplicate_profile_id":"01K"}}]}"#;
        let answers = [
            (302, String::new()),
            (400, error("invalid")),
            (401, error("authentication_failed")),
            (401, error("not_authenticated")),
            (401, error("invalid_grant")),
            (403, String::new()),
            (403, error("permission_denied")),
            (404, error("not_found")),
            (409, error("conflict")),
            (409, duplicate.to_owned()),
            (410, error("gone")),
            (413, String::new()),
            (429, String::new()),
            (500, String::new()),
        ];
        let remedy = |(status, body): &(u16, String)| {
            answer(*status, &[], body).message.split_once("); ").map(|(_, remedy)| remedy.to_owned())
        };
        let remedies: BTreeSet<_> = answers.iter().filter_map(remedy).collect();
        assert_eq!(remedies.len(), answers.len(), "{remedies:#?}");
    }

    #[test]
    fn a_list_that_is_named_by_its_name_is_told_from_one_that_is_gone() {
        let gone = answer(404, &[], r#"{"errors":[{"code":"not_found","detail":"A list does not exist."}]}"#);
        for (list, by_name) in
            [("Y6nRLr", false), ("WhatsApp Opt-Ins", true), ("Y6nRL", true), ("Y6nRLé", true)]
        {
            assert_eq!(gone.clone().about_list(list).message.contains("lists.find"), by_name, "{list}");
        }
        let other = answer(409, &[], r#"{"errors":[{"code":"x"}]}"#);
        assert_eq!(other.clone().about_list("WhatsApp Opt-Ins"), other);
    }

    fn value_is_called_a_form(message: &str) -> bool {
        message.contains("{data: …}") || message.contains("flat body")
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
