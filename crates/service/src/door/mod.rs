//! The front door: HTTP for callers who sign their opt-ins, and for WhatsApp's webhook.
//!
//! | route | for |
//! |---|---|
//! | `POST /v1/opt-ins` | an opt-in, or an array of them, signed as Standard Webhooks does |
//! | `GET /v1/opt-ins/{id}` | what became of one that is in the queue, signed with its id for the `webhook-id` |
//! | `GET /v1/whatsapp/{account}` | Meta's question whether the webhook is wanted |
//! | `POST /v1/whatsapp/{account}` | Meta's notifications |
//!
//! A request passes, in this order: the limits on bodies, its signature, its account's share of the door, the check of all
//! of its opt-ins, the memory of replays, the account's rate. What does not pass all of them has no effect. Of what is not
//! signed only the account is read.

mod accept;
mod admission;
mod body;
mod metrics;
mod opt_ins;
mod queue_health;
mod replay;
mod reply;
mod signature;
mod webhook;
mod whatsapp;

use crate::account::Account;
use crate::ops::{Health, Readiness};
use crate::opt_in::OptIn;
use crate::opt_out::OptOut;
use crate::queue::Queue;
use crate::secrets::{MacKey, SecretKind, Secrets};
use crate::tenant_cache::TenantCache;
use accept::{Backend, OptInResponse};
use admission::Admission;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use body::Bodies;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::StatusCode;
use klaviyo_host::types::Code;
use metrics::DoorMetrics;
use prometheus_client::registry::Registry;
use queue_health::QueueHealth;
use reply::Rejection;
use serde_json::json;
use signature::{SignatureError, SignedHeaders};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tracing::debug;

/// A front door.
pub struct Door {
    backend: Backend,
    secrets: Arc<Secrets>,
    settings: DoorSettings,
    rate: DefaultKeyedRateLimiter<Account>,
    bodies: Arc<Bodies>,
    admission: Admission,
    metrics: DoorMetrics,
    /// For accounts that are not here.
    decoy_key: MacKey,
}

/// What can be set about a door.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// The WhatsApp messages that opt their sender in.
    pub words: Vec<String>,
    /// Whether nobody is opted in whose phone number WhatsApp does not tell. Those people are known by WhatsApp's own id of
    /// them otherwise.
    pub numbers_only: bool,
    /// How many opt-ins of one account are taken in a second.
    pub rate: NonZeroU32,
    /// How many requests are worked on at once: of one account at most half of them, of two a third each, and so on.
    pub concurrency: NonZeroU32,
    /// What requests may take before and after their signature is checked.
    pub limits: DoorLimits,
}

/// What requests may take of a door's memory, and how long they may take to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Bytes of all bodies together whose signature is not checked yet. Beyond that the one that has been coming for the
    /// longest is given up.
    pub unsigned_bytes: usize,
    /// Bytes of all requests together that are worked on: four for each byte of a body. Beyond that they are answered 503.
    /// One account gets at most half of it, as with [`DoorSettings::concurrency`].
    pub signed_bytes: usize,
    /// How long a body may take to come.
    pub body: Duration,
    /// How long nothing may come of it.
    pub pause: Duration,
}

impl Default for DoorLimits {
    fn default() -> Self {
        Self {
            unsigned_bytes: 64 << 20,
            signed_bytes: 256 << 20,
            body: Duration::from_secs(10),
            pause: Duration::from_secs(5),
        }
    }
}

impl Door {
    /// A door whose opt-ins are done at once.
    #[must_use]
    pub fn direct(
        tenants: TenantCache,
        secrets: Arc<Secrets>,
        settings: DoorSettings,
        registry: &mut Registry,
    ) -> Self {
        Self::new(
            Backend::Direct { tenants, seen: replay::ReplayCache::default() },
            secrets,
            settings,
            registry,
        )
    }

    /// A door whose opt-ins go into a queue.
    #[must_use]
    pub fn to_queue(
        queue: Arc<Queue>,
        secrets: Arc<Secrets>,
        settings: DoorSettings,
        registry: &mut Registry,
    ) -> Self {
        Self::new(Backend::Queue(QueueHealth::new(queue)), secrets, settings, registry)
    }

