//! Reads the runtime's environment: the key, and the endpoint that requests go to.

use crate::bindings::exports::klaviyo::connector::http::{Error, Response};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wasip2::http::types::Scheme;

const KEY: &str = "KLAVIYO_API_KEY";
const ENDPOINT: &str = "KLAVIYO_ENDPOINT";

/// A shorter key is not searched for in answers: too much other text would match it.
const MIN_KEY_BYTES: usize = 8;

/// The private key. It has no `Debug`, so that nothing prints it.
pub(crate) struct Key<'a>(&'a str);

impl<'a> Key<'a> {
    /// Finds the key. White space around it is dropped, since a line end is the most common mistake.
    pub(crate) fn of(environment: &'a [(String, String)]) -> Result<Self, Error> {
        let key = variable(environment, KEY).unwrap_or_default().trim();
        if key.is_empty() {
            return Err(Error::Denied(format!(
                "there is no key: set the environment variable {KEY} of the component (in wasmtime: --env {KEY})"
            )));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Denied(format!(
                "the environment variable {KEY} has characters that no key has, such as spaces; it is the account's \
                 private key (pk_…) alone"
            )));
        }
        Ok(Self(key))
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self, scheme: &str) -> Vec<u8> {
        format!("{scheme} {}", self.0).into_bytes()
    }

    /// The answer with every copy of the key overwritten, so that a server cannot hand it to the connector.
    /// Case is ignored, because names of headers are in lower case.
    pub(crate) fn redact(&self, mut response: Response) -> Response {
        self.redact_bytes(&mut response.body);
        for header in &mut response.headers {
            header.name = self.redact_text(core::mem::take(&mut header.name));
            header.value = self.redact_text(core::mem::take(&mut header.value));
        }
        response
    }

    /// The text with every copy of the key overwritten.
    pub(crate) fn redact_text(&self, text: String) -> String {
        let mut bytes = text.into_bytes();
        self.redact_bytes(&mut bytes);
        // The key is ASCII, so that the rest is still UTF-8.
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn redact_bytes(&self, bytes: &mut [u8]) {
        let key = self.0.as_bytes();
        if key.len() < MIN_KEY_BYTES {
            return;
        }
        for start in 0..bytes.len() {
            if let Some(copy) = bytes.get_mut(start..).and_then(|rest| rest.get_mut(..key.len()))
                && copy.eq_ignore_ascii_case(key)
            {
                copy.fill(b'*');
            }
        }
    }
}

/// The origin that requests to `https://a.klaviyo.com` are sent to.
pub(crate) struct Endpoint {
    pub(crate) scheme: Scheme,
    pub(crate) authority: String,
}

impl Endpoint {
    /// Klaviyo itself, unless the environment says otherwise.
    pub(crate) fn of(environment: &[(String, String)]) -> Result<Self, Error> {
        let origin = variable(environment, ENDPOINT).map_or("https://a.klaviyo.com", str::trim);
        // Empty it is a mistake, such as a variable that a script has not set.
        Self::parse(origin).ok_or_else(|| {
            Error::Denied(format!(
                "the environment variable {ENDPOINT} is not http:// or https://, a host and perhaps a port, and nothing \
                 else; unset it, and requests go to Klaviyo"
            ))
        })
    }

    fn parse(origin: &str) -> Option<Self> {
        let (scheme, rest) = match origin.split_once("://")? {
            ("https", rest) => (Scheme::Https, rest),
            ("http", rest) => (Scheme::Http, rest),
            _ => return None,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let fits = !authority.is_empty() && authority.bytes().all(is_part);
        fits.then(|| Self { scheme, authority: authority.to_owned() })
    }
}

/// The value of a variable.
pub(crate) fn variable<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::klaviyo::connector::http::Header;

    fn environment(name: &str, value: &str) -> Vec<(String, String)> {
        vec![("PATH".to_owned(), "/".to_owned()), (name.to_owned(), value.to_owned())]
    }

    #[test]
    fn a_missing_or_impossible_key_is_denied_by_the_name_of_its_variable_and_not_shown() {
        for value in ["", " \n", "pk one", "pk\n1", "pk_é", "pk_\u{7f}"] {
            match Key::of(&environment(KEY, value)) {
                Err(Error::Denied(reason)) => {
                    assert!(reason.contains(KEY));
                    assert!(value.trim().is_empty() || !reason.contains(value.trim()));
                }
                _ => panic!("{value:?}"),
            }
        }
        assert!(matches!(Key::of(&[]), Err(Error::Denied(_))));
        let environment = environment(KEY, " pk_0123456789\n");
        let key = Key::of(&environment).ok().unwrap();
        assert_eq!(key.authorization("Klaviyo-API-Key"), b"Klaviyo-API-Key pk_0123456789");
    }

    #[test]
    fn a_key_that_comes_back_is_overwritten_wherever_it_is() {
        let environment = environment(KEY, "pk_0123456789");
        let header = Header { name: "x-PK_0123456789".to_owned(), value: "é pk_0123456789".to_owned() };
        let response = Response {
            status: 200,
            headers: vec![header],
            body: b"pk_0123456789pk_01234567890 \xff pk_012345678".to_vec(),
        };
        let response = Key::of(&environment).ok().unwrap().redact(response);
        assert_eq!(response.body, b"**************************0 \xff pk_012345678");
        assert_eq!(response.headers[0].name, "x-*************");
        assert_eq!(response.headers[0].value, "é *************");
    }

    #[test]
    fn an_endpoint_is_an_origin() {
        for (origin, scheme, authority) in [
            ("https://a.klaviyo.com", "https", "a.klaviyo.com"),
            ("http://127.0.0.1:4010", "http", "127.0.0.1:4010"),
            ("http://[::1]:4010/", "http", "[::1]:4010"),
        ] {
            let endpoint = Endpoint::parse(origin).unwrap();
            assert_eq!(endpoint.authority, authority);
            assert_eq!(matches!(endpoint.scheme, Scheme::Https), scheme == "https");
        }
        for origin in [
            "ftp://a",
            "a.klaviyo.com",
            "https://",
            "https://a/b",
            "https://u@a",
            "https://a b",
            "https://a?b",
        ] {
            assert!(Endpoint::parse(origin).is_none(), "{origin}");
        }
        assert_eq!(Endpoint::of(&[]).ok().unwrap().authority, "a.klaviyo.com");
        for none in ["nowhere", "", " \n"] {
            match Endpoint::of(&environment(ENDPOINT, none)) {
                Err(Error::Denied(reason)) => assert!(reason.contains(ENDPOINT)),
                _ => panic!("{none:?} was taken for an endpoint"),
            }
        }
    }
}
