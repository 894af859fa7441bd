//! Requests over real HTTP, to a Klaviyo on this machine.

use crate::{Response, Sent, TransportError, Upstream};
use klaviyo_core::ORIGIN;
use std::io;
use std::time::Duration;
use ureq::http::Request;
use ureq::{Agent, Error};

/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const BODY_BYTES: u64 = 5_000_000;

/// Sends what is meant for Klaviyo to a server that stands in for it, with a key that the connector never sees.
pub struct Wire {
    agent: Agent,
    endpoint: String,
    key: String,
}

impl Wire {
    /// Sends to `endpoint`, such as `http://127.0.0.1:40123`, with `key`.
    #[must_use]
    pub fn new(endpoint: &str, key: &str) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build();
        Self { agent: config.into(), endpoint: endpoint.to_owned(), key: key.to_owned() }
    }
}

impl Upstream for Wire {
    fn send(&mut self, sent: Sent) -> Result<Response, TransportError> {
        let Some(path) = sent.url.strip_prefix(ORIGIN).filter(|path| path.starts_with('/')) else {
            return Err(TransportError::Denied(format!("{} is not on {ORIGIN}", sent.url)));
        };
        let mut request = Request::builder()
            .method(sent.method.as_str())
            .uri(format!("{}{path}", self.endpoint))
            .header("authorization", format!("{} {}", sent.auth, self.key));
        for (name, value) in &sent.headers {
            if ["authorization", "host"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return Err(TransportError::Denied(format!("the header {name} is the host's")));
            }
            request = request.header(name, value);
        }
        // An empty body is none: a GET goes without.
        let sent = if sent.body.is_empty() {
            request.body(()).map_err(Error::from).and_then(|request| self.agent.run(request))
        } else {
            request.body(sent.body).map_err(Error::from).and_then(|request| self.agent.run(request))
        };
        let mut response = sent.map_err(failure)?;
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = response.body_mut().with_config().limit(BODY_BYTES).read_to_vec().map_err(failure)?;
        Ok(Response { status: response.status().as_u16(), headers, body })
    }
}

/// Which of the contract's failures it is. None of the texts has the key in it.
fn failure(error: Error) -> TransportError {
    match error {
        Error::Timeout(_) => TransportError::Timeout(error.to_string()),
        Error::BodyExceedsLimit(_) => TransportError::TooLarge(error.to_string()),
        Error::Io(io) if io.kind() == io::ErrorKind::TimedOut => TransportError::Timeout(io.to_string()),
        Error::Io(_) | Error::ConnectionFailed | Error::HostNotFound | Error::Protocol(_) => {
            TransportError::Connection(error.to_string())
        }
        _ => TransportError::Other(error.to_string()),
    }
}
