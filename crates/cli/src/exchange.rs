//! A transport whose requests and answers can be observed, with the key masked.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use klaviyo_host::{Attempt, Bounds, HttpTransport, Transport};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A key shorter than this is masked in its own header only: elsewhere, words that have nothing to do with it would be
/// masked too.
const KEY_BYTES: usize = 8;
/// Stands for the key wherever the key would be shown.
const MASK: &str = "pk_…";

/// Sees every attempt of every request. No text that it gets has the key in it.
pub(crate) trait Observer: Send + Sync + 'static {
    /// An attempt begins. By default nothing happens.
    fn sent(&self, request: &SentRequest) {
        let _ = request;
    }
    /// The attempt with this request has ended.
    fn ended(&self, request: &SentRequest, result: &ExchangeResult, took: Duration);
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct SentRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum ExchangeResult {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// There is no answer, for this reason.
    NoAnswer(String),
}

impl ExchangeResult {
    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let Self::Answer { headers, .. } = self else { return None };
        headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// HTTP, and who observes it.
pub(crate) struct ObservedTransport {
    http: HttpTransport,
    observers: Vec<Arc<dyn Observer>>,
}

impl ObservedTransport {
    pub(crate) fn new(http: HttpTransport) -> Self {
        Self { http, observers: Vec::new() }
    }

    pub(crate) fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }
}

impl Transport for ObservedTransport {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        if self.observers.is_empty() {
            return self.http.send(request, bounds);
        }
        Box::pin(async move {
            let mask = Mask::of(&request);
            let sent = mask.request(&request);
            self.observers.iter().for_each(|observer| observer.sent(&sent));
            let (observers, since) = (&self.observers, Instant::now());
            let mut waiting = Waiting { observers, request: sent, since, result: None };
            let outcome = self.http.send(request, bounds).await;
            waiting.result = Some(match &outcome {
                Ok(answer) => mask.answer(answer),
                Err(failure) => ExchangeResult::NoAnswer(mask.text(failure.reason().as_bytes())),
            });
            outcome
        })
    }
}

/// An attempt that is under way. One that takes too long is dropped before it has a result.
struct Waiting<'a> {
    observers: &'a [Arc<dyn Observer>],
    request: SentRequest,
    since: Instant,
    result: Option<ExchangeResult>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        let late = || ExchangeResult::NoAnswer("no complete answer in time".to_owned());
        let result = self.result.take().unwrap_or_else(late);
        self.observers.iter().for_each(|observer| observer.ended(&self.request, &result, took));
    }
}

/// Takes the key out of everything that is shown: out of its header, and out of an answer that repeats it.
struct Mask {
    key: Zeroizing<String>,
    /// The bodies are tokens: those of the token endpoint.
    hides_bodies: bool,
}

impl Mask {
    fn of(request: &Request<Bytes>) -> Self {
        let value =
            request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let key = value.split_once(' ').map_or(value, |(_, key)| key);
        let hides_bodies = request.uri().path().starts_with("/oauth/");
        Self { key: Zeroizing::new(key.to_owned()), hides_bodies }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        if self.key.len() < KEY_BYTES { text.into_owned() } else { text.replace(self.key.as_str(), MASK) }
    }

    fn body(&self, bytes: &[u8]) -> String {
        if self.hides_bodies && !bytes.is_empty() { "…".to_owned() } else { self.text(bytes) }
    }

    fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let text = self.text(value.as_bytes());
            let scheme = text.split(' ').next().unwrap_or_default();
            let text = if name == AUTHORIZATION { format!("{scheme} {MASK}") } else { text };
            (name.as_str().to_owned(), text)
        };
        headers.iter().map(line).collect()
    }

    fn request(&self, request: &Request<Bytes>) -> SentRequest {
        SentRequest {
            method: request.method().to_string(),
            url: self.text(request.uri().to_string().as_bytes()),
            headers: self.headers(request.headers()),
            body: self.body(request.body()),
        }
    }

    fn answer(&self, answer: &Response<Bytes>) -> ExchangeResult {
        ExchangeResult::Answer {
            status: answer.status().as_u16(),
            headers: self.headers(answer.headers()),
            body: self.body(answer.body()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_masked_wherever_it_turns_up() {
        let request = Request::builder()
            .uri("http://127.0.0.1/?echo=pk_secret123")
            .header("authorization", "Klaviyo-API-Key pk_secret123")
            .body(Bytes::from_static(b"pk_secret123 pk_secret12"))
            .unwrap();
        let mask = Mask::of(&request);
        let shown = format!("{:?}", mask.request(&request));
        assert!(!shown.contains("secret123"), "{shown}");
        assert!(shown.contains("Klaviyo-API-Key pk_…"));
        let answer = Response::builder().header("echo", "<pk_secret123>").body(Bytes::new()).unwrap();
        assert_eq!(mask.answer(&answer).header("echo"), Some("<pk_…>"));
    }

    #[test]
    fn nothing_that_the_token_endpoint_hears_or_says_is_shown() {
        let request = Request::builder()
            .uri("http://127.0.0.1/oauth/token")
            .header("authorization", "Basic YXBwOnNlY3JldDEyMw==")
            .body(Bytes::from_static(b"refresh_token=secret123"))
            .unwrap();
        let mask = Mask::of(&request);
        let answer = Response::builder().body(Bytes::from_static(b"{\"access_token\":\"secret123\"}"));
        let shown = format!("{:?} {:?}", mask.request(&request), mask.answer(&answer.unwrap()));
        assert!(!shown.contains("secret123") && !shown.contains("YXBw"), "{shown}");
    }
}
