//! WhatsApp's Cloud API, which takes the messages of businesses.

use super::fate::Fate;
use crate::secrets::SecretText;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use klaviyo_host::{
    AttemptError, Bounds, Egress, EgressError, HttpTransport, HttpTransportError, Limits, Transport,
};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use url::{Host, Url};
use zeroize::Zeroizing;

const META: &str = "https://graph.facebook.com";
/// The version of the API.
const VERSION: &str = "v25.0";
/// The time for one request, from connecting to the last byte of the answer.
const TIME: Duration = Duration::from_secs(15);
/// The most bytes of an answer's body, and of its headers.
const ANSWER: usize = 64 << 10;

/// The Cloud API, for all accounts of a process. Its requests go to one origin and to no other, whatever the egress of
/// the connector allows, and none of them passes through the sandbox.
pub struct Cloud {
    /// The origin, without a slash at its end.
    origin: String,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Why there is no Cloud API.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The address that stands for Meta's is no origin.
    #[error(transparent)]
    Origin(#[from] EgressError),
    /// It would send the token unencrypted through a network.
    #[error(
        "without https:// the token would go through the network unencrypted; http:// is for this machine only, such as http://127.0.0.1:8090"
    )]
    Unencrypted,
    /// TLS cannot be set up.
    #[error(transparent)]
    Transport(#[from] HttpTransportError),
}

impl Cloud {
    /// Meta's Cloud API; or another one, such as a simulator, by its origin: with https, or on this machine.
    ///
    /// # Errors
    /// When the origin is none, or has neither, or TLS cannot be set up.
    pub fn new(origin: Option<&str>) -> Result<Self, CloudError> {
        let name = origin.unwrap_or(META);
        let mut egress = Egress::parse([name])?;
        if let Some(origin) = origin {
            if origin.starts_with("http://") && !is_loopback(origin) {
                return Err(CloudError::Unencrypted);
            }
            egress = egress.allow_private_addresses();
        }
        let limits = Limits { header_bytes: ANSWER, ..Limits::default() };
        let transport = Arc::new(HttpTransport::new(&egress, &limits)?);
        Ok(Self { origin: name.trim_end_matches('/').to_owned(), transport })
    }

    /// Meta's Cloud API, by this way.
    #[cfg(test)]
    pub(crate) fn by(transport: impl Transport) -> Self {
        Self { origin: META.to_owned(), transport: Arc::new(transport) }
    }

    /// Sends a message from the number with this id, once.
    pub(super) async fn send(&self, token: &SecretText, phone_number_id: &str, body: Bytes) -> Fate {
        let Some(request) = self.request(token, phone_number_id, body) else {
            return Fate::Setting("the token is no header, or the phone number id no number".to_owned());
        };
        let bounds = Bounds { time: TIME, header_bytes: ANSWER, response_bytes: ANSWER };
        let outcome = timeout(TIME, self.transport.send(request, bounds)).await.unwrap_or_else(|_| {
            Err(AttemptError::Timeout(format!("WhatsApp did not answer within {} s", TIME.as_secs())))
        });
        Fate::of(&outcome.map_err(|error| explained(error, token)))
    }

    fn request(&self, token: &SecretText, phone_number_id: &str, body: Bytes) -> Option<Request<Bytes>> {
        // It becomes a part of the path.
        if phone_number_id.is_empty() || !phone_number_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let line = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let mut authorization = HeaderValue::from_str(&line).ok()?;
        authorization.set_sensitive(true);
        Request::builder()
            .method(Method::POST)
            .uri(format!("{}/{VERSION}/{phone_number_id}/messages", self.origin))
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body)
            .ok()
    }
}

/// Whether an origin is this machine by its address. A name can be another machine's.
fn is_loopback(origin: &str) -> bool {
    let host = Url::parse(origin).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    let address: Option<IpAddr> = match host {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(name)) => return name == "localhost",
        None => None,
    };
    address.is_some_and(|address| address.is_loopback())
}

