//! The requests of one call. Each is checked, authorized, sent at the account's pace and, where that does
//! no harm, sent again.

use crate::access::{is_api_call, is_function_name};
use crate::account::{AccountState, requested_revision};
use crate::bindings::klaviyo::connector::http as wit;
use crate::check::{CheckedRequest, check};
use crate::clock::CallClock;
use crate::credentials::{Authorization, Credentials, CredentialsError};
use crate::egress::Egress;
use crate::endpoint::Endpoint;
use crate::limits::Limits;
use crate::observer::{AttemptObserver, Observation, Progress};
use crate::redaction::SentKeys;
use crate::retry;
use crate::transport::{AttemptError, Bounds, Transport, header_bytes};
use crate::usage::Usage;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, info_span, warn};
use zeroize::Zeroizing;

/// The settings of a connector that sending needs.
pub(crate) struct OutboundSettings {
    pub(crate) limits: Limits,
    pub(crate) egress: Egress,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) observer: Option<Arc<dyn AttemptObserver>>,
}

/// Sends the requests of one call, and counts what they use.
pub(crate) struct OutboundHttp {
    settings: Arc<OutboundSettings>,
    account: Arc<AccountState>,
    /// The function that was called.
    called: String,
    clock: Arc<CallClock>,
    pub(crate) usage: Usage,
}

impl OutboundHttp {
    pub(crate) fn new(
        settings: Arc<OutboundSettings>,
        account: Arc<AccountState>,
        called: &str,
        clock: Arc<CallClock>,
        usage: Usage,
    ) -> Self {
        Self { settings, account, called: called.to_owned(), clock, usage }
    }

    /// The limits of the call.
    pub(crate) fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Sends one request of the component and returns its answer.
    pub(crate) async fn send(&mut self, request: wit::Request) -> Result<wit::Response, AttemptError> {
        self.usage.requests = self.usage.requests.saturating_add(1);
        let span = info_span!(
            "klaviyo.request",
            function = Empty,
            operation = Empty,
            status = Empty,
            attempts = Empty,
            sent_bytes = request.body.len(),
            received_bytes = Empty,
            milliseconds = Empty,
        );
        let start = Instant::now();
        let before = self.usage.attempts;
        let mut keys = SentKeys::default();
        let outcome = async {
            if is_function_name(&request.function) {
                Span::current().record("function", &request.function);
            }
            let through_api = is_api_call(&request.function);
            let (checked, endpoint) = self.checked(request)?;
            Span::current().record("operation", endpoint.name);
            self.exchange(checked, endpoint, endpoint.may_repeat(through_api), &mut keys).await
        };
        let outcome = outcome.instrument(span.clone()).await;
        let outcome = outcome.map_err(|failure| failure.map(|reason| keys.redact_text(reason.as_bytes())));
        span.record("attempts", self.usage.attempts - before);
        span.record("milliseconds", start.elapsed().as_millis());
        span.in_scope(|| match &outcome {
            Ok(answer) => {
                span.record("status", answer.status().as_u16());
                span.record("received_bytes", answer.body().len());
            }
            // A component that asks for something forbidden is worth an operator's attention.
            Err(AttemptError::Denied(reason)) => warn!(reason, "refused"),
            Err(failure) => debug!(%failure, "no answer"),
        });
        outcome.map(|answer| redacted(answer, &keys))
    }

    /// The request, and the endpoint that it is for, if it may be sent.
    fn checked(&self, request: wit::Request) -> Result<(CheckedRequest, &'static Endpoint), AttemptError> {
        let limits = self.limits();
        if self.usage.requests > limits.requests {
            let limit = limits.requests;
            let reason = format!("the call has made the {limit} requests that Limits::requests allows");
            return Err(AttemptError::Denied(reason));
        }
        let mut checked = check(request, limits, &self.settings.egress)?;
        self.account.raise_revision(checked.request.headers_mut());
        let (method, path) = (checked.request.method(), checked.request.uri().path());
        let endpoint = Endpoint::of(method, path);
        let access = &self.account.access;
        access
            .permit_request(&self.called, &checked.function, endpoint, method, path)
            .map_err(AttemptError::Denied)?;
        Ok((checked, endpoint))
    }

