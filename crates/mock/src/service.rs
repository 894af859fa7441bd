//! A request in, an answer out, with what goes wrong on the way.

use crate::access;
use crate::account::Account;
use crate::answer::{Answer, Message, Refusal, set};
use crate::call::{Call, Query, decoded};
use crate::check::Result;
use crate::clock::Clock;
use crate::faults::{Faults, Injector};
use crate::inspect;
use crate::klaviyo::Klaviyo;
use crate::rates::{Rates, Verdict};
use crate::revision::{Revision, Wrong};
use crate::rule::Fault;
use crate::socket::Line;
use crate::table;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Klaviyo's limit on a request.
const BODY_BYTES: usize = 5_000_000;
/// How much is read before a request is refused: a client that still writes would not see the answer.
const READ_BYTES: usize = 64 * 1024 * 1024;

/// What all requests share.
pub(crate) struct Shared {
    first: Entry,
    others: Vec<Entry>,
    rates: Rates,
    injector: Mutex<Injector>,
    requests: AtomicU64,
    pub(crate) clock: Clock,
}

struct Entry {
    keys: access::Keys,
    account: Mutex<Account>,
}

impl Shared {
    pub(crate) fn new(klaviyo: Klaviyo) -> Self {
        let Klaviyo { first, others, rates, faults, job_delay, clock } = klaviyo;
        let entry = |mut account: Account| {
            account.clock = clock.clone();
            account.job_delay = job_delay;
            Entry { keys: account.keys.clone(), account: Mutex::new(account) }
        };
        Self {
            first: entry(first),
            others: others.into_iter().map(entry).collect(),
            rates,
            injector: Mutex::new(Injector::new(faults)),
            requests: AtomicU64::new(0),
            clock,
        }
    }

    pub(crate) fn first(&self) -> MutexGuard<'_, Account> {
        self.first.open()
    }

    pub(crate) fn account_of(&self, key: &str) -> Option<MutexGuard<'_, Account>> {
        self.entries().find(|entry| entry.keys.has(key)).map(Entry::open)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = MutexGuard<'_, Account>> {
        self.entries().map(Entry::open)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn injector(&self) -> MutexGuard<'_, Injector> {
        self.injector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.injector() = Injector::new(faults);
    }
}

impl Entry {
    /// The account, with its jobs as far as they are by now.
    fn open(&self) -> MutexGuard<'_, Account> {
        // The account is whole between requests, even if one of them panicked.
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.settle();
        account
    }
}

/// Answers one request.
pub(crate) async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, READ_BYTES).await;
    if parts.uri.path().starts_with("/_mock/") {
        return inspect::answer(&shared, &parts, &body.unwrap_or_default()).map(Body::from);
    }
    let request = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let id = format!("{request:08x}-0000-4000-8000-000000000000");
    let plan = shared.injector().plan(parts.method.as_str(), parts.uri.path());
    if !plan.latency.is_zero() {
        tokio::time::sleep(plan.latency).await;
    }
    let answer = || match body.as_deref() {
        Ok(body) if body.len() <= BODY_BYTES => answer(&shared, &parts, body, &id),
        _ => Answer::from(Refusal::too_large("The payload is larger than 5 MB.")).into_message(&id),
    };
    let message = match plan.fault {
        Some(Fault::Status { code, retry_after }) => refused(code, retry_after, &id),
        Some(Fault::Html(code)) => page(code),
        Some(Fault::ResetBefore) => {
            line.reset();
            Message::default()
        }
        Some(fault) => broken(fault, answer(), &line, &id),
        None => answer(),
    };
    message.map(Body::from)
}

