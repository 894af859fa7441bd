//! Requests, responses, and the trait by which a caller sends them.

use alloc::{borrow::Cow, string::String, vec::Vec};
use serde::Deserialize;

/// The methods that the operations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

/// A request header. None depends on arguments but the revision that a caller of [`api`](crate::api) names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name, in lower case.
    pub name: &'static str,
    /// The value.
    pub value: Cow<'static, str>,
}

/// One HTTP request without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Absolute, `https`, fully percent-encoded.
    pub url: String,
    /// Never `authorization`, never `host`.
    pub headers: Vec<Header>,
    /// The scheme of the `Authorization` header; the sender adds the key.
    pub auth: &'static str,
    /// Empty: no body.
    pub body: Vec<u8>,
}

/// One HTTP response, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and values, in the order received; names in any case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The values of a header, name compared without regard to case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
    }

    /// The first value of a header.
    #[must_use]
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no response. Each case has a sentence of the sender.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportError {
    /// The sender's policy does not allow the request. It was not sent.
    Denied(String),
    /// No complete answer in time. The request may have taken effect.
    Timeout(String),
    /// The connection failed. The request may have taken effect.
    Connection(String),
    /// The request or the answer is larger than the sender allows.
    TooLarge(String),
    /// Anything else.
    Other(String),
}

/// Sends a request and waits for the whole answer.
///
/// An implementation adds the key, follows no redirect, and fails only when there is no answer: a status
/// of 4xx or 5xx is an answer.
pub trait Http {
    /// Sends `request`.
    ///
    /// # Errors
    /// When no complete answer came, or the request was not sent.
    fn send(&mut self, request: Request) -> Result<Response, TransportError>;
}

impl<F: FnMut(Request) -> Result<Response, TransportError>> Http for F {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        self(request)
    }
}