    /// Sends a request until it is answered, must not be sent again, or no time is left.
    async fn exchange(
        &mut self,
        CheckedRequest { mut request, scheme, .. }: CheckedRequest,
        endpoint: &'static Endpoint,
        may_repeat: bool,
        keys: &mut SentKeys,
    ) -> Result<Response<Bytes>, AttemptError> {
        let observation = Observation {
            observer: self.settings.observer.as_deref(),
            tenant: &self.account.name,
            endpoint: endpoint.name,
        };
        let mut pauses = retry::pauses();
        let mut attempt: u32 = 0;
        let mut renewed = false;
        loop {
            attempt = attempt.saturating_add(1);
            let turn = async |until| self.account.pacer.permit(endpoint, until).await;
            let (permit, paced) = self.clock.wait(turn).await;
            let mut progress = Progress { number: attempt, paced, took: Duration::ZERO };
            self.usage.waited += paced;
            let Some(mut permit) = permit else {
                observation.no_turn(progress);
                return Err(no_turn(endpoint, self.settings.limits.wait));
            };
            // Asked for each attempt: they may have been replaced since the last one.
            let credentials = self.account.credentials();
            let authorized = self.authorize(credentials.as_ref()).await;
            let (outcome, was_sent) = match &authorized {
                Ok(authorization) => {
                    keys.add(authorization);
                    request.headers_mut().insert(AUTHORIZATION, header(&scheme, authorization)?);
                    self.usage.attempts += 1;
                    self.usage.sent_bytes += request.body().len() as u64;
                    let begun = Instant::now();
                    let outcome = self.attempt(request.clone()).await;
                    progress.took = begun.elapsed();
                    (outcome, true)
                }
                Err(unauthorized) => (unauthorized.clone().into_outcome(), false),
            };
            if let (Ok(authorization), Ok(answer)) = (&authorized, &outcome)
                && answer.status() == StatusCode::UNAUTHORIZED
                && credentials.refused(authorization)
                && !std::mem::replace(&mut renewed, true)
                && attempt < self.settings.limits.attempts
            {
                debug!(attempt, "repeating with another authorization");
                observation.sent(progress, &outcome, Some(Duration::ZERO));
                continue;
            }
            let requested = outcome.as_ref().ok().and_then(|answer| retry::retry_after(answer.headers()));
            let pause = pauses.next().unwrap_or_default().max(requested.unwrap_or_default());
            if let (Ok(answer), true) = (&outcome, was_sent) {
                self.usage.received_bytes += answer.body().len() as u64;
                permit.learn(answer.status(), answer.headers());
                let asked = requested_revision(request.headers());
                self.account.revision_warnings.note(asked, answer.headers(), &self.account.name);
                if answer.status().as_u16() == 429 {
                    permit.hold(pause);
                }
            }
            drop(permit);
            let over = attempt >= self.settings.limits.attempts
                || !retry::may_repeat(may_repeat || !was_sent, &outcome)
                || Instant::now().checked_add(pause).is_none_or(|then| then >= self.clock.deadline());
            let repeat = (!over).then_some(pause);
            match was_sent {
                true => observation.sent(progress, &outcome, repeat),
                false => observation.no_authorization(progress, repeat),
            }
            if over {
                return outcome
                    // An answer of the credentials' own says what they have to say.
                    .map(|answer| if was_sent { explained(answer, credentials.as_ref()) } else { answer })
                    .map_err(|failure| with_attempts(attempt, failure));
            }
            match &outcome {
                Ok(answer) => debug!(attempt, status = answer.status().as_u16(), ?pause, "repeating"),
                Err(_) => debug!(attempt, ?pause, "repeating after a failure"),
            }
            tokio::time::sleep(pause).await;
            self.usage.waited += pause;
        }
    }