/// The failure in words about WhatsApp, without the token.
fn explained(error: AttemptError, token: &SecretText) -> AttemptError {
    let without = |reason: String| format!("WhatsApp: {}", reason.replace(token.as_str(), "…"));
    match error {
        AttemptError::Denied(_) => {
            AttemptError::Denied(format!("{META} resolves to no public address; look at this machine's DNS"))
        }
        AttemptError::TooLarge(_) => {
            AttemptError::TooLarge(format!("WhatsApp's answer has more than {ANSWER} bytes"))
        }
        AttemptError::Timeout(reason) => AttemptError::Timeout(without(reason)),
        AttemptError::Unreachable(reason) => AttemptError::Unreachable(without(reason)),
        AttemptError::Connection(reason) => AttemptError::Connection(without(reason)),
        AttemptError::Other(reason) => AttemptError::Other(without(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::fate::Hold;
    use klaviyo_mock::{Fault, Faults, Route, Rule, When};
    use klaviyo_whatsapp_mock::{Business, Contact, Limits as Pace, Server};
    use serde_json::json;

    fn token(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn text_to(number: &str, message_id: &str) -> Bytes {
        let body = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": number,
            "context": { "message_id": message_id }, "type": "text", "text": { "body": "Hello" },
        });
        body.to_string().into()
    }

    #[test]
    fn the_token_goes_to_an_origin_that_may_have_it() {
        assert!(Cloud::new(None).is_ok());
        for origin in
            ["http://127.0.0.1:8090", "http://[::1]:8090/", "http://localhost:8090", "https://graph.example"]
        {
            assert!(Cloud::new(Some(origin)).is_ok(), "{origin}");
        }
        for origin in ["http://graph.example", "http://10.0.0.1:80", "http://127.0.0.1.example"] {
            assert!(matches!(Cloud::new(Some(origin)), Err(CloudError::Unencrypted)), "{origin}");
        }
        for origin in
            ["graph.example", "https://graph.example/v25.0", "ftp://127.0.0.1", "https://a@b.example"]
        {
            assert!(matches!(Cloud::new(Some(origin)), Err(CloudError::Origin(_))), "{origin}");
        }
        let cloud = Cloud::new(None).unwrap();
        let request = cloud.request(&token("EAAG1"), "106", Bytes::new()).unwrap();
        assert_eq!(request.uri(), "https://graph.facebook.com/v25.0/106/messages");
        assert!(!format!("{request:?}").contains("EAAG1"));
        for (text, id) in [("a\nb", "106"), ("EAAG1", ""), ("EAAG1", "106/../7"), ("EAAG1", "+106")] {
            assert!(cloud.request(&token(text), id, Bytes::new()).is_none(), "{text} {id}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn messages_are_sent_and_refused_as_whatsapp_does() {
        let whatsapp = Server::start(Business::new().stop_the_clock().limits(Pace::meta())).unwrap();
        let cloud = Cloud::new(Some(&whatsapp.url())).unwrap();
        let priya = whatsapp.person(Contact::new("919820000001"));
        let id = priya.writes("SUBSCRIBE");
        let own = token(Business::TOKEN);
        let send = async |token: &SecretText, number_id: &str, to: &str, about: &str| {
            cloud.send(token, number_id, text_to(to, about)).await
        };
        let (number, ours) = ("919820000001", Business::NUMBER_ID);
        assert_eq!(send(&own, ours, number, &id).await, Fate::Sent);
        assert_eq!(priya.messages().len(), 1);
        assert_eq!(priya.messages()[0].context.as_deref(), Some(id.as_str()));
        let fate = send(&own, ours, number, &id).await;
        assert!(matches!(fate, Fate::Later { hold: Hold::Person, .. }), "{fate:?}");
        for (fate, what) in [
            (send(&token("EAAGwrong"), ours, number, &id).await, "another token"),
            (send(&own, "7", number, &id).await, "another number"),
        ] {
            assert!(matches!(fate, Fate::Setting(_)), "{what}: {fate:?}");
            assert!(!format!("{fate:?}").contains("EAAG"));
        }
        whatsapp.advance(Duration::from_secs(60));
        for (fate, what) in [
            (send(&own, ours, "10000000", &id).await, "nobody"),
            (send(&own, ours, number, "wamid.other").await, "no message of this conversation"),
        ] {
            assert!(matches!(fate, Fate::Refused(_)), "{what}: {fate:?}");
        }
        whatsapp.advance(Duration::from_secs(25 * 60 * 60));
        assert!(matches!(send(&own, ours, number, &id).await, Fate::Refused(_)));
        assert_eq!(priya.messages().len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_may_have_been_sent_is_told_from_what_was_not() {
        let always = |fault| {
            Faults::none().rule(Rule { route: Route { method: None, path: None }, when: When::Always, fault })
        };
        let whatsapp = Server::start(Business::new().limits(Pace::off())).unwrap();
        let cloud = Cloud::new(Some(&whatsapp.url())).unwrap();
        let priya = whatsapp.person(Contact::new("919820000001"));
        let id = priya.writes("SUBSCRIBE");
        let own = token(Business::TOKEN);
        for fault in [
            Fault::ResetAfter,
            Fault::ResetBefore,
            Fault::Truncate,
            Fault::GarbageLine,
            Fault::StatusAfter(500),
            Fault::StatusAfter(503),
            Fault::Html(502),
            Fault::Html(404),
        ] {
            whatsapp.set_faults(always(fault));
            let fate = cloud.send(&own, Business::NUMBER_ID, text_to("919820000001", &id)).await;
            assert!(matches!(fate, Fate::Unsure(_)), "{fault:?}: {fate:?}");
            assert!(!format!("{fate:?}").contains(Business::TOKEN));
        }
        whatsapp.set_faults(always(Fault::Status { code: 429, retry_after: Some(7) }));
        let fate = cloud.send(&own, Business::NUMBER_ID, text_to("919820000001", &id)).await;
        assert!(
            matches!(fate, Fate::Later { hold: Hold::Account, after, .. } if after >= Duration::from_secs(7)),
            "{fate:?}"
        );
        // Nobody listens there.
        let url = whatsapp.url();
        drop(whatsapp);
        let cloud = Cloud::new(Some(&url)).unwrap();
        let fate = cloud.send(&own, Business::NUMBER_ID, text_to("919820000001", &id)).await;
        assert!(matches!(fate, Fate::Later { hold: Hold::Account, .. }), "{fate:?}");
    }
}
