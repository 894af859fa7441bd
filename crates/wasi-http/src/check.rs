//! Checks a request before it is sent: it comes out of a sandbox, and nothing in it is trusted.

use crate::bindings::exports::klaviyo::connector::http::{Error, Request};
use crate::environment::Key;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The origin of every URL that the connector asks for.
const KLAVIYO: &str = "https://a.klaviyo.com";
/// The most bytes of a request's body, which is Klaviyo's own limit.
const REQUEST_BYTES: usize = 5_000_000;
/// The most bytes of a request's address and headers.
const HEADER_BYTES: usize = 16 << 10;

/// The name of the sender. Services tend to refuse requests without one.
const USER_AGENT: &str = concat!("klaviyo-connector/", env!("CARGO_PKG_VERSION"));

/// Headers that only the sender may set, or that change how a message is transferred.
/// `tests/forbidden_headers.rs` compares them with those of the other hosts.
const FORBIDDEN_HEADERS: [&str; 18] = [
    "authorization",
    "host",
    "accept-encoding",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// The path and the query of a request to Klaviyo. Requests to another host are refused.
pub(crate) fn target(request: &Request) -> Result<&str, Error> {
    let target = request.url.strip_prefix(KLAVIYO).filter(|target| target.starts_with('/'));
    // No byte that could end the target, or its line.
    target
        .filter(|target| target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\'))
        .ok_or_else(|| Error::Denied(format!("requests go to {KLAVIYO} and nowhere else")))
}

/// The header lines to send: the request's, the key, and the length of its body.
pub(crate) fn fields(request: &Request, key: &Key<'_>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let lines = request.headers.iter().map(|header| header.name.len() + header.value.len());
    let bytes = request.url.len() + request.auth.len() + lines.sum::<usize>();
    if bytes > HEADER_BYTES {
        return Err(Error::TooLarge(format!(
            "the request's address and headers have {bytes} bytes; at most {HEADER_BYTES} are sent"
        )));
    }
    if request.body.len() > REQUEST_BYTES {
        let bytes = request.body.len();
        return Err(Error::TooLarge(format!(
            "the request's body has {bytes} bytes; at most {REQUEST_BYTES} are sent"
        )));
    }
    if request.auth.is_empty() || !request.auth.bytes().all(is_token) {
        return Err(Error::Denied("the request's authorization scheme is not a single word".to_owned()));
    }
    let mut fields = Vec::with_capacity(request.headers.len() + 2);
    for header in &request.headers {
        let name = header.name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Error::Denied("the request has a header without a proper name".to_owned()));
        }
        if FORBIDDEN_HEADERS.contains(&name.as_str()) {
            return Err(Error::Denied(format!(
                "the header {name} is the host's, and the connector must not send one"
            )));
        }
        // A line end would begin another header or another request.
        if header.value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control()) {
            return Err(Error::Denied(format!("the header {name} has characters that no header may have")));
        }
        fields.push((name, header.value.clone().into_bytes()));
    }
    fields.push(("user-agent".to_owned(), USER_AGENT.as_bytes().to_vec()));
    fields.push(("authorization".to_owned(), key.authorization(&request.auth)));
    if !request.body.is_empty() {
        fields.push(("content-length".to_owned(), format!("{}", request.body.len()).into_bytes()));
    }
    Ok(fields)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::klaviyo::connector::http::{Header, Method};

    fn request() -> Request {
        Request {
            method: Method::Post,
            url: "https://a.klaviyo.com/api/profiles/?filter=equals%28email%2C%22a%40b%22%29".to_owned(),
            headers: vec![Header { name: "Revision".to_owned(), value: "2025-01-15".to_owned() }],
            auth: "Klaviyo-API-Key".to_owned(),
            body: b"{}".to_vec(),
            function: "contacts.create".to_owned(),
        }
    }

    fn checked(request: &Request) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let environment = [("KLAVIYO_API_KEY".to_owned(), "pk_0123456789".to_owned())];
        target(request)?;
        fields(request, &Key::of(&environment)?)
    }

    #[test]
    fn a_request_gets_the_key_and_its_length() {
        let text = |text: &str| text.as_bytes().to_vec();
        assert_eq!(
            checked(&request()).ok().unwrap(),
            [
                ("revision".to_owned(), text("2025-01-15")),
                ("user-agent".to_owned(), text("klaviyo-connector/0.1.0")),
                ("authorization".to_owned(), text("Klaviyo-API-Key pk_0123456789")),
                ("content-length".to_owned(), text("2")),
            ]
        );
        assert_eq!(target(&request()).ok(), Some("/api/profiles/?filter=equals%28email%2C%22a%40b%22%29"));
    }

    #[test]
    fn requests_go_to_klaviyo_alone() {
        for url in [
            "http://a.klaviyo.com/",
            "https://a.klaviyo.com",
            "https://a.klaviyo.com:443/",
            "https://a.klaviyo.com.example.com/",
            "https://a.klaviyo.com@example.com/",
            "https://A.klaviyo.com/",
            "https://a.klaviyo.com\\@example.com/",
            "https://a.klaviyo.com/a b",
            "https://a.klaviyo.com/\r\nhost: example.com",
            "https://a.klaviyo.com/#",
            "https://a.klaviyo.com/é",
            "",
        ] {
            let request = Request { url: url.to_owned(), ..request() };
            assert!(matches!(checked(&request), Err(Error::Denied(_))), "{url}");
        }
    }

    #[test]
    fn what_is_the_hosts_or_could_change_the_message_is_refused() {
        for (name, value) in [
            ("authorization", "Klaviyo-API-Key pk_other"),
            ("Host", "example.com"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("", "x"),
            ("a b", "x"),
            ("a\r\nb", "x"),
            ("x", "a\r\nb: c"),
            ("x", "a\0"),
            ("x", "\u{7f}"),
        ] {
            let header = Header { name: name.to_owned(), value: value.to_owned() };
            let request = Request { headers: vec![header], ..request() };
            assert!(matches!(checked(&request), Err(Error::Denied(_))), "{name:?}: {value:?}");
        }
        for auth in ["", "two words", "a\r\nb", "é", "a:"] {
            let request = Request { auth: auth.to_owned(), ..request() };
            assert!(matches!(checked(&request), Err(Error::Denied(_))), "{auth:?}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let long = |count: usize| "x".repeat(count);
        let header = Header { name: "x".to_owned(), value: long(HEADER_BYTES) };
        for request in [
            Request { body: vec![b' '; REQUEST_BYTES + 1], ..request() },
            Request { headers: vec![header], ..request() },
            Request { url: format!("{KLAVIYO}/{}", long(HEADER_BYTES)), ..request() },
            Request { auth: long(HEADER_BYTES), ..request() },
        ] {
            assert!(matches!(checked(&request), Err(Error::TooLarge(_))));
        }
        assert!(checked(&Request { body: vec![b' '; REQUEST_BYTES], ..request() }).is_ok());
    }
}
