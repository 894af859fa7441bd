//! Any other operation of Klaviyo's API.

use crate::encode::{self, decoded_path, query};
use crate::json::syntax;
use crate::operation::api::custom;
use crate::rfc3339::is_date;
use crate::{ApiRequest, ApiResponse, Error, Http, Method, Parameter};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use serde_json::value::RawValue;

/// Sends a request.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, and the errors of Klaviyo and of the
/// transport. [`Code::Malformed`](crate::Code::Malformed) also when the link to the next page leads to another path.
pub fn call(http: &mut dyn Http, request: &ApiRequest) -> Result<ApiResponse, Box<Error>> {
    let ApiRequest { method, path, query, body, revision } = request;
    check_path(path)?;
    check_query(query)?;
    let body = body.as_deref().map(|body| document(*method, body)).transpose()?;
    revision.as_deref().map(check_revision).transpose()?;
    let pairs = query.iter().map(|Parameter { name, value }| (name.as_str(), value.as_str()));
    let operation = custom(*method, encode::url(path, pairs), revision.as_deref(), body);
    operation.send_and(http, |reply| {
        let next = reply.next.map(|url| next_query(request, &url)).transpose()?;
        Ok(ApiResponse { status: reply.status, body: reply.body, next })
    })
}

/// Checks a path that is encoded later.
///
/// What could be read in two ways is refused, also where its encoded form is clear: servers, and what stands before
/// them, differ in when they decode, and in what they cut off behind a semicolon. A slash at the end is none of these.
fn check_path(path: &str) -> Result<(), Box<Error>> {
    let wrong = |reason: &str| Err(Error::invalid("path", reason));
    let Some(rest) = path.strip_prefix("/api/") else {
        return wrong("it does not begin with /api/, such as /api/campaigns does");
    };
    for segment in rest.strip_suffix('/').unwrap_or(rest).split('/') {
        match segment {
            "" => return wrong("it has an empty segment"),
            "." | ".." => return wrong("it has a segment of dots"),
            _ => {}
        }
    }
    if path.contains('?') {
        return wrong("it has a question mark; the parameters go into query");
    }
    if path.contains('%') {
        return wrong("it has a percent sign; write it without percent-encoding, which is done here");
    }
    if path.contains(|c: char| matches!(c, '#' | ';' | '\\') || c.is_ascii_control()) {
        return wrong("it has a character that could be read in two ways (# ; \\ or a control character)");
    }
    Ok(())
}

fn check_query(query: &[Parameter]) -> Result<(), Box<Error>> {
    match query.iter().position(|parameter| parameter.name.is_empty()) {
        Some(index) => Err(Error::invalid(&format!("query/{index}/name"), "it is empty")),
        None => Ok(()),
    }
}

/// Checks a body. It is sent as it is written, so that no number loses a digit.
fn document(method: Method, body: &str) -> Result<&str, Box<Error>> {
    if method == Method::Get {
        return Err(Error::invalid("body", "a request with get has none; the parameters go into query"));
    }
    let value: Result<&RawValue, _> = serde_json::from_str(body);
    value.map(RawValue::get).map_err(|error| Error::invalid("body", &syntax(&error)))
}

