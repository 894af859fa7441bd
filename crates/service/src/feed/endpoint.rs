//! Endpoints of platforms, which take messages over HTTP.

use super::message::Message;
use super::verdict::Verdict;
use crate::secrets::MacKeys;
use crate::signature::{sign, unix_time};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use klaviyo_host::{AttemptError, Bounds, Egress, HttpTransport, HttpTransportError, Limits, Transport};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use url::{Host, Url};

/// The time for one request, from connecting to the last byte of the answer.
const TIME: Duration = Duration::from_secs(15);
/// The most bytes of an answer's body, and of its headers. An endpoint that sends more counts as failing.
const ANSWER: usize = 64 << 10;

/// Sends messages to the endpoints of all accounts of a process.
///
/// By default an endpoint has https and an address that is public. Redirects are not followed, and no proxy is used.
#[derive(Debug)]
pub struct Sender {
    egress: Egress,
    is_private_allowed: bool,
    transport: HttpTransport,
}

/// The endpoint of a platform, with the keys that its messages are signed with.
#[derive(Debug)]
pub struct Endpoint {
    sender: Arc<Sender>,
    url: Url,
    keys: MacKeys,
}

/// An endpoint is not one that this process may send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It has no https.
    #[error("changes go to https:// only; --private-endpoints allows http:// too")]
    NotHttps,
    /// Its address is not public.
    #[error("the address of the endpoint is not public; --private-endpoints allows it")]
    Private,
}

impl Sender {
    /// A sender. `is_private_allowed` also allows endpoints without TLS, and addresses that are not public, such as one
    /// on this machine or in the same cluster.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(is_private_allowed: bool) -> Result<Self, HttpTransportError> {
        let egress = Egress::default();
        let egress = if is_private_allowed { egress.allow_private_addresses() } else { egress };
        let limits = Limits { connect: Duration::from_secs(10), header_bytes: ANSWER, ..Limits::default() };
        let transport = HttpTransport::new(&egress, &limits)?;
        Ok(Self { egress, is_private_allowed, transport })
    }

    /// An endpoint whose messages are signed with each of the keys: while a secret is replaced, with two.
    ///
    /// # Errors
    /// When this sender may not send to it. A name is looked up later, with each connection.
    pub fn endpoint(self: &Arc<Self>, url: Url, keys: MacKeys) -> Result<Endpoint, EndpointError> {
        if url.scheme() != "https" && !self.is_private_allowed {
            return Err(EndpointError::NotHttps);
        }
        // The client looks no address up, so its resolver does not see this one.
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        if address.is_some_and(|address| !self.egress.allows_address(address)) {
            return Err(EndpointError::Private);
        }
        Ok(Endpoint { sender: Arc::clone(self), url, keys })
    }
}

impl Endpoint {
    /// Sends a message once, signed at this time.
    pub(super) async fn send(&self, message: &Message) -> Verdict {
        let Some(request) = self.request(message, unix_time()) else {
            return Verdict::Refused { reason: "the message cannot be written as a request".to_owned() };
        };
        let bounds = Bounds { time: TIME, header_bytes: ANSWER, response_bytes: ANSWER };
        let answer = timeout(TIME, self.sender.transport.send(request, bounds)).await;
        let answer = answer.unwrap_or_else(|_| {
            let reason = format!("the endpoint did not answer within {} s", TIME.as_secs());
            Err(AttemptError::Timeout(reason))
        });
        Verdict::of(&answer.map_err(explained))
    }

    fn request(&self, message: &Message, at: i64) -> Option<Request<bytes::Bytes>> {
        let signature = sign(&self.keys, &message.id, at, &message.body).ok()?;
        Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
            .body(message.body.clone())
            .ok()
    }
}

/// The failure in words of the feed: the transport speaks of the settings of a connector.
fn explained(error: AttemptError) -> AttemptError {
    match error {
        AttemptError::Denied(_) => AttemptError::Denied(
            "the name of the endpoint resolves to no public address; --private-endpoints allows others"
                .to_owned(),
        ),
        AttemptError::TooLarge(_) => AttemptError::TooLarge(format!(
            "the endpoint's answer has more than {ANSWER} bytes; a short one will do"
        )),
        AttemptError::Unreachable(cause) => {
            AttemptError::Unreachable(format!("the endpoint cannot be reached: {cause}"))
        }
        AttemptError::Connection(cause) => {
            AttemptError::Connection(format!("the connection to the endpoint broke off: {cause}"))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::MacKey;

    #[test]
    fn an_endpoint_has_https_and_a_public_address_unless_more_is_allowed() {
        let keys =
            || MacKeys::from(MacKey::signing_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let [public, private] = [false, true].map(|allowed| Arc::new(Sender::new(allowed).unwrap()));
        for (url, refused) in [
            ("https://platform.example/hook", None),
            ("https://8.8.8.8/", None),
            ("http://platform.example/hook", Some(EndpointError::NotHttps)),
            ("https://127.0.0.1/", Some(EndpointError::Private)),
            ("https://2130706433/", Some(EndpointError::Private)),
            ("https://10.0.0.1:8443/", Some(EndpointError::Private)),
            ("https://[::1]/", Some(EndpointError::Private)),
            ("https://[::ffff:169.254.169.254]/", Some(EndpointError::Private)),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(public.endpoint(url.clone(), keys()).err(), refused, "{url}");
            assert_eq!(private.endpoint(url.clone(), keys()).err(), None, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_of_a_private_address_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
        let key = MacKey::signing_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let endpoint = Arc::new(Sender::new(false).unwrap()).endpoint(url, key.into()).unwrap();
        let message = Message { id: "msg_1".to_owned(), person: "01".to_owned(), body: "{}".into() };
        let Verdict::Hold { reason, .. } = endpoint.send(&message).await else { panic!("it is sent") };
        assert!(reason.contains("--private-endpoints"), "{reason}");
        assert!(tokio::time::timeout(Duration::ZERO, listener.accept()).await.is_err());
    }
}
