//! The transport over real HTTP.

use crate::egress::Egress;
use crate::limits::Limits;
use crate::transport::{Attempt, AttemptError, Bounds, Transport, header_bytes};
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls_platform_verifier::BuilderVerifierExt;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// HTTP/1.1 and HTTP/2 over TLS with the certificates that the system trusts (`SSL_CERT_FILE` names others),
/// connections pooled. It follows no redirect, keeps no cookie, asks for no compression, and takes no proxy
/// from the environment. Its connections belong to the tokio runtime that made them, so use one runtime.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up HTTPS; does the machine have root certificates (Debian's package ca-certificates)?")]
pub struct HttpTransportError(#[source] Box<dyn Error + Send + Sync>);

impl HttpTransport {
    /// A transport that connects to no address that `egress` forbids.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(egress: &Egress, limits: &Limits) -> Result<Self, HttpTransportError> {
        let tls = tls().map_err(|error| HttpTransportError(error.into()))?;
        // HTTP/2 counts more bytes for each header, and breaks the stream if there are more than this. So
        // this is far above the limit, which is checked when the headers have been read.
        let header_list = limits.header_bytes.saturating_mul(8).saturating_add(64 << 10);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("klaviyo-connector/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(limits.connect)
            .http2_max_header_list_size(u32::try_from(header_list).unwrap_or(u32::MAX))
            // Notices a connection that has died silently, so that the next attempt does not use it.
            .http2_keep_alive_interval(Duration::from_secs(10))
            .http2_keep_alive_timeout(Duration::from_secs(5))
            .dns_resolver(Arc::new(Resolver { egress: egress.clone() }))
            .build()
            .map_err(|error| HttpTransportError(error.into()))?;
        Ok(Self { client })
    }
}

/// Names the provider of cryptography here: the process has one default, which the embedding program chooses.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

impl Transport for HttpTransport {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let mut request = reqwest::Request::try_from(request).map_err(failure)?;
            // Without a body rather than with an empty one: a GET has none.
            if request.body().and_then(reqwest::Body::as_bytes).is_some_and(<[u8]>::is_empty) {
                *request.body_mut() = None;
            }
            let response = self.client.execute(request).await.map_err(failure)?;
            let headers = response.headers();
            if header_bytes(headers) > bounds.header_bytes {
                let limit = bounds.header_bytes;
                let reason =
                    format!("the answer's headers have more than the {limit} bytes of Limits::header_bytes");
                return Err(AttemptError::TooLarge(reason));
            }
            if let Some(coding) = headers.get(CONTENT_ENCODING).filter(|coding| *coding != "identity") {
                return Err(AttemptError::Other(format!(
                    "the answer is in the coding {coding:?}, which was not asked for"
                )));
            }
            read(response, bounds).await
        })
    }
}

async fn read(mut response: reqwest::Response, bounds: Bounds) -> Result<Response<Bytes>, AttemptError> {
    let limit = bounds.response_bytes;
    let too_large = || {
        AttemptError::TooLarge(format!(
            "the answer has more than the {limit} bytes of Limits::response_bytes"
        ))
    };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

/// The kind of failure. The sentence leaves out the address, which may contain an email.
fn failure(error: reqwest::Error) -> AttemptError {
    let error = error.without_url();
    if let Some(refused) = causes(&error).find_map(|cause| cause.downcast_ref::<PrivateAddress>()) {
        return AttemptError::Denied(refused.to_string());
    }
    if causes(&error).any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_parse_too_large)) {
        let reason =
            "the answer's headers are larger than Limits::header_bytes, and than any that make sense";
        return AttemptError::TooLarge(reason.to_owned());
    }
    let reason = causes(&error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if error.is_connect() {
        AttemptError::Unreachable(reason)
    } else if error.is_timeout() {
        AttemptError::Timeout(reason)
    } else if error.is_request() || error.is_body() || error.is_decode() {
        AttemptError::Connection(reason)
    } else {
        AttemptError::Other(reason)
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Looks up names, and drops the addresses that the egress policy forbids.
struct Resolver {
    egress: Egress,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "{0} resolves to an address that is not public, and to none that is; \
     Egress::allow_private_addresses would allow it"
)]
struct PrivateAddress(String);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.egress.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.iter().copied().filter(|address| egress.allows_address(address.ip())).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err(PrivateAddress(name.as_str().to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
