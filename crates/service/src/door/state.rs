//! The settings of a door, and the state that all of its requests share.

use super::accept::Backend;
use super::admission::Admission;
use super::body::Bodies;
use super::health::{QueueHealth, QueueState};
use super::metrics::DoorMetrics;
use super::replay::ReplayCache;
use super::replies::DirectReplies;
use super::reply::{OptInResponse, Rejection};
use super::seldom::Seldom;
use crate::account::Account;
use crate::delivery_event::DeliveryEvent;
use crate::ops::{Health, Readiness};
use crate::opt_in::OptIn;
use crate::opt_out::{OptOut, Resume};
use crate::queue::{Lane, Queue};
use crate::reply::{Cloud, Replier};
use crate::secrets::{MacKey, MacKeys, SecretKind, Secrets};
use crate::signature::{SignatureError, SignedHeaders};
use crate::tenant_cache::TenantCache;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use prometheus_client::registry::Registry;
use serde_json::json;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};

/// The settings of a door.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// The WhatsApp messages that opt their sender in, where the settings of an account name none.
    pub words: Vec<String>,
    /// Whether people whose phone number WhatsApp does not tell are left out. Otherwise they are opted in by
    /// WhatsApp's own id of them.
    pub numbers_only: bool,
    /// How many opt-ins a second are accepted for one account, and how many opt-outs.
    pub rate: NonZeroU32,
    /// How many requests are worked on at once. One account gets at most half of them, two accounts a third
    /// each, and so on.
    pub concurrency: NonZeroU32,
    /// The memory and the time that requests may take.
    pub limits: DoorLimits,
}

/// The memory that requests may take, and the time in which they have to arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Bytes of all bodies together whose signature is not checked yet. Beyond that, the body that has been
    /// arriving for the longest time is dropped.
    pub unsigned_bytes: usize,
    /// Bytes of all requests together that are worked on, four for each byte of a body. Beyond that, requests
    /// are answered 503. One account gets at most half of them, as with [`DoorSettings::concurrency`].
    pub signed_bytes: usize,
    /// The time in which a body has to arrive.
    pub body: Duration,
    /// The longest pause between two parts of a body.
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

/// A front door.
pub struct Door {
    pub(super) backend: Backend,
    pub(super) secrets: Arc<Secrets>,
    pub(super) settings: DoorSettings,
    pub(super) bodies: Arc<Bodies>,
    pub(super) admission: Admission,
    pub(super) metrics: DoorMetrics,
    /// Checks the signatures of accounts that are not here, so that they take as long as others.
    pub(super) decoy_keys: MacKeys,
    pub(super) stranger_warnings: Seldom,
    rate: DefaultKeyedRateLimiter<(Account, Lane)>,
}

impl Door {
    /// A door that does opt-ins at once. It replies to people who write by WhatsApp over this Cloud API, where an account
    /// has a token for that.
    #[must_use]
    pub fn direct(
        tenants: TenantCache,
        secrets: Arc<Secrets>,
        settings: DoorSettings,
        cloud: Cloud,
        registry: &mut Registry,
    ) -> Self {
        let metrics = DoorMetrics::new(registry);
        let replier = Replier::new(Arc::new(cloud), Arc::clone(&secrets));
        let replies = DirectReplies::new(replier, metrics.clone());
        let backend = Backend::Direct { tenants, replays: ReplayCache::default(), replies };
        Self::new(backend, secrets, settings, metrics)
    }

    /// A door that puts opt-ins into a queue.
    #[must_use]
    pub fn to_queue(
        queue: Arc<Queue>,
        secrets: Arc<Secrets>,
        settings: DoorSettings,
        registry: &mut Registry,
    ) -> Self {
        let health = QueueHealth::new(&queue, registry);
        let backend = Backend::Queue { queue, health };
        Self::new(backend, secrets, settings, DoorMetrics::new(registry))
    }

