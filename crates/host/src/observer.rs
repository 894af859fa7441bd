//! What becomes of each attempt at a request, for a program that counts or logs it.

use crate::revision::{Retirement, retirement};
use crate::transport::AttemptError;
use bytes::Bytes;
use http::{Response, StatusCode};
use std::time::Duration;
use strum::IntoStaticStr;

/// Hears of each attempt at a request of any tenant: [`ConnectorBuilder::observer`](crate::ConnectorBuilder::observer).
///
/// The attempt's call waits for it, so it returns at once. What it hears names no person, no key, and no id of Klaviyo's.
pub trait AttemptObserver: Send + Sync + 'static {
    /// An attempt has ended. One whose call has no time left to wait for its answer is not heard of.
    fn attempted(&self, attempt: &ObservedAttempt<'_>);
}

/// An attempt that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedAttempt<'a> {
    /// The name of the tenant: [`TenantBuilder::name`](crate::TenantBuilder::name).
    pub tenant: &'a str,
    /// The name of the endpoint: [`Endpoint::name`](crate::Endpoint::name), or `oauth token`.
    pub endpoint: &'static str,
    /// Which attempt at the request this is; the first is 1.
    pub number: u32,
    /// How it ended.
    pub result: AttemptResult,
    /// Why and when the request is sent again; none: it is not.
    pub repeat: Option<Repeat>,
    /// How long it waited for its turn at the rates of the account.
    pub paced: Duration,
    /// From its sending to its end; zero if it was not sent.
    pub took: Duration,
    /// `RateLimit-Remaining`: how many more requests the endpoint takes now; none if the answer does not tell.
    pub remaining: Option<u64>,
    /// When Klaviyo retires the API revision of the answer; none if the answer does not tell.
    pub retirement: Option<Retirement<'a>>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// With an answer.
    Answered(StatusCode),
    /// Without one.
    Failed(AttemptFailure),
}

/// Why an attempt has no answer. As text it is the name in kebab case, such as `no-turn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum AttemptFailure {
    /// Its turn at the rates of the account comes after the end of the call. It was not sent.
    NoTurn,
    /// The account has no authorization now: see [`CredentialsError`](crate::CredentialsError). It was not sent.
    NoAuthorization,
    /// [`AttemptError::Denied`].
    Denied,
    /// [`AttemptError::Timeout`].
    Timeout,
    /// [`AttemptError::Unreachable`].
    Unreachable,
    /// [`AttemptError::Connection`].
    Connection,
    /// [`AttemptError::TooLarge`].
    TooLarge,
    /// [`AttemptError::Other`].
    Other,
}

/// That a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Why.
    pub cause: RepeatCause,
    /// After which pause.
    pub pause: Duration,
}

/// Why a request is sent again. As text it is the name in kebab case, such as `rate-limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum RepeatCause {
    /// Klaviyo answered 429.
    RateLimit,
    /// A gateway answered for Klaviyo: 502, 503, 504 or 524.
    Gateway,
    /// No connection could be made.
    Unreachable,
    /// The connection broke.
    Connection,
    /// No whole answer came in time.
    Timeout,
    /// The authorization was refused and there is another one, or there was none.
    Authorization,
}

/// The attempts at one request, and who hears of them. Without an observer nothing is read and nothing is called.
pub(crate) struct Observation<'a> {
    pub(crate) observer: Option<&'a dyn AttemptObserver>,
    pub(crate) tenant: &'a str,
    pub(crate) endpoint: &'static str,
}

/// One attempt, as far as it is known before its end.
#[derive(Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) number: u32,
    pub(crate) paced: Duration,
    pub(crate) took: Duration,
}

impl Observation<'_> {
    /// An attempt whose turn does not come.
    pub(crate) fn no_turn(&self, progress: Progress) {
        self.tell(progress, AttemptResult::Failed(AttemptFailure::NoTurn), None, None);
    }

    /// An attempt that was not sent, for want of an authorization.
    pub(crate) fn no_authorization(&self, progress: Progress, repeat: Option<Duration>) {
        let repeat = repeat.map(|pause| Repeat { cause: RepeatCause::Authorization, pause });
        self.tell(progress, AttemptResult::Failed(AttemptFailure::NoAuthorization), repeat, None);
    }

    /// An attempt that was sent. `repeat` is the pause before the next one, if there is a next one.
    pub(crate) fn sent(
        &self,
        progress: Progress,
        outcome: &Result<Response<Bytes>, AttemptError>,
        repeat: Option<Duration>,
    ) {
        let repeat = repeat.map(|pause| Repeat { cause: RepeatCause::of(outcome), pause });
        let answer = outcome.as_ref().ok();
        let result = match outcome {
            Ok(answer) => AttemptResult::Answered(answer.status()),
            Err(error) => AttemptResult::Failed(AttemptFailure::of(error)),
        };
        self.tell(progress, result, repeat, answer);
    }

    fn tell(
        &self,
        progress: Progress,
        result: AttemptResult,
        repeat: Option<Repeat>,
        answer: Option<&Response<Bytes>>,
    ) {
        let Some(observer) = self.observer else { return };
        let Progress { number, paced, took } = progress;
        let remaining = answer.and_then(|answer| {
            answer.headers().get("ratelimit-remaining")?.to_str().ok()?.trim().parse().ok()
        });
        let retirement = answer.and_then(|answer| retirement(answer.headers()));
        let Self { tenant, endpoint, .. } = *self;
        observer.attempted(&ObservedAttempt {
            tenant,
            endpoint,
            number,
            result,
            repeat,
            paced,
            took,
            remaining,
            retirement,
        });
    }
}

impl AttemptFailure {
    fn of(error: &AttemptError) -> Self {
        match error {
            AttemptError::Denied(_) => Self::Denied,
            AttemptError::Timeout(_) => Self::Timeout,
            AttemptError::Unreachable(_) => Self::Unreachable,
            AttemptError::Connection(_) => Self::Connection,
            AttemptError::TooLarge(_) => Self::TooLarge,
            AttemptError::Other(_) => Self::Other,
        }
    }
}

impl RepeatCause {
    /// Why a request is repeated after this outcome, if it is.
    fn of(outcome: &Result<Response<Bytes>, AttemptError>) -> Self {
        match outcome {
            Ok(answer) => match answer.status() {
                StatusCode::TOO_MANY_REQUESTS => Self::RateLimit,
                StatusCode::UNAUTHORIZED => Self::Authorization,
                _ => Self::Gateway,
            },
            Err(AttemptError::Timeout(_)) => Self::Timeout,
            Err(AttemptError::Unreachable(_)) => Self::Unreachable,
            Err(_) => Self::Connection,
        }
    }
}
