//! The front door: HTTP for callers who sign their opt-ins, and for WhatsApp's webhook.
//!
//! | route | for |
//! |---|---|
//! | `POST /v1/opt-ins` | an opt-in, or an array of them, signed as Standard Webhooks does |
//! | `GET /v1/opt-ins/{id}` | what became of one that is in the queue, signed with its id for the `webhook-id` |
//! | `GET /v1/whatsapp/{account}` | Meta's question whether the webhook is wanted |
//! | `POST /v1/whatsapp/{account}` | Meta's notifications |
//!
//! A request passes, in this order: the limits, its signature, the check of all of its opt-ins, the account's rate, the
//! memory of replays. What does not pass all of them has no effect.

mod answer;
mod desk;
mod metrics;
mod seen;
mod signature;
mod whatsapp;

use crate::account::Account;
use crate::ops::{Health, Readiness};
use crate::opt_in::{self, OptIn};
use crate::queue::Queue;
use crate::secrets::{Kind, MacKey, Secrets};
use crate::tenants::Tenants;
use answer::Refusal;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use desk::{Desk, Handled};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::{HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use klaviyo_host::types::Code;
use metrics::Metrics;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use serde_json::json;
use signature::{Signed, Unsigned};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, error, warn};
use whatsapp::Wish;

/// Of a request's body.
const BODY_BYTES: usize = 1 << 20;
/// How long it may take to come.
const BODY: Duration = Duration::from_secs(10);

/// A front door.
pub struct Door {
    desk: Desk,
    secrets: Arc<Secrets>,
    settings: Settings,
    rate: DefaultKeyedRateLimiter<Account>,
    slots: Semaphore,
    metrics: Metrics,
    /// For accounts that are not here.
    nobody: MacKey,
}

/// What can be set about a door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The WhatsApp message that opts its sender in.
    pub word: String,
    /// How many opt-ins of one account are taken in a second.
    pub rate: NonZeroU32,
    /// How many requests are worked on at once.
    pub concurrency: NonZeroU32,
}

impl Door {
    /// A door whose opt-ins are done at once.
    #[must_use]
    pub fn direct(
        tenants: Tenants,
        secrets: Arc<Secrets>,
        settings: Settings,
        registry: &mut Registry,
    ) -> Self {
        Self::new(Desk::Direct { tenants, seen: seen::Seen::default() }, secrets, settings, registry)
    }

    /// A door whose opt-ins go into a queue.
    #[must_use]
    pub fn to_queue(
        queue: Arc<Queue>,
        secrets: Arc<Secrets>,
        settings: Settings,
        registry: &mut Registry,
    ) -> Self {
        Self::new(Desk::Queue(queue), secrets, settings, registry)
    }

    fn new(desk: Desk, secrets: Arc<Secrets>, settings: Settings, registry: &mut Registry) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(settings.rate));
        let slots = Semaphore::new(settings.concurrency.get() as usize);
        let (metrics, nobody) = (Metrics::new(registry), MacKey::of_nobody());
        Self { desk, secrets, settings, rate, slots, metrics, nobody }
    }

    /// The accounts that callers can reach here.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<Account> {
        let of = |kind| self.secrets.accounts(kind);
        let reached = &of(Kind::SigningSecret) | &of(Kind::WhatsappAppSecret);
        match self.desk {
            Desk::Direct { .. } => &reached & &of(Kind::ApiKey),
            Desk::Queue(_) => reached,
        }
    }

    /// The routes.
    pub fn router(self: &Arc<Self>) -> Router {
        let not_found =
            async || Refusal::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), "there is no such page");
        let not_allowed = async || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "the header Allow names the methods",
            )
        };
        Router::new()
            .route("/v1/opt-ins", post(opt_ins))
            .route("/v1/opt-ins/{id}", get(outcome))
            .route("/v1/whatsapp/{account}", get(verification).post(notification))
            .method_not_allowed_fallback(not_allowed)
            .route_layer(from_fn_with_state(Arc::clone(self), limit))
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .with_state(Arc::clone(self))
            .fallback(not_found)
    }

    /// Takes opt-ins of one account, as much of them as its rate allows: all or none.
    async fn take(&self, account: &Account, opt_ins: Vec<OptIn>) -> Result<Vec<Handled>, Refusal> {
        let handled = self.desk.take(opt_ins).await?;
        for Handled { told, status, .. } in &handled {
            let result = match (&told.state, status.as_u16()) {
                (answer::State::Accepted { duplicate: true, .. }, _) => "duplicate",
                (answer::State::Accepted { .. }, _) => "accepted",
                (_, 200..300) => "done",
                (_, 422) => "rejected",
                _ => "failed",
            };
            self.metrics.opt_ins(result, 1);
            debug!(%account, result, "an opt-in");
        }
        Ok(handled)
    }

    /// Counts opt-ins against their account's rate.
    fn at_rate(&self, account: &Account, count: usize) -> Result<(), Refusal> {
        let Some(count) = u32::try_from(count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        match self.rate.check_key_n(account, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Refusal::overloaded(format!(
                "the account has more than {} opt-ins a second; repeat it later",
                self.settings.rate
            ))),
            Err(_) => Err(too_many(self.settings.rate.get() as usize)),
        }
    }
}