/// What becomes of the answer to a request that had its effect.
fn broken(fault: Fault, mut message: Message, line: &Line, id: &str) -> Message {
    const GARBAGE: &[u8] = b"\x00\xff\xfe{\"data\":[}\x80";
    match fault {
        Fault::StatusAfter(code) => refused(code, None, id),
        Fault::ResetAfter => {
            line.reset();
            message
        }
        Fault::GarbageLine => {
            line.close_after(b"\x16\x03\x01 no HTTP here\r\n\r\n".to_vec());
            message
        }
        Fault::Truncate => {
            // 204 has no body, whatever its head promises: no client would miss one.
            if message.status() == StatusCode::NO_CONTENT {
                *message.status_mut() = StatusCode::OK;
            }
            let mut bytes = head(&message).into_bytes();
            bytes.extend(message.body().iter().take(message.body().len() / 2));
            line.close_after(bytes);
            message
        }
        Fault::Garbage => {
            let mut message = message.map(|_| GARBAGE.to_vec());
            // 204 has no body.
            *message.status_mut() = StatusCode::OK;
            set(&mut message, "content-type", "application/vnd.api+json");
            message
        }
        Fault::Latency(_) | Fault::Status { .. } | Fault::ResetBefore | Fault::Html(_) => message,
    }
}

/// The lines before a body; they promise the whole of it, and one byte if there is none.
fn head(message: &Message) -> String {
    let mut head = format!("HTTP/1.1 {}\r\n", message.status());
    for (name, value) in message.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", message.body().len().max(1)));
    head
}

/// An error that the request did not deserve.
fn refused(code: u16, retry_after: Option<u64>, id: &str) -> Message {
    let mut message = match (code, retry_after) {
        (410, _) => Answer::Retired.into_message(id),
        (429, Some(seconds)) => Answer::Throttled(seconds).into_message(id),
        // These come from the network in front of Klaviyo.
        (502 | 504 | 524, _) => page(code),
        _ => Answer::from(Refusal::of_status(code)).into_message(id),
    };
    if let Some(seconds) = retry_after {
        set(&mut message, "retry-after", &seconds.to_string());
    }
    message
}

/// The page of a network in front of Klaviyo: no JSON, no request id.
fn page(code: u16) -> Message {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let code = status.as_u16();
    let reason = match code {
        524 => "A timeout occurred",
        _ => status.canonical_reason().unwrap_or("Unknown error"),
    };
    let page = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{code} {reason}</title></head>\n\
         <body><center><h1>{code} {reason}</h1></center><hr><center>cloudflare</center></body>\n</html>\n"
    );
    let mut message = Response::new(page.into_bytes());
    *message.status_mut() = status;
    set(&mut message, "content-type", "text/html; charset=UTF-8");
    set(&mut message, "server", "cloudflare");
    message
}

/// Answers a request as Klaviyo does.
fn answer(shared: &Shared, parts: &Parts, body: &[u8], id: &str) -> Message {
    let path = parts.uri.path().trim_end_matches('/');
    let routed = table::route(&parts.method, path);
    let key = access::key(&parts.headers);
    let (operation, variable, key) = match (routed, key) {
        (Ok((operation, variable)), Ok(key)) => (operation, variable, key),
        (Err(refused), _) | (Ok(_), Err(refused)) => return refused.into_message(id),
    };
    let Some(mut account) = shared.account_of(key) else { return access::wrong_key().into_message(id) };
    account.count(operation.name);
    let revision = revision(&parts.headers);
    let (served, now) = (revision.as_ref().ok().copied(), shared.clock.now());
    let verdict = account.meter.take(shared.rates, operation.name, operation.rate, served, now);
    if let Some(Verdict::Wait(seconds)) = verdict {
        return Answer::Throttled(seconds).into_message(id);
    }
    let answer = account.keys.allow(key, operation.scopes).and_then(|()| {
        let (account, revision, headers) = (&mut *account, revision?, &parts.headers);
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        query.only(operation.query)?;
        let id = decoded(variable);
        (operation.run)(&mut Call { account, revision, path, id, query, headers, body })
    });
    let mut message = answer.unwrap_or_else(|refused| refused).into_message(id);
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

/// The revision that answers.
fn revision(headers: &HeaderMap) -> Result<Revision> {
    let Some(asked) = headers.get("revision").and_then(|value| value.to_str().ok()) else {
        let detail = "The revision header is required.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid", "Invalid input.", detail).into());
    };
    Revision::parse(asked).map_err(|wrong| match wrong {
        Wrong::Unknown => Refusal::not_found("No valid revisions found for method").into(),
        Wrong::Retired => Answer::Retired,
    })
}
