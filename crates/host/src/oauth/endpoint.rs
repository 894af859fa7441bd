//! Klaviyo's token endpoint: a grant in, tokens out.

use super::installation::Client;
use crate::connector::Connector;
use crate::egress::Egress;
use crate::limits::Limits;
use crate::observer::{AttemptObserver, Observation, Progress};
use crate::redaction::SentKeys;
use crate::retry;
use crate::secret::Secret;
use crate::transport::{AttemptError, Bounds, Transport};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

const TOKEN: &str = "https://a.klaviyo.com/oauth/token";
/// The name of the endpoint, for who hears of its requests.
const NAME: &str = "oauth token";
/// The longest time for an answer. Other processes wait that long for the one that refreshes.
const TIME: Duration = Duration::from_secs(15);
/// How long an access token lasts if the answer does not say.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Klaviyo's token endpoint, by the transport and the [`Egress`] of a [`Connector`]. The component cannot reach it.
#[derive(Clone)]
pub struct TokenEndpoint {
    transport: Arc<dyn Transport>,
    egress: Egress,
    bounds: Bounds,
    observer: Option<Arc<dyn AttemptObserver>>,
    /// The name of the tenant, for the observer.
    tenant: Arc<str>,
}

/// What a grant gives.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The token that requests are sent with.
    pub access_token: Arc<Secret>,
    /// The token that the next access token is asked for with; none: the one before goes on.
    pub refresh_token: Option<Arc<Secret>>,
    /// How long the access token lasts.
    pub lifetime: Duration,
}

/// Why a grant gives nothing. No sentence contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The code or the refresh token is not valid, or no longer: `invalid_grant`.
    #[error("Klaviyo does not take the code or the refresh token (invalid_grant)")]
    Invalid,
    /// The client id or the client secret is not right: `invalid_client`.
    #[error("Klaviyo does not know the app by this client id and client secret (invalid_client)")]
    Client,
    /// Klaviyo cannot answer now, or something other than Klaviyo has answered.
    #[error("{reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// How long Klaviyo wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// There is no answer.
    #[error(transparent)]
    Attempt(AttemptError),
}

impl Connector {
    /// The token endpoint, by the transport and the egress of this connector. The observer hears of its requests too, with
    /// `oauth token` as the name of their endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> TokenEndpoint {
        let settings = &self.inner.outbound;
        let endpoint =
            TokenEndpoint::over(Arc::clone(&settings.transport), settings.egress.clone(), &settings.limits);
        TokenEndpoint { observer: settings.observer.clone(), ..endpoint }
    }
}

impl TokenEndpoint {
    /// The token endpoint over this transport: for a program without a [`Connector`].
    #[must_use]
    pub fn new(transport: impl Transport, egress: Egress, limits: &Limits) -> Self {
        Self::over(Arc::new(transport), egress, limits)
    }

    fn over(transport: Arc<dyn Transport>, egress: Egress, limits: &Limits) -> Self {
        let bounds = Bounds {
            time: limits.attempt.min(TIME),
            header_bytes: limits.header_bytes,
            response_bytes: limits.response_bytes,
        };
        Self { transport, egress, bounds, observer: None, tenant: Arc::default() }
    }

    /// The same for one tenant.
    pub(super) fn of(self, tenant: &str) -> Self {
        Self { tenant: tenant.into(), ..self }
    }

