//! What becomes of opt-ins that a door has let in.

use super::queue_health::QueueHealth;
use super::replay::ReplayCache;
use super::reply::{OptInReply, Rejection, ReplyState};
use crate::account::Account;
use crate::id::OptInId;
use crate::opt_in::{OptIn, OptInKey};
use crate::opt_in_flow::{self, Failure, Granted};
use crate::opt_out::OptOut;
use crate::outcome::{OptOutReceipt, Outcome, Reason};
use crate::queue::QueueError;
use crate::tenant_cache::{NoTenant, TenantCache};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use klaviyo_host::Disposition;
use klaviyo_host::types::Code;
use serde_json::{Value, json};
use std::error::Error;
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// How many opt-ins of one request are done at once. Klaviyo's rates are the account's: more would wait for each other.
const AT_ONCE: usize = 8;

/// Where opt-ins go.
pub(super) enum Backend {
    /// To Klaviyo, at once.
    Direct { tenants: TenantCache, seen: ReplayCache },
    /// Into the queue.
    Queue(QueueHealth),
}

/// ForgetOnDrop a signature when it is dropped: nothing is known to have come of its request.
struct ForgetOnDrop<'a> {
    seen: &'a ReplayCache,
    signature: Option<&'a str>,
}

impl ForgetOnDrop<'_> {
    fn remember(&mut self) {
        self.signature = None;
    }
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(signature) = self.signature {
            self.seen.forget(signature, Instant::now());
        }
    }
}

/// What became of an opt-in, and how the answer says so.
pub(super) struct OptInResponse {
    pub(super) told: OptInReply,
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<u64>,
}

impl OptInResponse {
    /// In a word, for the metrics.
    pub(super) fn result(&self) -> &'static str {
        match (&self.told.state, self.status.as_u16()) {
            (ReplyState::Accepted { duplicate: true, .. }, _) => "duplicate",
            (ReplyState::Accepted { .. }, _) => "accepted",
            (_, 200..300) => "done",
            (_, 422) => "rejected",
            _ => "failed",
        }
    }
}

impl Backend {
    /// How many opt-ins one request may have. Klaviyo takes 150 additions to lists a minute, which is as long as
    /// anybody waits for an answer.
    pub(super) fn most(&self) -> usize {
        match self {
            Self::Direct { .. } => 100,
            Self::Queue(_) => 1_000,
        }
    }

    /// Whether a request with this signature was taken before.
    pub(super) async fn has_taken(&self, signature: &str) -> Result<bool, Rejection> {
        match self {
            Self::Direct { seen, .. } => Ok(seen.has(signature, Instant::now())),
            Self::Queue(gate) => gate.remembers(signature).await.map_err(|error| away(&error)),
        }
    }

    /// Takes opt-ins that have an id each, of a request with this signature, if it is one that may come once only. A
    /// request of which nothing comes may come again.
    pub(super) async fn take(
        &self,
        signature: Option<&str>,
        opt_ins: Vec<OptIn>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        match self {
            Self::Direct { tenants, seen } => {
                let first = signature.map_or(Ok(true), |signature| seen.first_use(signature, Instant::now()));
                if !first.map_err(|_| {
                    Rejection::overloaded("there are too many requests to tell replays from them")
                })? {
                    return Err(Rejection::replayed());
                }
                // Who goes away before the end is not told what came of it, and may repeat it as it is.
                let mut unless_done =
                    signature.map(|signature| ForgetOnDrop { seen, signature: Some(signature) });
                let done = stream::iter(opt_ins).map(|opt_in| direct(tenants, opt_in));
                let handled: Vec<OptInResponse> = done.buffered(AT_ONCE).collect().await;
                let is_nothing = |handled: &OptInResponse| handled.status == StatusCode::SERVICE_UNAVAILABLE;
                if !handled.iter().all(is_nothing) {
                    // Something came of it: it stays used.
                    unless_done.iter_mut().for_each(ForgetOnDrop::remember);
                }
                Ok(handled)
            }
            Self::Queue(gate) => {
                // As they are written: while the queue is waited for, nothing else of them is held.
                let named = opt_ins.into_iter().map(|opt_in| {
                    let key = OptInKey::new(&opt_in.account, opt_in.id.as_deref().unwrap_or_default());
                    ((key, opt_in.to_json()), opt_in.warnings)
                });
                let handled = put(gate, named.collect()).await?;
                // Not before: who repeats what was not written is no replayer. One of what was written finds it there.
                if let Some(signature) = signature
                    && let Err(error) = gate.remember(signature).await
                {
                    debug!(error = &error as &dyn Error, "a signature is not remembered");
                }
                Ok(handled)
            }
        }
    }

    /// Takes opt-outs.
    pub(super) async fn accept_opt_outs(
        &self,
        opt_outs: Vec<OptOut>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        match self {
            Self::Direct { tenants, .. } => {
                let done = stream::iter(opt_outs).map(|opt_out| leave(tenants, opt_out));
                Ok(done.buffered(AT_ONCE).collect().await)
            }
            Self::Queue(gate) => {
                let named = opt_outs
                    .iter()
                    .map(|one| ((OptInKey::new(&one.account, &one.id), one.to_json()), Vec::new()));
                put(gate, named.collect()).await
            }
        }
    }

    /// Whether what cannot be done is kept, with its reason, until somebody decides about it.
    pub(super) fn keeps_what_cannot_be_done(&self) -> bool {
        matches!(self, Self::Queue(_))
    }