fn too_many(most: usize) -> Refusal {
    let message = format!("a request may have at most {most} opt-ins here; send more of them");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge.as_str(), message)
}

impl Health for Door {
    fn readiness(&self) -> Readiness {
        let accounts = self.accounts();
        let (ready, queue) = match &self.desk {
            Desk::Direct { .. } => (!accounts.is_empty(), "none"),
            Desk::Queue(queue) if queue.is_connected() => (true, "connected"),
            Desk::Queue(_) => (false, "away"),
        };
        Readiness { ready, document: json!({ "queue": queue, "accounts": accounts.len() }) }
    }
}

/// Works on so many requests at once and no more, and counts them.
async fn limit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = match request.uri().path().get(..8) {
        Some("/v1/what") => "whatsapp",
        _ => "opt-ins",
    };
    let response = match door.slots.try_acquire() {
        Ok(_slot) => next.run(request).await,
        Err(_) => Refusal::overloaded("this door works on as many requests as it can; repeat it later")
            .into_response(),
    };
    door.metrics.request(route, response.status(), begun.elapsed());
    response
}

async fn body(request: Request) -> Result<Bytes, Refusal> {
    match timeout(BODY, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("a request may have at most {BODY_BYTES} bytes");
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge.as_str(), message))
        }
        Ok(Err(_)) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, Code::Connection.as_str(), "the body cannot be read"))
        }
        Err(_) => {
            let message = format!("the body did not come within {} s", BODY.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, Code::Timeout.as_str(), message))
        }
    }
}

fn unsigned(unsigned: Unsigned) -> Refusal {
    Refusal::unsigned(match unsigned {
        Unsigned::Header(name) => format!("the header {name} is missing, or is not what it should be"),
        Unsigned::Time => {
            "webhook-timestamp is more than five minutes from the time here; sign the request when it is \
                           sent, and set the clock"
                .to_owned()
        }
        Unsigned::Signature => "the signature is not that of an account here over this request".to_owned(),
    })
}

impl Door {
    /// Checks that a request is signed for an account. Returns the signature. An account that is not here takes as long,
    /// and is refused in the same words.
    fn signed<'a>(&self, signed: &Signed<'a>, account: &Account, body: &[u8]) -> Result<&'a str, Refusal> {
        let key = self.secrets.mac_key(account, Kind::SigningSecret);
        let checked = signed.check(key.as_ref().unwrap_or(&self.nobody), body);
        key.map_or(Err(Unsigned::Signature), |_| checked).map_err(unsigned)
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// One, or several.
#[derive(Deserialize)]
#[serde(transparent)]
struct Many(Vec<OptIn>);

async fn opt_ins(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let body = body(request).await?;
    let signed = Signed::of(&headers, now()).map_err(unsigned)?;
    let is_array = body.trim_ascii_start().first() == Some(&b'[');
    let parsed = if is_array {
        serde_json::from_slice(&body).map(|Many(opt_ins)| opt_ins)
    } else {
        serde_json::from_slice(&body).map(|opt_in: OptIn| vec![opt_in])
    };
    // The account is in the body; nothing is done with it before the signature is known to be right.
    let mut opt_ins = parsed.map_err(|error| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            Code::InvalidInput.as_str(),
            format!("the body is not opt-ins: {error}"),
        )
    })?;
    let Some(account) = opt_ins.first().map(|opt_in| opt_in.account.clone()) else {
        return Err(Refusal::unfit("the array has no opt-ins", Vec::new()));
    };
    let signature = door.signed(&signed, &account, &body)?;
    check(&account, &opt_ins, door.desk.most())
        .inspect_err(|_| door.metrics.opt_ins("refused", opt_ins.len()))?;
    door.at_rate(&account, opt_ins.len())?;
    if !door.desk.first_use(signature).await? {
        warn!(%account, "a request was replayed");
        let message = "this request was here before; to repeat it, sign it anew, with the same webhook-id";
        return Err(Refusal::new(StatusCode::CONFLICT, Code::Conflict.as_str(), message));
    }
    for (n, opt_in) in opt_ins.iter_mut().enumerate() {
        let given = || if is_array { format!("{}/{n}", signed.id) } else { signed.id.to_owned() };
        opt_in.id.get_or_insert_with(given);
    }
    let mut handled = door.take(&account, opt_ins).await?;
    if !is_array && let Some(Handled { told, status, retry_after }) = handled.pop() {
        let mut response = (status, Json(told)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        return Ok(response);
    }
    let first = handled.first().map_or(StatusCode::OK, |handled| handled.status);
    let all = handled.iter().all(|handled| handled.status.is_success());
    let status = if all { first } else { StatusCode::MULTI_STATUS };
    let told: Vec<_> = handled.into_iter().map(|handled| handled.told).collect();
    Ok((status, Json(told)).into_response())
}

