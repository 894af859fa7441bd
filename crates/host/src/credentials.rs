//! How the requests of an account are authenticated: by a private key, or by something that changes while the host
//! runs, such as OAuth's tokens.

use crate::secret::Secret;
use crate::transport::AttemptError;
use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What authenticates the requests of one account. A [`Secret`] is a private key, and [`OAuth`](crate::oauth::OAuth)
/// has the tokens of an installation.
///
/// The host asks for each attempt of each request. The component sees neither what it gets nor which scheme it is.
pub trait Credentials: Send + Sync + 'static {
    /// The authorization of one attempt. The future may be dropped at any moment, when the call has no time left.
    fn authorize(&self) -> Authorizing<'_>;

    /// Klaviyo answered 401 to this authorization. True: [`Credentials::authorize`] can have another one, so that the
    /// request, which had no effect, is worth a second attempt.
    fn refused(&self, authorization: &Authorization) -> bool {
        let _ = authorization;
        false
    }

    /// What a caller is told of a 401 after which there is no other authorization. None: the connector's own advice, which
    /// is about private keys.
    fn refusal(&self) -> Option<CredentialsError> {
        None
    }

    /// Waits until nothing is under way that the end of the process would lose.
    fn settled(&self) -> Settling<'_> {
        Box::pin(ready(()))
    }
}

/// The future of [`Credentials::settled`].
pub type Settling<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The future of an authorization.
pub type Authorizing<'a> = Pin<Box<dyn Future<Output = Result<Authorization, CredentialsError>> + Send + 'a>>;

/// The authorization of one attempt. `Debug` prints no part of its secrets.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// None: the one that the connector asks for, which is that of private keys.
    scheme: Option<&'static str>,
    secret: Arc<Secret>,
    /// Secrets that are not sent with it.
    others: Vec<Arc<Secret>>,
}

impl Authorization {
    /// That of a private key, with the scheme that the connector asks for.
    #[must_use]
    pub fn private_key(key: Arc<Secret>) -> Self {
        Self { scheme: None, secret: key, others: Vec::new() }
    }

    /// `Bearer` and an access token. `others` are secrets that are not sent, and are kept from the component, logs and
    /// errors as the token is.
    #[must_use]
    pub fn bearer(token: Arc<Secret>, others: Vec<Arc<Secret>>) -> Self {
        Self { scheme: Some("Bearer"), secret: token, others }
    }

    pub(crate) fn scheme<'a>(&'a self, requested: &'a str) -> &'a str {
        self.scheme.unwrap_or(requested)
    }

    /// What follows the scheme.
    pub(crate) fn secret(&self) -> &Arc<Secret> {
        &self.secret
    }

    /// All that must not be shown to anybody.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        std::iter::once(&self.secret).chain(&self.others)
    }
}

/// Why there is no authorization. The request was not sent. No sentence contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Klaviyo has refused what the authorization is made of, and does so again until somebody changes it. The call
    /// fails with [`Code::Unauthenticated`](crate::types::Code::Unauthenticated).
    #[error("{reason}")]
    Refused {
        /// OAuth's code, such as `invalid_grant`.
        code: &'static str,
        /// What happened and what to do.
        reason: String,
    },
    /// Klaviyo, or what keeps the tokens, has a problem that passes. The call fails with
    /// [`Code::Unavailable`](crate::types::Code::Unavailable).
    #[error("{reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// How long Klaviyo wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Klaviyo could not be asked.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
}

impl CredentialsError {
    /// What a request comes to that has no authorization. Where Klaviyo has refused it, this is an answer as Klaviyo
    /// gives them, so that the connector reports it as such.
    pub(crate) fn into_outcome(self) -> Result<Response<Bytes>, AttemptError> {
        let (status, code, reason, retry_after) = match self {
            Self::Refused { code, reason } => (StatusCode::UNAUTHORIZED, code, reason, None),
            Self::Unavailable { reason, retry_after } => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", reason, retry_after)
            }
            Self::Attempt(error) => return Err(error),
        };
        let mut answer = answer(status, code, &reason, Vec::new());
        if let Some(after) = retry_after {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        Ok(answer)
    }

    /// Klaviyo's 401 with this refusal before Klaviyo's own errors. An answer that has none is not Klaviyo's, and stays as
    /// it is.
    pub(crate) fn explain(&self, refused: Response<Bytes>) -> Response<Bytes> {
        let errors = serde_json::from_slice::<Errors>(refused.body());
        let (Self::Refused { code, reason }, Ok(Errors { errors })) = (self, errors) else { return refused };
        refused.map(|_| answer(StatusCode::UNAUTHORIZED, code, reason, errors).into_body())
    }
}

/// The errors of Klaviyo's answer.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<Value>,
}

/// An answer as Klaviyo gives them, with an error of the host's before others.
fn answer(status: StatusCode, code: &str, reason: &str, others: Vec<Value>) -> Response<Bytes> {
    let error =
        json!({ "status": status.as_u16(), "code": code, "title": "No authorization.", "detail": reason });
    let errors: Vec<Value> = std::iter::once(error).chain(others).collect();
    let mut answer = Response::new(Bytes::from(json!({ "errors": errors }).to_string()));
    *answer.status_mut() = status;
    answer
}

impl Credentials for Secret {
    fn authorize(&self) -> Authorizing<'_> {
        Box::pin(ready(Ok(Authorization::private_key(Arc::new(self.clone())))))
    }
}

impl<C: Credentials + ?Sized> Credentials for Arc<C> {
    fn authorize(&self) -> Authorizing<'_> {
        (**self).authorize()
    }

    fn refused(&self, authorization: &Authorization) -> bool {
        (**self).refused(authorization)
    }

    fn refusal(&self) -> Option<CredentialsError> {
        (**self).refusal()
    }

    fn settled(&self) -> Settling<'_> {
        (**self).settled()
    }
}
