//! What OCI's distribution protocol has for pulling: a request, the token that it needs, and where it is redirected to.

use super::digest::Digest;
use super::error::PullError;
use super::login::{Login, authorization};
use super::reference::Reference;
use crate::client::HttpTransport;
use crate::egress::Egress;
use crate::limits::Limits;
use crate::secret::Secret;
use crate::transport::{AttemptError, Bounds, Transport};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Redirects of one request.
const REDIRECTS: usize = 3;
/// What any answer may have, so that one that is not what was asked for can be told.
const ANSWER_BYTES: u64 = 64 << 10;
/// The time for an answer, beside that for its bytes.
const TIME: Duration = Duration::from_secs(20);
/// The slowest way that is waited for.
const BYTES_PER_SECOND: u64 = 100 << 10;

/// The requests of one pull.
pub(super) struct Distribution<'a> {
    reference: &'a Reference,
    login: Option<&'a Login>,
    transport: HttpTransport,
    limits: Limits,
    /// What the registry has asked for.
    authorization: Option<HeaderValue>,
}

/// Something that a repository has.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// For sentences.
    pub(super) what: &'static str,
    /// The registry's word for it.
    pub(super) kind: &'static str,
    pub(super) digest: Digest,
    pub(super) media_type: &'static str,
    /// Its size, or how large it may be.
    pub(super) most: u64,
}

impl<'a> Distribution<'a> {
    pub(super) fn new(reference: &'a Reference, login: Option<&'a Login>) -> Result<Self, PullError> {
        let limits = Limits::default();
        // Registries are in private networks, too, and the embedding program names them.
        let transport = HttpTransport::new(&Egress::default().allow_private_addresses(), &limits)?;
        Ok(Self { reference, login, transport, limits, authorization: None })
    }

    /// Gets it, whatever it is: the caller compares the digest.
    pub(super) async fn get(&mut self, wanted: Wanted) -> Result<Bytes, PullError> {
        let own = self.reference.url(wanted.kind, wanted.digest);
        let mut answer = self.ask(&own, wanted, self.authorization.clone()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.authorization.is_none() {
            self.authorization = Some(self.authorize(&answer).await?);
            answer = self.ask(&own, wanted, self.authorization.clone()).await?;
        }
        let mut url = own.clone();
        let mut redirects = 0;
        while is_redirect(answer.status()) {
            redirects += 1;
            let refused = |reason| Err(PullError::Redirect { host: host(&own), reason });
            if redirects > REDIRECTS {
                return refused("on and on");
            }
            let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            match location.and_then(|location| url.join(location).ok()) {
                Some(next) if self.reference.may_refer_to(&next) => url = next,
                Some(_) => return refused("to an address without https, or with a login in it"),
                None => return refused("to no address"),
            }
            // What lets in at the registry is nobody else's.
            let authorization = self.authorization.clone().filter(|_| url.origin() == own.origin());
            answer = self.ask(&url, wanted, authorization).await?;
        }
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            StatusCode::NOT_FOUND => {
                let Wanted { what, digest, .. } = wanted;
                Err(PullError::NotFound {
                    host: host(&url),
                    what,
                    digest,
                    name: self.reference.name().into(),
                })
            }
            status => Err(self.refusal(&url, status)),
        }
    }

    async fn ask(
        &self,
        url: &Url,
        wanted: Wanted,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Bytes>, PullError> {
        self.send(url, wanted.media_type, authorization, wanted.what, wanted.most).await
    }

    async fn send(
        &self,
        url: &Url,
        accept: &str,
        authorization: Option<HeaderValue>,
        what: &'static str,
        most: u64,
    ) -> Result<Response<Bytes>, PullError> {
        let mut request = Request::get(url.as_str()).header(ACCEPT, accept);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let failed = |error| PullError::Attempt { host: host(url), error };
        let request = request
            .body(Bytes::new())
            .map_err(|error| failed(AttemptError::Other(format!("the address cannot be asked: {error}"))))?;
        let time = TIME + Duration::from_secs(most / BYTES_PER_SECOND);
        let bounds = Bounds {
            time,
            header_bytes: self.limits.header_bytes,
            response_bytes: usize::try_from(most.max(ANSWER_BYTES)).unwrap_or(usize::MAX),
        };
        match timeout(time, self.transport.send(request, bounds)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(AttemptError::TooLarge(_))) => Err(PullError::TooLarge { what, most }),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(failed(AttemptError::Timeout(format!("it took more than {time:.0?}")))),
        }
    }

    /// Answers the challenge of a registry.
    async fn authorize(&self, answer: &Response<Bytes>) -> Result<HeaderValue, PullError> {
        let own = self.reference.url("manifests", self.reference.digest());
        let odd = |reason| PullError::Challenge { host: host(&own), reason };
        let headers = answer.headers().get_all(WWW_AUTHENTICATE).into_iter();
        let mut has_basic = false;
        for header in headers.filter_map(|header| header.to_str().ok()) {
            for challenge in http_auth::parse_challenges(header).unwrap_or_default() {
                let parameter = |name: &str| {
                    let found = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                    found.map(|(_, value)| value.to_unescaped())
                };
                if challenge.scheme.eq_ignore_ascii_case("bearer") {
                    let realm = parameter("realm").and_then(|realm| Url::parse(&realm).ok());
                    let realm =
                        realm.filter(|realm| self.reference.may_refer_to(realm)).ok_or_else(|| {
                            odd("at an address without https, or with a login in it, or at none")
                        })?;
                    return self.token(realm, parameter("service")).await;
                }
                has_basic |= challenge.scheme.eq_ignore_ascii_case("basic");
            }
        }
        if !has_basic {
            return Err(odd("neither by a token nor by a password"));
        }
        let header = self.login.and_then(Login::header);
        header.ok_or_else(|| self.refusal(&own, StatusCode::UNAUTHORIZED))
    }

    /// Asks for a token that can pull from this repository and do nothing else, whatever the registry proposes.
    async fn token(&self, mut realm: Url, service: Option<String>) -> Result<HeaderValue, PullError> {
        const WHAT: &str = "answer with a token";
        #[derive(Deserialize)]
        struct Token {
            token: Option<String>,
            access_token: Option<String>,
        }
        if let Some(service) = service {
            realm.query_pairs_mut().append_pair("service", &service);
        }
        realm.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", self.reference.name()));
        let login = self.login.and_then(Login::header);
        let answer = self.send(&realm, "application/json", login, WHAT, ANSWER_BYTES).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refusal(&realm, answer.status()));
        }
        let token: Option<Token> = serde_json::from_slice(answer.body()).ok();
        let token = token.and_then(|Token { token, access_token }| token.or(access_token));
        let token = token.and_then(|token| Secret::new(&token).ok());
        token
            .and_then(|token| authorization("Bearer", token.expose()))
            .ok_or_else(|| PullError::Challenge { host: host(&realm), reason: "and gives no token" })
    }

    /// The meaning of another status than 200.
    fn refusal(&self, url: &Url, status: StatusCode) -> PullError {
        let (host, has_login) = (host(url), self.login.is_some());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PullError::Refused {
                host,
                name: self.reference.name().to_owned(),
                status: status.as_u16(),
                has_login,
            },
            status => PullError::Status { host, status: status.as_u16() },
        }
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Who was asked, for sentences: an address has tokens in it.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