    /// Exchanges the code that a person's browser has brought, with the verifier of its challenge (PKCE) and the
    /// redirect URI that it was brought to.
    ///
    /// # Errors
    /// When Klaviyo refuses it or cannot be asked. A code can be used once.
    pub async fn exchange(
        &self,
        client: &Client,
        code: &Secret,
        verifier: &Secret,
        redirect: &str,
    ) -> Result<Grant, GrantError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("code_verifier", verifier.expose()),
            ("redirect_uri", redirect),
        ];
        self.ask(client, &form).await
    }

    /// Asks for a new access token.
    ///
    /// # Errors
    /// When Klaviyo refuses it or cannot be asked. After a failure without an answer, Klaviyo may have ended the refresh
    /// token all the same.
    pub async fn refresh(&self, client: &Client, refresh_token: &Secret) -> Result<Grant, GrantError> {
        self.ask(client, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())]).await
    }

    async fn ask(&self, client: &Client, form: &[(&str, &str)]) -> Result<Grant, GrantError> {
        let denied = |reason| GrantError::Attempt(AttemptError::Denied(reason));
        let url = self.egress.route(TOKEN).map_err(denied)?;
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let pair = Zeroizing::new(format!("{}:{}", client.id, client.secret.expose()));
        let line = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut authorization = HeaderValue::from_str(&line)
            .map_err(|_| denied("the client id and the client secret are no header".to_owned()))?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(Method::POST)
            .uri(url.as_str())
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .map_err(|error| denied(format!("the token endpoint has no valid address: {error}")))?;
        let (time, begun) = (self.bounds.time, Instant::now());
        let outcome = timeout(time, self.transport.send(request, self.bounds)).await.unwrap_or_else(|_| {
            Err(AttemptError::Timeout(format!("the token endpoint gave no answer within {time:.1?}")))
        });
        let progress = Progress { number: 1, paced: Duration::ZERO, took: begun.elapsed() };
        let observer = self.observer.as_deref();
        Observation { observer, tenant: &self.tenant, endpoint: NAME }.sent(progress, &outcome, None);
        let mut sent = SentKeys::default();
        sent.add_secrets(form.iter().filter_map(|(_, value)| Secret::new(value).ok().map(Arc::new)));
        sent.add_secrets([Arc::clone(&client.secret)]);
        let failed =
            |error: AttemptError| {
                GrantError::Attempt(error.map(|reason| {
                    format!("Klaviyo's token endpoint: {}", sent.redact_text(reason.as_bytes()))
                }))
            };
        read(&outcome.map_err(failed)?)
    }
}

/// Reads an answer. Nothing of what it says is repeated.
fn read(answer: &Response<Bytes>) -> Result<Grant, GrantError> {
    let unavailable = |reason: String| GrantError::Unavailable {
        reason,
        retry_after: retry::retry_after(answer.headers()),
    };
    let status = answer.status().as_u16();
    let document: Option<Value> = serde_json::from_slice(answer.body()).ok();
    let text = |name: &str| document.as_ref().and_then(|document| document.get(name)?.as_str());
    match (status, text("error")) {
        (200, _) => {}
        (400 | 401, Some("invalid_grant")) => return Err(GrantError::Invalid),
        (400 | 401, Some("invalid_client" | "unauthorized_client")) => return Err(GrantError::Client),
        _ => {
            return Err(unavailable(format!("Klaviyo's token endpoint answered {status} and gave no token")));
        }
    }
    let secret = |name| Secret::new(text(name)?).ok().map(Arc::new);
    let no_token =
        || unavailable("the answer of Klaviyo's token endpoint has no access token in it".to_owned());
    let seconds = document.as_ref().and_then(|document| document.get("expires_in")?.as_u64());
    Ok(Grant {
        access_token: secret("access_token").ok_or_else(no_token)?,
        refresh_token: secret("refresh_token"),
        lifetime: seconds.map_or(LIFETIME, Duration::from_secs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &'static str) -> Result<Grant, GrantError> {
        let answer = Response::builder().status(status).header("retry-after", "7");
        read(&answer.body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    #[test]
    fn an_answer_is_a_grant_a_refusal_or_a_problem() {
        let grant = of(200, r#"{"access_token":"a-1234567","refresh_token":"r-1234567","expires_in":60}"#);
        let grant = grant.unwrap();
        assert_eq!(grant.access_token.expose(), "a-1234567");
        assert_eq!(grant.refresh_token.unwrap().expose(), "r-1234567");
        assert_eq!(grant.lifetime, Duration::from_secs(60));
        let grant = of(200, r#"{"access_token":"a-1234567"}"#).unwrap();
        assert!(grant.refresh_token.is_none() && grant.lifetime == LIFETIME);
        assert_eq!(of(400, r#"{"error":"invalid_grant"}"#).unwrap_err(), GrantError::Invalid);
        assert_eq!(of(401, r#"{"error":"invalid_client"}"#).unwrap_err(), GrantError::Client);
        for (status, body) in [
            (200, "{}"),
            (200, "<html>"),
            (200, r#"{"access_token":"a b"}"#),
            (400, r#"{"error":"invalid_request"}"#),
            (403, "<html>"),
            (429, r#"{"error":"invalid_grant"}"#),
            (503, ""),
        ] {
            let error = of(status, body).unwrap_err();
            let retry_after = Some(Duration::from_secs(7));
            assert!(
                matches!(&error, GrantError::Unavailable { retry_after: after, .. } if *after == retry_after),
                "{status} {body}"
            );
        }
    }
}
