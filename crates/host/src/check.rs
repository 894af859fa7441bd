//! Checks a request of the component before it is sent: the component is not trusted, and nothing about its
//! requests is.

use crate::bindings::klaviyo::connector::http as wit;
use crate::egress::Egress;
use crate::limits::Limits;
use crate::transport::{AttemptError, LINE_OVERHEAD};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};

/// Headers that only the host may set, or that change how a message is transferred.
const FORBIDDEN_HEADERS: [&str; 17] = [
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

/// A request that may be sent.
pub(crate) struct CheckedRequest {
    /// Complete but for the authorization.
    pub(crate) request: Request<Bytes>,
    /// The authorization scheme. The key follows it.
    pub(crate) scheme: String,
    /// The function that it is for, as the component has it.
    pub(crate) function: String,
}

/// Checks a request against the limits and the egress policy.
pub(crate) fn check(
    request: wit::Request,
    limits: &Limits,
    egress: &Egress,
) -> Result<CheckedRequest, AttemptError> {
    // Sizes come first: parsing takes time and memory of the host.
    let lines = request.headers.iter().map(|header| header.name.len() + header.value.len() + LINE_OVERHEAD);
    let bytes = request.url.len() + request.auth.len() + request.function.len() + lines.sum::<usize>();
    if bytes > limits.header_bytes {
        let limit = limits.header_bytes;
        return Err(AttemptError::TooLarge(format!(
            "the request's address and headers have {bytes} bytes, and Limits::header_bytes allows {limit}"
        )));
    }
    if request.body.len() > limits.request_bytes {
        let (bytes, limit) = (request.body.len(), limits.request_bytes);
        return Err(AttemptError::TooLarge(format!(
            "the request's body has {bytes} bytes, and Limits::request_bytes allows {limit}"
        )));
    }
    let url = egress.route(&request.url).map_err(AttemptError::Denied)?;
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
    let method = match request.method {
        wit::Method::Get => Method::GET,
        wit::Method::Post => Method::POST,
        wit::Method::Patch => Method::PATCH,
        wit::Method::Delete => Method::DELETE,
    };
    let mut checked = Request::new(Bytes::from(request.body));
    *checked.method_mut() = method;
    *checked.uri_mut() = url
        .as_str()
        .parse()
        .map_err(|error| AttemptError::Denied(format!("the request has no valid URL: {error}")))?;
    *checked.headers_mut() = headers;
    Ok(CheckedRequest { request: checked, scheme: request.auth, function: request.function })
}

fn denied<T>(reason: String) -> Result<T, AttemptError> {
    Err(AttemptError::Denied(reason))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), AttemptError> {
    let shown = || name.chars().take(40).collect::<String>().escape_debug().to_string();
    let Ok(parsed) = HeaderName::try_from(name) else {
        return denied(format!("{} is not the name of a header", shown()));
    };
    if FORBIDDEN_HEADERS.contains(&parsed.as_str()) {
        return denied(format!("the header {parsed} is the host's, and the component must not send one"));
    }
    // A line end would begin another header or another request.
    let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
        return denied(format!("the value of the header {parsed} has characters that no header may have"));
    };
    Ok((parsed, value))
}