    fn new(backend: Backend, secrets: Arc<Secrets>, settings: DoorSettings, registry: &mut Registry) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(settings.rate));
        let DoorLimits { unsigned_bytes, signed_bytes, body, pause } = settings.limits;
        let bodies = Bodies::new(unsigned_bytes, body, pause);
        let admission = Admission::new(settings.concurrency.get() as usize, signed_bytes);
        let (metrics, decoy_key) = (DoorMetrics::new(registry), MacKey::decoy());
        Self { backend, secrets, settings, rate, bodies, admission, metrics, decoy_key }
    }

    /// The accounts that callers can reach here.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<Account> {
        let of = |kind| self.secrets.accounts(kind);
        let reached = &of(SecretKind::SigningSecret) | &of(SecretKind::WhatsappAppSecret);
        match self.backend {
            Backend::Direct { .. } => &reached & &of(SecretKind::ApiKey),
            Backend::Queue(_) => reached,
        }
    }

    /// Looks after the queue until it is dropped: whether it takes opt-ins is part of whether the door is ready.
    pub async fn watch(&self) {
        match &self.backend {
            Backend::Direct { .. } => std::future::pending().await,
            Backend::Queue(gate) => gate.watch().await,
        }
    }

    /// The routes.
    pub fn router(self: &Arc<Self>) -> Router {
        let not_found =
            async || Rejection::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), "there is no such page");
        let not_allowed = async || {
            Rejection::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "the header Allow names the methods",
            )
        };
        Router::new()
            .route("/v1/opt-ins", post(opt_ins::opt_ins))
            .route("/v1/opt-ins/{id}", get(opt_ins::outcome))
            .route("/v1/whatsapp/{account}", get(webhook::verification).post(webhook::notification))
            .method_not_allowed_fallback(not_allowed)
            .route_layer(from_fn_with_state(Arc::clone(self), counted))
            .with_state(Arc::clone(self))
            .fallback(not_found)
    }

    /// Takes opt-ins of one account, and counts what became of them.
    async fn take(
        &self,
        account: &Account,
        signature: Option<&str>,
        opt_ins: Vec<OptIn>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        let handled = self.backend.take(signature, opt_ins).await?;
        for handled in &handled {
            let result = handled.result();
            self.metrics.opt_ins(result, 1);
            debug!(%account, result, "an opt-in");
        }
        Ok(handled)
    }

    /// Takes opt-outs of one account, and counts what became of them.
    async fn accept_opt_outs(
        &self,
        account: &Account,
        opt_outs: Vec<OptOut>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        let handled = self.backend.accept_opt_outs(opt_outs).await?;
        for handled in &handled {
            let result = handled.result();
            self.metrics.opt_outs(result, 1);
            debug!(%account, result, "an opt-out");
        }
        Ok(handled)
    }

    /// Counts opt-ins against their account's rate.
    fn check_rate(&self, account: &Account, count: usize) -> Result<(), Rejection> {
        let Some(count) = u32::try_from(count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        match self.rate.check_key_n(account, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Rejection::overloaded(format!(
                "the account has more than {} opt-ins a second; repeat it later",
                self.settings.rate
            ))),
            Err(_) => Err(too_many(self.settings.rate.get() as usize)),
        }
    }
}

fn too_many(most: usize) -> Rejection {
    let message = format!("a request may have at most {most} opt-ins here; send more of them");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge.as_str(), message)
}

impl Health for Door {
    fn readiness(&self) -> Readiness {
        let accounts = self.accounts();
        let (ready, queue) = match &self.backend {
            Backend::Direct { .. } => (!accounts.is_empty(), "none"),
            Backend::Queue(gate) => gate.state(),
        };
        Readiness { ready, document: json!({ "queue": queue, "accounts": accounts.len() }) }
    }
}

/// Counts requests.
async fn counted(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = match request.uri().path().get(..8) {
        Some("/v1/what") => "whatsapp",
        _ => "opt-ins",
    };
    let response = next.run(request).await;
    door.metrics.request(route, response.status(), begun.elapsed());
    response
}

fn unsigned(unsigned: SignatureError) -> Rejection {
    Rejection::unsigned(match unsigned {
        SignatureError::Header(name) => format!("the header {name} is missing, or is not what it should be"),
        SignatureError::Time => {
            "webhook-timestamp is more than five minutes from the time here; sign the request when it is \
                           sent, and set the clock"
                .to_owned()
        }
        SignatureError::Signature => {
            "the signature is not that of an account here over this request".to_owned()
        }
    })
}

impl Door {
    /// Checks that a request is signed for an account. Returns the signature. An account that is not here takes as long,
    /// and is refused in the same words.
    fn signed<'a>(
        &self,
        signed: &SignedHeaders<'a>,
        account: &Account,
        body: &[u8],
    ) -> Result<&'a str, Rejection> {
        let key = self.secrets.mac_key(account, SecretKind::SigningSecret);
        let checked = signed.check(key.as_ref().unwrap_or(&self.decoy_key), body);
        key.map_or(Err(SignatureError::Signature), |_| checked).map_err(unsigned)
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
