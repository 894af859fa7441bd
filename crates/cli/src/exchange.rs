//! Watching what crosses the wire.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use klaviyo_host::{Attempt, Bounds, HttpTransport, Transport};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What stands for the key wherever it would be shown.
/// A key shorter than this is masked in its own header only.
const KEY_BYTES: usize = 8;
const MASK: &str = "pk_…";

/// Somebody who sees every attempt. None of the texts has the key in it.
pub(crate) trait Watch: Send + Sync + 'static {
    /// It goes out now.
    fn sent(&self, sent: &Sent);
    /// It has come back, or it has not.
    fn ended(&self, end: &End, took: Duration);
}

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Why there is no answer.
    Nothing(String),
}

impl End {
    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let Self::Answer { headers, .. } = self else { return None };
        headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Real HTTP, watched.
pub(crate) struct Tap {
    http: HttpTransport,
    watchers: Vec<Arc<dyn Watch>>,
}

impl Tap {
    pub(crate) fn new(http: HttpTransport) -> Self {
        Self { http, watchers: Vec::new() }
    }

    pub(crate) fn watched_by(mut self, watcher: Arc<dyn Watch>) -> Self {
        self.watchers.push(watcher);
        self
    }
}

impl Transport for Tap {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        if self.watchers.is_empty() {
            return self.http.send(request, bounds);
        }
        Box::pin(async move {
            let mask = Mask::of(&request);
            let sent = mask.request(&request);
            self.watchers.iter().for_each(|watcher| watcher.sent(&sent));
            let mut waiting = Waiting { watchers: &self.watchers, since: Instant::now(), end: None };
            let outcome = self.http.send(request, bounds).await;
            waiting.end = Some(match &outcome {
                Ok(answer) => mask.answer(answer),
                Err(failure) => End::Nothing(mask.text(failure.reason().as_bytes())),
            });
            outcome
        })
    }
}

/// An attempt that is under way. It is dropped without an end when it takes too long.
struct Waiting<'a> {
    watchers: &'a [Arc<dyn Watch>],
    since: Instant,
    end: Option<End>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        let end = self.end.take().unwrap_or_else(|| End::Nothing("no complete answer in time".to_owned()));
        self.watchers.iter().for_each(|watcher| watcher.ended(&end, took));
    }
}

/// Takes the key out of whatever is shown: the header, and what a server may send back.
struct Mask {
    key: Zeroizing<String>,
}

impl Mask {
    fn of(request: &Request<Bytes>) -> Self {
        let value =
            request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let key = value.split_once(' ').map_or(value, |(_, key)| key);
        Self { key: Zeroizing::new(key.to_owned()) }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        // A shorter one would be found in words that have nothing to do with it.
        if self.key.len() < KEY_BYTES { text.into_owned() } else { text.replace(self.key.as_str(), MASK) }
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

    fn request(&self, request: &Request<Bytes>) -> Sent {
        Sent {
            method: request.method().to_string(),
            url: self.text(request.uri().to_string().as_bytes()),
            headers: self.headers(request.headers()),
            body: self.text(request.body()),
        }
    }

    fn answer(&self, answer: &Response<Bytes>) -> End {
        End::Answer {
            status: answer.status().as_u16(),
            headers: self.headers(answer.headers()),
            body: self.text(answer.body()),
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
}
