//! One attempt at one request, as a trait, so that a program can bring an HTTP client of its own.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Bytes of a header's line besides its name and value.
pub(crate) const LINE_OVERHEAD: usize = ": \r\n".len();

/// Bytes that these headers take as lines of HTTP/1.1.
pub(crate) fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + LINE_OVERHEAD).sum()
}

/// Why an attempt has no answer. Each sentence is for the person who runs the host, and contains no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptError {
    /// A policy forbids the request. It was not sent. Not repeated.
    Denied(String),
    /// The answer was not complete in time. The request may have taken effect.
    Timeout(String),
    /// No connection could be made: the request was not sent.
    Unreachable(String),
    /// The connection broke. The request may have taken effect.
    Connection(String),
    /// The answer is larger than [`Bounds`] allow. Not repeated.
    TooLarge(String),
    /// Anything else. Not repeated.
    Other(String),
}

impl AttemptError {
    /// The sentence.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Denied(reason)
            | Self::Timeout(reason)
            | Self::Unreachable(reason)
            | Self::Connection(reason)
            | Self::TooLarge(reason)
            | Self::Other(reason) => reason,
        }
    }

    pub(crate) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Denied(reason) => Self::Denied(change(reason)),
            Self::Timeout(reason) => Self::Timeout(change(reason)),
            Self::Unreachable(reason) => Self::Unreachable(change(reason)),
            Self::Connection(reason) => Self::Connection(change(reason)),
            Self::TooLarge(reason) => Self::TooLarge(change(reason)),
            Self::Other(reason) => Self::Other(change(reason)),
        }
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for AttemptError {}

/// The limits of one attempt: [`Limits`](crate::Limits), and the time that is left of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Time until the last byte of the answer. The host drops the attempt's future then.
    pub time: Duration,
    /// Bytes of the answer's headers.
    pub header_bytes: usize,
    /// Bytes of the answer's body.
    pub response_bytes: usize,
}

/// The future of an attempt.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, AttemptError>> + Send + 'a>>;

/// Sends requests. [`HttpTransport`](crate::HttpTransport) does it over HTTP; another implementation may
/// record, replay, or use a client that the platform already has.
///
/// The request is complete: it has the `Authorization` header with the key (marked as sensitive), and its
/// address has passed [`Egress`](crate::Egress). An implementation sends it once: it does not follow
/// redirects, does not retry, and does not return more than the bounds allow. The host does the pacing and
/// the retries.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and waits for the whole answer, whatever its status.
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_>;
}