    /// What became of an opt-in that was accepted under this id.
    pub(super) async fn ask(&self, id: &str) -> Result<OptInReply, Rejection> {
        let unknown = || {
            let message = "this is not the id of an opt-in that was accepted within a week";
            Rejection::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), message)
        };
        let Self::Queue(gate) = self else {
            let message = "there is no queue: each opt-in was answered with its outcome";
            return Err(Rejection::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), message));
        };
        let Ok(OptInId { key, sequence: Some(sequence) }) = id.parse() else { return Err(unknown()) };
        let outcome =
            gate.outcome(&key, sequence).await.map_err(|error| away(&error))?.ok_or_else(unknown)?;
        Ok(OptInReply { id: id.to_owned(), state: ReplyState::ended(outcome, None) })
    }
}

/// The account whose opt-in an id is of.
pub(super) fn account_of(id: &str) -> Option<Account> {
    id.parse().ok().map(|OptInId { key, .. }| key.account)
}

/// Puts opt-ins, or opt-outs, into the queue, each with what is to be told of it. Where not all of them are written, it is
/// told which are.
async fn put(
    gate: &QueueHealth,
    all: Vec<((OptInKey, Bytes), Vec<String>)>,
) -> Result<Vec<OptInResponse>, Rejection> {
    let (named, warned): (Vec<(OptInKey, Bytes)>, Vec<Vec<String>>) = all.into_iter().unzip();
    let keys: Vec<(OptInKey, Vec<String>)> = named.iter().map(|(key, _)| key.clone()).zip(warned).collect();
    let (mut handled, mut told, mut failure) = (Vec::with_capacity(keys.len()), Vec::new(), None);
    for (index, ((key, warnings), accepted)) in keys.into_iter().zip(gate.put(named).await).enumerate() {
        match accepted {
            Ok(accepted) => {
                let id = OptInId { key, sequence: Some(accepted.sequence) }.to_string();
                // Of a duplicate it is the first that waits, with its own.
                let warnings = if accepted.duplicate { Vec::new() } else { warnings };
                told.push(written(index, &id, &warnings));
                let told = OptInReply { id, state: ReplyState::accepted(accepted.duplicate, warnings) };
                handled.push(OptInResponse { told, status: StatusCode::ACCEPTED, retry_after: None });
            }
            Err(error) => {
                told.push(json!({ "index": index, "state": "unknown" }));
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        None => Ok(handled),
        Some(error) if handled.is_empty() => Err(away(&error)),
        Some(error) => {
            debug!(error = &error as &dyn Error, "some opt-ins of a request are not written");
            Err(Rejection::partly(handled.len(), told))
        }
    }
}

/// An opt-in that is written, among others that are not.
fn written(index: usize, id: &str, warnings: &[String]) -> Value {
    let mut told = json!({ "index": index, "id": id, "state": "waiting" });
    if let (Some(told), false) = (told.as_object_mut(), warnings.is_empty()) {
        told.insert("warnings".to_owned(), warnings.into());
    }
    told
}

/// Nothing is accepted that is not written.
fn away(error: &QueueError) -> Rejection {
    debug!(error = error as &dyn Error, "the queue does not take opt-ins");
    Rejection::overloaded(
        "the queue takes no opt-ins now; nothing is known to be accepted, repeat the request",
    )
}

async fn direct(tenants: &TenantCache, opt_in: OptIn) -> OptInResponse {
    let result = match tenants.get(&opt_in.account) {
        Ok(tenant) => opt_in_flow::opt_in(&tenant, &opt_in).await,
        Err(error) => Err(no_tenant(&error)),
    };
    let OptIn { account, id, email, phone_number, .. } = opt_in;
    let id = id.unwrap_or_default();
    match result {
        Ok(receipt) => {
            let state = ReplyState::ended(Outcome::Done(receipt), email.or(phone_number).as_deref());
            OptInResponse { told: OptInReply { id, state }, status: StatusCode::OK, retry_after: None }
        }
        Err(failure) => failed(&account, id, failure),
    }
}

/// Takes one person's consent back, at once.
async fn leave(tenants: &TenantCache, opt_out: OptOut) -> OptInResponse {
    let result = match tenants.get(&opt_out.account) {
        Ok(tenant) => opt_in_flow::revoke(&tenant, &[&opt_out]).await,
        Err(error) => Err(no_tenant(&error)),
    };
    let OptOut { account, id, .. } = opt_out;
    match result {
        Ok(Granted { warnings, mut refused }) => match refused.pop() {
            Some((_, reason)) => failed(&account, id, Failure::final_for(reason)),
            None => {
                let state = ReplyState::ended(OptOutReceipt { warnings }.into(), None);
                OptInResponse { told: OptInReply { id, state }, status: StatusCode::OK, retry_after: None }
            }
        },
        Err(failure) => failed(&account, id, failure),
    }
}

fn no_tenant(error: &NoTenant) -> Failure {
    let reason = Reason::new(Code::Unauthenticated, error.to_string());
    Failure { reason, disposition: Code::Unauthenticated.disposition(), retry_after: None }
}

/// How it is answered that something is not done.
fn failed(account: &Account, id: String, failure: Failure) -> OptInResponse {
    let Failure { reason, disposition, retry_after } = failure;
    let seconds = |after: Option<Duration>| Some(after.map_or(1, |after| after.as_secs().max(1)));
    let (status, retry_after) = match disposition {
        Disposition::GiveUp => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Disposition::RetryLater => (StatusCode::SERVICE_UNAVAILABLE, seconds(retry_after)),
        Disposition::Retry => (StatusCode::SERVICE_UNAVAILABLE, seconds(None)),
        Disposition::StopAccount => {
            warn!(%account, code = reason.code, reason = reason.message, "the account needs another key or setting");
            (StatusCode::BAD_GATEWAY, None)
        }
    };
    OptInResponse { told: OptInReply { id, state: ReplyState::failed(reason) }, status, retry_after }
}
