//! From a request of the component to its answer: checks, the key, the pace, attempts.

use crate::client::header_bytes;
use crate::connector::Shared as Host;
use crate::endpoint::Endpoint;
use crate::error::Usage;
use crate::limits::Limits;
use crate::retry;
use crate::sandbox::bindings::klaviyo::connector::http as wit;
use crate::secret::Secret;
use crate::tenant::Shared as Account;
use crate::transport::{Bounds, Failure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, info_span, warn};
use url::Url;
use zeroize::Zeroizing;

/// A key shorter than this is not looked for in answers: too much would look like it.
const REDACTED_KEY_BYTES: usize = 8;

/// What a header's line has beside its name and value.
pub(crate) const LINE: usize = ": \r\n".len();

/// Headers that are the host's, or that change what a message is on its way.
const NOT_THE_COMPONENTS: [&str; 17] = [
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
    "via",
];

/// Sends the requests of one call.
pub(crate) struct Courier {
    host: Arc<Host>,
    account: Arc<Account>,
    deadline: Instant,
    pub(crate) usage: Usage,
}

impl Courier {
    pub(crate) fn new(host: Arc<Host>, account: Arc<Account>, deadline: Instant) -> Self {
        Self { host, account, deadline, usage: Usage::default() }
    }

    /// What the call may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.host.limits
    }

    /// Sends one request of the component and returns its answer.
    pub(crate) async fn send(&mut self, request: wit::Request) -> Result<wit::Response, Failure> {
        self.usage.requests = self.usage.requests.saturating_add(1);
        let span = info_span!(
            "klaviyo.request",
            operation = Empty,
            status = Empty,
            attempts = Empty,
            sent_bytes = request.body.len(),
            received_bytes = Empty,
            milliseconds = Empty,
        );
        let start = Instant::now();
        let before = self.usage.attempts;
        let mut keys = Keys::default();
        let outcome = async {
            let (request, scheme, endpoint) = self.checked(request)?;
            Span::current().record("operation", endpoint.name);
            self.exchange(request, &scheme, endpoint, &mut keys).await
        };
        let outcome = outcome.instrument(span.clone()).await;
        let outcome = outcome.map_err(|failure| failure.map(|reason| keys.clean(reason.as_bytes())));
        span.record("attempts", self.usage.attempts - before);
        span.record("milliseconds", start.elapsed().as_millis());
        span.in_scope(|| match &outcome {
            Ok(answer) => {
                span.record("status", answer.status().as_u16());
                span.record("received_bytes", answer.body().len());
            }
            // What a component should not have asked for is what an operator wants to know.
            Err(Failure::Denied(reason)) => warn!(reason, "refused"),
            Err(failure) => debug!(%failure, "no answer"),
        });
        outcome.map(|answer| returned(answer, &keys))
    }

    /// What leaves the sandbox is not trusted: everything about the request is looked at before it is sent.
    fn checked(&self, request: wit::Request) -> Result<(Request<Bytes>, String, &'static Endpoint), Failure> {
        let limits = &self.host.limits;
        if self.usage.requests > limits.requests {
            let limit = limits.requests;
            return denied(format!("the call has made the {limit} requests that Limits::requests allows"));
        }
        // Before anything is read or built of it: that takes time and memory of the host's.
        let lines = request.headers.iter().map(|header| header.name.len() + header.value.len() + LINE);
        let bytes = request.url.len() + request.auth.len() + lines.sum::<usize>();
        if bytes > limits.header_bytes {
            let limit = limits.header_bytes;
            return Err(Failure::TooLarge(format!(
                "the request's address and headers have {bytes} bytes, and Limits::header_bytes allows {limit}"
            )));
        }
        if request.body.len() > limits.request_bytes {
            let (bytes, limit) = (request.body.len(), limits.request_bytes);
            return Err(Failure::TooLarge(format!(
                "the request's body has {bytes} bytes, and Limits::request_bytes allows {limit}"
            )));
        }
        let url = self.host.egress.route(&request.url).map_err(Failure::Denied)?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if request.auth.is_empty() || !request.auth.bytes().all(token) {
            return denied("the request's authorization scheme is not a single word".to_owned());
        }
        let mut headers = HeaderMap::new();
        for wit::Header { name, value } in &request.headers {
            let (name, value) = header(name, value)?;
            if headers.try_append(name, value).is_err() {
                return denied("the request has more headers than there can be".to_owned());
            }
        }
        self.account.raise_revision(&mut headers);
        let method = match request.method {
            wit::Method::Get => Method::GET,
            wit::Method::Post => Method::POST,
            wit::Method::Patch => Method::PATCH,
            wit::Method::Delete => Method::DELETE,
        };
        let endpoint = Endpoint::of(&method, url.path());
        Ok((assembled(method, &url, headers, request.body)?, request.auth, endpoint))
    }

    /// Sends a request until it is answered, or should not be sent again, or there is no time left.
    async fn exchange(
        &mut self,
        mut request: Request<Bytes>,
        scheme: &str,
        endpoint: &'static Endpoint,
        keys: &mut Keys,
    ) -> Result<Response<Bytes>, Failure> {
        let mut pauses = retry::pauses();
        let mut attempt: u32 = 0;
        loop {
            attempt = attempt.saturating_add(1);
            let asked = Instant::now();
            let permit = self.account.pacer.permit(endpoint, self.deadline).await;
            self.usage.waited += asked.elapsed();
            let Some(permit) = permit else {
                return Err(Failure::Timeout(format!(
                    "not sent: at Klaviyo's rates this account's turn to {} comes later than the {:?} of Limits::time \
                     allow; make fewer calls at once, or allow more time",
                    endpoint.name, self.host.limits.time
                )));
            };
            // Read each time: it may have been replaced since.
            let key = self.account.key();
            keys.add(&key);
            request.headers_mut().insert(AUTHORIZATION, authorization(scheme, &key)?);
            self.usage.attempts += 1;
            self.usage.sent_bytes += request.body().len() as u64;
            let outcome = self.attempt(request.clone()).await;
            let asked_for = outcome.as_ref().ok().and_then(|answer| retry::retry_after(answer.headers()));
            let pause = pauses.next().unwrap_or_default().max(asked_for.unwrap_or_default());
            if let Ok(answer) = &outcome {
                self.usage.received_bytes += answer.body().len() as u64;
                permit.learn(answer.headers());
                self.account.note_retirement(answer.headers());
                if answer.status().as_u16() == 429 {
                    permit.hold(pause);
                }
            }
            drop(permit);
            let over = attempt >= self.host.limits.attempts
                || !retry::may_repeat(endpoint, &outcome)
                || Instant::now().checked_add(pause).is_none_or(|then| then >= self.deadline);
            if over {
                return outcome.map_err(|failure| after(attempt, failure));
            }
            match &outcome {
                Ok(answer) => debug!(attempt, status = answer.status().as_u16(), ?pause, "repeating"),
                Err(_) => debug!(attempt, ?pause, "repeating after a failure"),
            }
            tokio::time::sleep(pause).await;
            self.usage.waited += pause;
        }
    }

    async fn attempt(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let limits = &self.host.limits;
        let left = self.deadline.saturating_duration_since(Instant::now());
        // The component needs a moment to say what has happened.
        let left = left.saturating_sub((left / 20).min(Duration::from_millis(100)));
        let time = limits.attempt.min(left);
        let bounds =
            Bounds { time, header_bytes: limits.header_bytes, response_bytes: limits.response_bytes };
        let outcome =
            timeout(time, self.host.transport.send(request, bounds)).await.unwrap_or_else(|_| {
                let limit =
                    if time == limits.attempt { "Limits::attempt" } else { "what was left of Limits::time" };
                Err(Failure::Timeout(format!("no complete answer within {time:.1?}, which is {limit}")))
            })?;
        // The bounds hold whatever transport it is.
        if outcome.body().len() > limits.response_bytes
            || header_bytes(outcome.headers()) > limits.header_bytes
        {
            let reason =
                "the transport returned more than Limits::response_bytes or Limits::header_bytes allow";
            return Err(Failure::TooLarge(reason.to_owned()));
        }
        Ok(outcome)
    }
}