    fn new(backend: Backend, secrets: Arc<Secrets>, settings: DoorSettings, metrics: DoorMetrics) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(settings.rate));
        let DoorLimits { unsigned_bytes, signed_bytes, body, pause } = settings.limits;
        let bodies = Bodies::new(unsigned_bytes, body, pause);
        let admission = Admission::new(settings.concurrency.get() as usize, signed_bytes);
        let (decoy_keys, stranger_warnings) = (MacKey::decoy().into(), Seldom::default());
        Self { backend, secrets, settings, rate, bodies, admission, metrics, decoy_keys, stranger_warnings }
    }

    /// The accounts that callers can reach here.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<Account> {
        let of = |kind| self.secrets.accounts(kind);
        let reached = &of(SecretKind::SigningSecret) | &of(SecretKind::WhatsappAppSecret);
        match self.backend {
            Backend::Direct { .. } => &reached & &self.secrets.authenticated(),
            Backend::Queue { .. } => reached,
        }
    }

    /// Waits for what must be kept before the process ends, new tokens of OAuth, and for replies that are under way.
    pub async fn settled(&self) {
        if let Backend::Direct { tenants, replies, .. } = &self.backend {
            replies.settled().await;
            tenants.settled().await;
        }
    }

    /// Asks the queue for its health until it is dropped: a door whose queue accepts nothing is not ready.
    pub async fn watch(&self) {
        match &self.backend {
            Backend::Direct { .. } => std::future::pending().await,
            Backend::Queue { queue, health } => health.watch(queue).await,
        }
    }

    /// Accepts opt-ins of one account, and counts their results.
    pub(super) async fn accept(
        &self,
        account: &Account,
        signature: Option<&str>,
        opt_ins: Vec<OptIn>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        let responses = self.backend.accept(signature, opt_ins).await?;
        for response in &responses {
            let result = response.result();
            self.metrics.opt_ins(result, 1);
            debug!(%account, result, "an opt-in");
        }
        Ok(responses)
    }

    /// Accepts opt-outs of one account, and counts their results.
    pub(super) async fn accept_opt_outs(
        &self,
        account: &Account,
        signature: Option<&str>,
        opt_outs: Vec<OptOut>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        let responses = self.backend.accept_opt_outs(signature, opt_outs).await?;
        for response in &responses {
            let result = response.result();
            self.metrics.opt_outs(result, 1);
            debug!(%account, result, "an opt-out");
        }
        Ok(responses)
    }

    /// Accepts resumes of one account, and counts their results.
    pub(super) async fn accept_resumes(
        &self,
        account: &Account,
        resumes: Vec<Resume>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        let responses = self.backend.accept_resumes(resumes).await?;
        let is_nothing = !responses.is_empty() && matches!(self.backend, Backend::Direct { .. });
        if is_nothing {
            let count = responses.len();
            warn!(%account, count, "words that take an opt-out back do nothing without --nats: it is not known what was taken");
        }
        for response in &responses {
            let result = if is_nothing { "nothing" } else { response.result() };
            self.metrics.resumes(result, 1);
            debug!(%account, result, "a resume");
        }
        Ok(responses)
    }

    /// Accepts delivery events of one account, and counts them.
    pub(super) async fn accept_events(
        &self,
        account: &Account,
        events: Vec<DeliveryEvent>,
    ) -> Result<(), Rejection> {
        if events.is_empty() {
            return Ok(());
        }
        let count = events.len();
        let refused = self.backend.accept_events(account, events).await?;
        if refused > 0 {
            warn!(%account, refused, "Klaviyo refuses delivery events, which are not repeated");
            self.metrics.events("rejected", refused);
        }
        self.metrics.events("accepted", count.saturating_sub(refused));
        Ok(())
    }

    /// Counts messages for a lane against their account's rate there: opt-ins leave no less room for opt-outs.
    pub(super) fn check_rate(&self, lane: Lane, account: &Account, count: usize) -> Result<(), Rejection> {
        let Some(count) = u32::try_from(count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        let most = self.settings.rate;
        match self.rate.check_key_n(&(account.clone(), lane), count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Rejection::overloaded(
                "rate",
                format!("the account has more than {most} {lane} a second; repeat it later"),
            )),
            Err(_) => Err(Rejection::too_many(lane, most.get() as usize)),
        }
    }

    /// Checks that a request is signed for an account, and returns its signature. For an account that is not
    /// here the check takes as long, and fails with the same words.
    pub(super) fn check_signature<'a>(
        &self,
        signed: &SignedHeaders<'a>,
        account: &Account,
        body: &[u8],
    ) -> Result<&'a str, Rejection> {
        let keys = self.secrets.mac_keys(account, SecretKind::SigningSecret);
        let checked = keys.as_ref().unwrap_or(&self.decoy_keys).check(|key| signed.check(key, body));
        Ok(keys.map_or(Err(SignatureError::Signature), |_| checked)?)
    }
}

impl Health for Door {
    fn readiness(&self) -> Readiness {
        let accounts = self.accounts();
        let accounts = accounts.len();
        match &self.backend {
            Backend::Direct { .. } => {
                Readiness { ready: accounts > 0, document: json!({ "queue": "none", "accounts": accounts }) }
            }
            Backend::Queue { queue, health } => {
                let QueueState { is_ready, word, refusing } = health.state(queue);
                let document = json!({ "queue": word, "refusing": refusing, "accounts": accounts });
                Readiness { ready: is_ready, document }
            }
        }
    }
}
