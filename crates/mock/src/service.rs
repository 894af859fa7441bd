//! Answers a request as Klaviyo does, or as a fault has it.

use crate::access::{self, Credential};
use crate::answer::{Answer, HttpResponse, Refusal, set};
use crate::call::{Call, Query, decoded};
use crate::check::Result;
use crate::oauth::endpoint as oauth;
use crate::parameters;
use crate::rates::Verdict;
use crate::reply::Reply;
use crate::revision::{Revision, Served};
use crate::simulator::{Simulator, Ticket};
use crate::table;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};

/// Klaviyo's limit on a request.
pub(crate) const BODY_BYTES: usize = 5_000_000;

/// The starts of the paths that Klaviyo had before it had revisions.
const REMOVED: [&str; 2] = ["/api/v1/", "/api/v2/"];

impl Simulator {
    /// Answers one request. Of its address, only the path and the query matter.
    ///
    /// Nothing waits here: the latency of a fault moves the clock instead. The header `Date` has the time of
    /// this clock.
    pub fn answer(&self, request: Request<impl AsRef<[u8]>>) -> Reply {
        let (parts, body) = request.into_parts();
        let ticket = self.take_in(&parts);
        self.advance(ticket.plan.latency);
        self.carry_out(&ticket, &parts, Some(body.as_ref()))
    }

    /// Carries out a request, or the fault that was chosen for it. Without a body, the body was not read to
    /// its end.
    pub(crate) fn carry_out(&self, ticket: &Ticket, parts: &Parts, body: Option<&[u8]>) -> Reply {
        let Ticket { plan, id } = ticket;
        let answer = || match body {
            Some(body) if body.len() <= BODY_BYTES => answer(self, parts, body, id),
            _ => Answer::from(Refusal::too_large("The payload is larger than 5 MB.")).into_http(id),
        };
        Reply::of(plan.fault, self.date(), answer, |code, retry_after| refused(code, retry_after, id))
    }
}

/// The error of a fault with this status.
fn refused(code: u16, retry_after: Option<u64>, id: &str) -> HttpResponse {
    match (code, retry_after) {
        (410, _) => Answer::Retired,
        (429, Some(seconds)) => Answer::Throttled(seconds),
        _ => Answer::from(Refusal::of_status(code)),
    }
    .into_http(id)
}

/// The answer to a request without a fault.
fn answer(simulator: &Simulator, parts: &Parts, body: &[u8], id: &str) -> HttpResponse {
    let path = parts.uri.path().trim_end_matches('/');
    if oauth::is_here(path) {
        return oauth::answer(&mut simulator.authority(), parts, body, simulator.clock.now());
    }
    // Whoever asks: these interfaces are gone.
    if REMOVED.iter().any(|removed| path.starts_with(removed)) {
        return Answer::Retired.into_http(id);
    }
    let routed = table::route(&parts.method, path);
    let credential = access::credential(&parts.headers);
    let (operation, variable, credential) = match (routed, credential) {
        (Ok((operation, variable)), Ok(credential)) => (operation, variable, credential),
        (Err(refused), _) | (Ok(_), Err(refused)) => return refused.into_http(id),
    };
    let (installation, granted, mut account) = match credential {
        Credential::Key(key) => match simulator.account_of(key) {
            Some(account) => (None, account.keys.granted(key), account),
            None => return access::wrong_key().into_http(id),
        },
        Credential::Token(token) => match simulator.opened(token) {
            Some((opened, account)) => (Some(opened.installation), opened.scopes, account),
            None => return access::wrong_token().into_http(id),
        },
    };
    account.count(operation.name);
    let revision = revision(&parts.headers, simulator.oldest);
    let (served, now) = (revision.as_ref().ok().copied(), simulator.clock.now());
    let meter = account.meters.entry(installation).or_default();
    let verdict = meter.take(simulator.rates, operation.name, operation.rate, served, now);
    if let Some(Verdict::Wait(seconds)) = verdict {
        account.throttle();
        return Answer::Throttled(seconds).into_http(id);
    }
    let answer = access::allow(&granted, operation.scopes).and_then(|()| {
        let (account, revision, headers) = (&mut *account, revision?, &parts.headers);
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        parameters::check(&query, operation.name, operation.query, revision)?;
        let id = decoded(variable);
        (operation.run)(&mut Call { account, granted, revision, path, id, query, headers, body })
    });
    let mut message = answer.unwrap_or_else(|refused| refused).into_http(id);
    if let Some(Verdict::Pass { limit, remaining, reset }) = verdict {
        set(&mut message, "ratelimit-limit", &limit);
        set(&mut message, "ratelimit-remaining", &remaining.to_string());
        set(&mut message, "ratelimit-reset", &reset.to_string());
    }
    if let Some(revision) = served {
        set(&mut message, "x-klaviyo-api-revision", &revision.to_string());
        set(&mut message, "x-klaviyo-api-retirement-date", &revision.retirement());
    }
    message
}

/// The revision that answers a request with these headers.
fn revision(headers: &HeaderMap, oldest: Revision) -> Result<Revision> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(asked) = text("revision") else {
        let detail = "The revision header is required.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid", "Invalid input.", detail).into());
    };
    let unknown = || Refusal::not_found("No valid revisions found for method");
    let Served { revision, fell_forward } = Revision::serving(asked, oldest).ok_or_else(unknown)?;
    // Unproven: that it means the same on a request for a revision that lives.
    let insists = text("x-klaviyo-revision-fall-forward-opt-out") == Some("1");
    if fell_forward && insists { Err(Answer::Retired) } else { Ok(revision) }
}