/// The answer as the component gets it. A server that sends the key back does not get it into the sandbox.
fn returned(answer: Response<Bytes>, keys: &Keys) -> wit::Response {
    let (parts, body) = answer.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| wit::Header {
            name: keys.clean(name.as_str().as_bytes()),
            value: keys.clean(value.as_bytes()),
        })
        .collect();
    let body = keys.without(&body).unwrap_or_else(|| body.into());
    wit::Response { status: parts.status.as_u16(), headers, body }
}

fn denied<T>(reason: String) -> Result<T, Failure> {
    Err(Failure::Denied(reason))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let shown = || name.chars().take(40).collect::<String>().escape_debug().to_string();
    let Ok(parsed) = HeaderName::try_from(name) else {
        return denied(format!("{} is not the name of a header", shown()));
    };
    if NOT_THE_COMPONENTS.contains(&parsed.as_str()) {
        return denied(format!("the header {parsed} is the host's, and the component must not send one"));
    }
    // Line ends above all: they would begin another header, or another request.
    let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
        return denied(format!("the value of the header {parsed} has characters that no header may have"));
    };
    Ok((parsed, value))
}

fn authorization(scheme: &str, key: &Secret) -> Result<HeaderValue, Failure> {
    let line = Zeroizing::new(format!("{scheme} {}", key.expose()));
    let mut value =
        HeaderValue::from_str(&line).map_err(|_| Failure::Denied("the key is no header".to_owned()))?;
    // Not printed by `Debug`, and not put into HTTP/2's table of headers.
    value.set_sensitive(true);
    Ok(value)
}

fn assembled(
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<Request<Bytes>, Failure> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|error| Failure::Denied(format!("the request has no valid URL: {error}")))?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Says how often it was tried.
fn after(attempts: u32, failure: Failure) -> Failure {
    match attempts {
        ..2 => failure,
        _ => failure.map(|reason| format!("{reason} (after {attempts} attempts)")),
    }
}

/// The keys that a request was sent with: one, unless it was replaced meanwhile.
#[derive(Default)]
struct Keys(Vec<Arc<Secret>>);

impl Keys {
    fn add(&mut self, key: &Arc<Secret>) {
        if !self.0.iter().any(|known| Arc::ptr_eq(known, key)) {
            self.0.push(Arc::clone(key));
        }
    }

    /// The bytes with every copy of a key overwritten, also in the small letters that names of headers have; none
    /// when there is none.
    fn without(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut clean: Option<Vec<u8>> = None;
        for key in self.0.iter().map(|key| key.expose()).filter(|key| key.len() >= REDACTED_KEY_BYTES) {
            let small = Zeroizing::new(key.to_ascii_lowercase());
            for text in [key, small.as_str()] {
                for start in memchr::memmem::find_iter(bytes, text) {
                    let clean = clean.get_or_insert_with(|| bytes.to_vec());
                    if let Some(copy) = clean.get_mut(start..start + text.len()) {
                        copy.fill(b'*');
                    }
                }
            }
        }
        clean
    }

    fn clean(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(self.without(bytes).as_deref().unwrap_or(bytes)).into_owned()
    }
}