/// Checks a revision: a date, and behind a dot the name of a revision before its release, such as `pre`.
fn check_revision(revision: &str) -> Result<(), Box<Error>> {
    const SUFFIX: usize = 16;
    let (date, suffix) =
        revision.split_once('.').map_or((revision, None), |(date, suffix)| (date, Some(suffix)));
    let is_suffix = |suffix: &str| {
        (1..=SUFFIX).contains(&suffix.len()) && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if is_date(date) && suffix.is_none_or(is_suffix) {
        return Ok(());
    }
    Err(Error::invalid("revision", "it is no date such as 2025-01-15, or 2025-01-15.pre"))
}

/// The query of a link to the next page.
fn next_query(request: &ApiRequest, url: &str) -> Result<Vec<Parameter>, String> {
    let without_slash = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    if decoded_path(url).as_deref().map(without_slash) != Some(without_slash(&request.path)) {
        return Err("the link to the next page leads to another path and is not followed".to_owned());
    }
    let query = query(url).ok_or_else(|| "the link to the next page is no text".to_owned())?;
    let next: Vec<_> = query.into_iter().map(|(name, value)| Parameter { name, value }).collect();
    if next == request.query {
        return Err("the link to the next page leads to the page that was read".to_owned());
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, ORIGIN, Request, Response};
    use alloc::{string::ToString, vec};
    use proptest::prelude::*;
    use url::Url;

    fn request(method: Method, path: &str) -> ApiRequest {
        ApiRequest { method, path: path.to_owned(), query: Vec::new(), body: None, revision: None }
    }

    /// What is sent for a request, if anything is, and what is returned when this is the answer.
    fn exchange(
        request: &ApiRequest,
        status: u16,
        body: &[u8],
    ) -> (Option<Request>, Result<ApiResponse, Box<Error>>) {
        let mut sent = None;
        let mut http = |request: Request| {
            sent = Some(request);
            Ok(Response { status, headers: Vec::new(), body: body.to_vec() })
        };
        let returned = call(&mut http, request);
        (sent, returned)
    }

    fn next_of(path: &str, link: &str) -> Result<Option<Vec<Parameter>>, Code> {
        let body = serde_json::json!({ "data": [], "links": { "next": link } }).to_string();
        let returned = exchange(&request(Method::Get, path), 200, body.as_bytes()).1;
        returned.map(|response| response.next).map_err(|error| error.code)
    }

    #[test]
    fn a_path_stays_below_api_and_is_read_one_way() {
        for path in [
            "",
            "/",
            "/api",
            "/api/",
            "/api//",
            "/api//lists",
            "/api/lists//",
            "/api/.",
            "/api/lists/..",
            "/api/./x",
            "api/lists",
            "/API/lists",
            " /api/lists",
            "/client/events",
            "/api/lists?x=1",
            "/api/lists#x",
            "/api/%2e%2e",
            "/api/100%",
            "/api/a;b",
            "/api/a\\b",
            "/api/a\nb",
            "/api/a\0",
            "https://a.klaviyo.com/api/lists",
        ] {
            let (sent, returned) = exchange(&request(Method::Get, path), 200, b"{}");
            let error = returned.unwrap_err();
            assert_eq!((sent, error.code), (None, Code::InvalidInput), "{path:?}");
            assert_eq!(error.details[0].pointer.as_deref(), Some("path"), "{path:?}");
        }
        for (path, url) in [
            ("/api/lists", "/api/lists"),
            ("/api/lists/", "/api/lists/"),
            ("/api/lists/.../", "/api/lists/.../"),
            ("/api/a b:c@é", "/api/a%20b%3Ac%40%C3%A9"),
        ] {
            let sent = exchange(&request(Method::Get, path), 200, b"{}").0;
            assert_eq!(sent.unwrap().url, format!("{ORIGIN}{url}"));
        }
    }

    #[test]
    fn revisions_are_dates_with_or_without_a_suffix() {
        let sent = |revision: &str| {
            let revision = Some(revision.to_owned());
            exchange(&ApiRequest { revision, ..request(Method::Get, "/api/lists") }, 200, b"{}").0
        };
        for good in ["2025-01-15", "2026-10-15.pre", "2024-02-29", "2025-07-15.beta-2"] {
            let header = sent(good).unwrap().headers.into_iter().find(|header| header.name == "revision");
            assert_eq!(header.unwrap().value, good);
        }
        for bad in [
            "",
            "latest",
            "2025-1-15",
            "2025-02-30",
            "2025-01-15.",
            "2025-01-15.a.b",
            "2025-01-15.12345678901234567",
            "2025-01-15.pre\r\nx: y",
            " 2025-01-15",
            "2025-01-15T00:00:00Z",
            ".pre",
        ] {
            assert_eq!(sent(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn only_a_body_has_a_content_type_and_no_header_is_the_callers() {
        let names = |request: &ApiRequest| {
            let sent = exchange(request, 204, b"").0.unwrap();
            sent.headers.iter().map(|header| header.name).collect::<Vec<_>>()
        };
        let body = Some(" {\"n\": 1.10} ".to_owned());
        let with_body = ApiRequest { body, ..request(Method::Delete, "/api/lists/x") };
        assert_eq!(names(&with_body), ["revision", "accept", "content-type"]);
        assert_eq!(exchange(&with_body, 204, b"").0.unwrap().body, b"{\"n\": 1.10}");
        assert_eq!(names(&request(Method::Delete, "/api/lists/x")), ["revision", "accept"]);
        let to_get = ApiRequest { method: Method::Get, ..with_body };
        assert_eq!(exchange(&to_get, 200, b"").1.unwrap_err().code, Code::InvalidInput);
    }

    #[test]
    fn the_next_page_is_on_the_same_path() {
        let lists = "/api/lists";
        for path in [lists, "/api/lists/"] {
            for link in ["/api/lists?page%5Bcursor%5D=a%2Bb+c", "/api/lists/?page[cursor]=a%2bb c#x"] {
                let next = next_of(path, &format!("{ORIGIN}{link}"));
                let parameter = Parameter { name: "page[cursor]".into(), value: "a+b c".into() };
                assert_eq!(next, Ok(Some(vec![parameter])), "{path} {link}");
            }
        }
        assert!(next_of("/api/a b", &format!("{ORIGIN}/api/a%20b?x=1")).is_ok());
        for link in [
            "https://evil.example/api/lists?x=1",
            "https://a.klaviyo.com.evil.example/api/lists?x=1",
            "https://a.klaviyo.com/api/segments?x=1",
            "https://a.klaviyo.com/api/lists/Y6nRLr?x=1",
            "https://a.klaviyo.com/api/lists/../lists?x=1",
            "https://a.klaviyo.com/api//lists?x=1",
            "https://a.klaviyo.com/api%2Flists/x?x=1",
            "https://a.klaviyo.com/api/lists?x=%FF",
            "https://a.klaviyo.com/api/lists",
            "/api/lists?x=1",
            "",
        ] {
            assert_eq!(next_of(lists, link), Err(Code::Malformed), "{link}");
        }
    }

    fn values() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), r#"["\\(),'+&=#%?/;: @.é\r\n\[\]]{0,24}"#]
    }

    fn methods() -> impl Strategy<Value = Method> {
        prop_oneof![Just(Method::Get), Just(Method::Post), Just(Method::Patch), Just(Method::Delete)]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_was_asked_for_and_nothing_else(
            method in methods(),
            rest in prop_oneof![values(), "[a-z-]{1,8}(/[a-z é:@.]{1,8}){0,2}"],
            pairs in proptest::collection::vec((values(), values()), 0..4),
            revision in proptest::option::of(prop_oneof![values(), Just("2026-07-15.pre".to_owned())]),
        ) {
            let query = pairs.iter().cloned().map(|(name, value)| Parameter { name, value }).collect();
            let path = format!("/api/{rest}");
            let asked = ApiRequest { method, path: path.clone(), query, body: None, revision };
            let (sent, returned) = exchange(&asked, 200, b"{}");
            match sent {
                Some(sent) => {
                    prop_assert_eq!(sent.method, method);
                    let url = Url::parse(&sent.url).unwrap();
                    prop_assert_eq!(url.as_str(), &sent.url);
                    prop_assert_eq!(url.origin().ascii_serialization(), ORIGIN);
                    prop_assert_eq!(decoded_path(&sent.url), Some(path));
                    prop_assert_eq!(url.fragment(), None);
                    prop_assert_eq!(url.query_pairs().into_owned().collect::<Vec<_>>(), pairs);
                    prop_assert_eq!(sent.headers.len(), 2);
                    prop_assert!(sent.headers.iter().all(|header| header.value.bytes().all(|b| b.is_ascii_graphic())));
                }
                None => prop_assert_eq!(returned.unwrap_err().code, Code::InvalidInput),
            }
        }

        #[test]
        fn a_body_is_sent_as_it_is_written_or_not_at_all(body in prop_oneof![values(), "[\\[\\]{}\":,0-9a ]{0,16}"]) {
            let asked = ApiRequest { body: Some(body.clone()), ..request(Method::Post, "/api/lists") };
            let (sent, _) = exchange(&asked, 204, b"");
            let is_json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
            // A number that is too large for the library's own is JSON too.
            prop_assert!(!is_json || sent.is_some());
            if let Some(sent) = sent {
                prop_assert_eq!(sent.body, body.trim().as_bytes());
            }
        }

        #[test]
        fn any_bytes_are_an_answer_or_an_error(body in any::<Vec<u8>>(), status in any::<u16>(), method in methods()) {
            match exchange(&request(method, "/api/lists"), status, &body).1 {
                Ok(response) => prop_assert_eq!(response.status, status),
                Err(error) => prop_assert_eq!(error.status, Some(status)),
            }
        }

        #[test]
        fn any_link_is_the_next_page_or_malformed(rest in values()) {
            for link in [rest.clone(), format!("{ORIGIN}{rest}"), format!("{ORIGIN}/api/lists?{rest}")] {
                if let Err(code) = next_of("/api/lists", &link) {
                    prop_assert_eq!(code, Code::Malformed);
                }
            }
        }

        #[test]
        fn a_page_is_followed_by_the_one_that_its_link_names(
            pairs in proptest::collection::vec((values().prop_filter("empty", |name| !name.is_empty()), values()), 1..4),
        ) {
            let url = encode::url("/api/lists", pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let next = next_of("/api/lists", &url).unwrap().unwrap();
            let query: Vec<_> = next.into_iter().map(|Parameter { name, value }| (name, value)).collect();
            prop_assert_eq!(query, pairs);
        }
    }

    #[test]
    fn what_is_uncertain_is_said_of_writes_alone() {
        let message =
            |method| exchange(&request(method, "/api/lists"), 500, b"{}").1.unwrap_err().message.to_string();
        assert_ne!(message(Method::Get), message(Method::Post));
        assert_eq!(message(Method::Delete), message(Method::Post));
    }
}