    /// Asks for the authorization of an attempt, as long as the call has time.
    async fn authorize(&self, credentials: &dyn Credentials) -> Result<Authorization, CredentialsError> {
        timeout_at(self.clock.deadline(), credentials.authorize()).await.unwrap_or_else(|_| {
            let reason =
                "not sent: the tokens of the account were not renewed within Limits::time".to_owned();
            Err(AttemptError::Timeout(reason).into())
        })
    }

    async fn attempt(&self, request: Request<Bytes>) -> Result<Response<Bytes>, AttemptError> {
        let limits = &self.settings.limits;
        let left = self.clock.deadline().saturating_duration_since(Instant::now());
        // The component needs a moment to report what has happened.
        let left = left.saturating_sub((left / 20).min(Duration::from_millis(100)));
        let time = limits.attempt.min(left);
        let bounds =
            Bounds { time, header_bytes: limits.header_bytes, response_bytes: limits.response_bytes };
        let outcome =
            timeout(time, self.settings.transport.send(request, bounds)).await.unwrap_or_else(|_| {
                let limit =
                    if time == limits.attempt { "Limits::attempt" } else { "what was left of Limits::time" };
                Err(AttemptError::Timeout(format!("no complete answer within {time:.1?}, which is {limit}")))
            })?;
        // Checked here too: the transport may be one that ignores its bounds.
        if outcome.body().len() > limits.response_bytes
            || header_bytes(outcome.headers()) > limits.header_bytes
        {
            let reason =
                "the transport returned more than Limits::response_bytes or Limits::header_bytes allow";
            return Err(AttemptError::TooLarge(reason.to_owned()));
        }
        Ok(outcome)
    }
}

/// The answer as the component gets it, without any key.
fn redacted(answer: Response<Bytes>, keys: &SentKeys) -> wit::Response {
    let (parts, body) = answer.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| wit::Header {
            name: keys.redact_text(name.as_str().as_bytes()),
            value: keys.redact_text(value.as_bytes()),
        })
        .collect();
    let body = keys.redact(&body).unwrap_or_else(|| body.into());
    wit::Response { status: parts.status.as_u16(), headers, body }
}

fn header(scheme: &str, authorization: &Authorization) -> Result<HeaderValue, AttemptError> {
    let scheme = authorization.scheme(scheme);
    let line = Zeroizing::new(format!("{scheme} {}", authorization.secret().expose()));
    let mut value =
        HeaderValue::from_str(&line).map_err(|_| AttemptError::Denied("the key is no header".to_owned()))?;
    // So `Debug` does not print it, and HTTP/2 does not put it into its table of headers.
    value.set_sensitive(true);
    Ok(value)
}

fn no_turn(endpoint: &Endpoint, wait: Duration) -> AttemptError {
    let daily = endpoint.rates.daily.map(|most| format!(" (at most {most} a day)")).unwrap_or_default();
    AttemptError::Timeout(format!(
        "not sent: at Klaviyo's rates{daily} this account's turn to {} comes later than the {wait:?} of Limits::wait \
         allow; make fewer calls at once, or raise Limits::wait",
        endpoint.name
    ))
}

/// A 401 with what the credentials have to say about it.
fn explained(answer: Response<Bytes>, credentials: &dyn Credentials) -> Response<Bytes> {
    match credentials.refusal() {
        Some(refusal) if answer.status() == StatusCode::UNAUTHORIZED => refusal.explain(answer),
        _ => answer,
    }
}

/// Adds the number of attempts to the sentence.
fn with_attempts(attempts: u32, failure: AttemptError) -> AttemptError {
    match attempts {
        ..2 => failure,
        _ => failure.map(|reason| format!("{reason} (after {attempts} attempts)")),
    }
}