/// All of them make sense, or none is taken.
fn check(account: &Account, opt_ins: &[OptIn], most: usize) -> Result<(), Refusal> {
    if opt_ins.len() > most {
        return Err(too_many(most));
    }
    let unfit: Vec<_> = opt_ins
        .iter()
        .enumerate()
        .filter_map(|(n, opt_in)| {
            let (field, reason) = if opt_in.account == *account {
                let unfit = opt_in.check().err()?;
                (unfit.field, unfit.reason)
            } else {
                ("account", "all opt-ins of a request are of one account".to_owned())
            };
            Some(json!({ "index": n, "field": field, "message": reason }))
        })
        .collect();
    if unfit.is_empty() {
        return Ok(());
    }
    Err(Refusal::unfit(
        format!("{} of {} opt-ins cannot be; none was taken", unfit.len(), opt_ins.len()),
        unfit,
    ))
}

async fn outcome(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let signed = Signed::of(&headers, now()).map_err(unsigned)?;
    let account = desk::account_of(&id).filter(|_| signed.id == id);
    let account =
        account.ok_or_else(|| Refusal::unsigned("sign with the id that is asked for as webhook-id"))?;
    door.signed(&signed, &account, b"")?;
    Ok(Json(door.desk.ask(&id).await?).into_response())
}

/// Meta's question.
#[derive(Deserialize)]
struct Verification {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.verify_token")]
    token: String,
    #[serde(rename = "hub.challenge")]
    challenge: String,
}

async fn verification(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    asked: Result<Query<Verification>, QueryRejection>,
) -> Result<String, Refusal> {
    let account = account.parse::<Account>().ok();
    let token = account.and_then(|account| door.secrets.get(&account, Kind::WhatsappVerifyToken));
    // An account that has none takes as long as one that has.
    let expected = token.as_ref().map_or("", |token| token.as_str());
    match asked {
        Ok(Query(asked))
            if asked.mode == "subscribe" && signature::is_same(&asked.token, expected) && token.is_some() =>
        {
            Ok(asked.challenge)
        }
        _ => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            Code::Forbidden.as_str(),
            "the verify token is not this account's",
        )),
    }
}

async fn notification(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    let body = body(request).await?;
    let account = account.parse::<Account>().ok();
    let key = account.as_ref().and_then(|account| door.secrets.mac_key(account, Kind::WhatsappAppSecret));
    signature::check_meta(&headers, key.as_ref().unwrap_or(&door.nobody), &body).map_err(unsigned)?;
    let (Some(account), Some(_)) = (account, key) else { return Err(unsigned(Unsigned::Signature)) };
    let Some(wishes) = whatsapp::wishes(&body, &door.settings.word) else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            Code::InvalidInput.as_str(),
            "the body is not JSON",
        ));
    };
    if wishes.is_empty() {
        door.metrics.opt_ins("ignored", 1);
        return Ok(Json(json!([])).into_response());
    }
    // Meta repeats what is not answered 200, for days: nothing is lost meanwhile.
    let list = door.secrets.get(&account, Kind::WhatsappList).ok_or_else(|| {
        let message = format!(
            "the account has no list for WhatsApp; name one in {account}.{}",
            Kind::WhatsappList.file()
        );
        error!(%account, "{message}");
        Refusal::overloaded(message)
    })?;
    door.at_rate(&account, wishes.len())?;
    let opt_ins = wishes.into_iter().map(|wish| wished(&account, &list, wish)).collect();
    let handled = door.take(&account, opt_ins).await?;
    for handled in &handled {
        if handled.status == StatusCode::UNPROCESSABLE_ENTITY {
            warn!(%account, id = handled.told.id, "an opt-in by WhatsApp cannot be done, and is not repeated");
        }
    }
    let unfinished = handled.iter().find(|handled| handled.status.is_server_error());
    let status = unfinished.map_or(StatusCode::OK, |_| StatusCode::SERVICE_UNAVAILABLE);
    let told: Vec<_> = handled.into_iter().map(|handled| handled.told).collect();
    Ok((status, Json(told)).into_response())
}

fn wished(account: &Account, list: &str, wish: Wish) -> OptIn {
    let (first_name, last_name) = wish.name.as_deref().map(opt_in::names).unwrap_or_default();
    OptIn {
        account: account.clone(),
        id: Some(wish.id),
        list: list.to_owned(),
        email: None,
        phone_number: Some(wish.phone_number),
        external_id: None,
        first_name,
        last_name,
        properties: None,
        consent: Vec::new(),
        consent_source: None,
    }
}
