//! Accepting opt-ins, opt-outs, resumes and delivery events: they are done at once, or put into the queue.

use super::direct;
use super::enqueue::{enqueue, unavailable};
use super::health::QueueHealth;
use super::replay::ReplayCache;
use super::replies::DirectReplies;
use super::reply::{OptInReply, OptInResponse, Rejection, ReplyState};
use crate::account::Account;
use crate::delivery_event::DeliveryEvent;
use crate::id::OptInId;
use crate::key::OptInKey;
use crate::opt_in::OptIn;
use crate::opt_out::{OptOut, Resume};
use crate::queue::{Lane, Queue, QueueError};
use crate::renaming::Renaming;
use crate::tenant_cache::TenantCache;
use http::StatusCode;
use klaviyo_host::types::Code;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;
use tracing::debug;

/// Where a door brings opt-ins.
pub(super) enum Backend {
    /// To Klaviyo, while the caller waits.
    Direct { tenants: TenantCache, replays: ReplayCache, replies: DirectReplies },
    /// To the queue.
    Queue { queue: Arc<Queue>, health: QueueHealth },
}

impl Backend {
    /// How many opt-ins or opt-outs one request may have. Klaviyo takes 150 additions to lists a minute, and no caller
    /// waits longer.
    pub(super) fn most(&self) -> usize {
        match self {
            Self::Direct { .. } => 100,
            Self::Queue { .. } => 1_000,
        }
    }

    /// Whether a request with this signature was accepted before.
    pub(super) async fn has_accepted(&self, signature: &str) -> Result<bool, Rejection> {
        match self {
            Self::Direct { replays, .. } => Ok(replays.has(signature, Instant::now())),
            Self::Queue { queue, .. } => {
                queue.remembers(signature).await.map_err(|error| unavailable(&error))
            }
        }
    }

    /// Accepts opt-ins that have an id each. A request with a signature is accepted once, but may be repeated
    /// if nothing came of it.
    pub(super) async fn accept(
        &self,
        signature: Option<&str>,
        opt_ins: Vec<OptIn>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        match self {
            Self::Direct { tenants, replays, replies } => {
                direct::opt_in(tenants, replays, replies, signature, opt_ins).await
            }
            Self::Queue { queue, health } => {
                // Converted first: while the queue is waited for, only the messages are in memory.
                let messages = opt_ins.into_iter().map(|opt_in| {
                    let key = OptInKey::new(&opt_in.account, opt_in.id.as_deref().unwrap_or_default());
                    ((key, opt_in.to_json()), opt_in.warnings)
                });
                let responses = enqueue(queue, health, Lane::OptIns, messages.collect()).await?;
                remember(queue, signature).await;
                Ok(responses)
            }
        }
    }

    /// Accepts opt-outs. A request with a signature is accepted once, as with opt-ins.
    pub(super) async fn accept_opt_outs(
        &self,
        signature: Option<&str>,
        opt_outs: Vec<OptOut>,
    ) -> Result<Vec<OptInResponse>, Rejection> {
        match self {
            Self::Direct { tenants, replays, replies } => {
                direct::opt_out(tenants, replays, replies, signature, opt_outs).await
            }
            Self::Queue { queue, health } => {
                let messages = opt_outs
                    .into_iter()
                    .map(|one| ((OptInKey::of_opt_out(&one.account, &one.id), one.to_json()), one.warnings));
                let responses = enqueue(queue, health, Lane::OptOuts, messages.collect()).await?;
                remember(queue, signature).await;
                Ok(responses)
            }
        }
    }

    /// Accepts resumes.
    pub(super) async fn accept_resumes(&self, resumes: Vec<Resume>) -> Result<Vec<OptInResponse>, Rejection> {
        match self {
            Self::Direct { replies, .. } => Ok(direct::resume(replies, resumes)),
            Self::Queue { queue, health } => {
                let messages = resumes
                    .iter()
                    .map(|one| ((OptInKey::of_opt_out(&one.account, &one.id), one.to_json()), Vec::new()));
                enqueue(queue, health, Lane::OptOuts, messages.collect()).await
            }
        }
    }

    /// Accepts delivery events of one account. Returns how many can never be tracked.
    pub(super) async fn accept_events(
        &self,
        account: &Account,
        events: Vec<DeliveryEvent>,
    ) -> Result<usize, Rejection> {
        match self {
            Self::Direct { tenants, .. } => direct::track(tenants, account, events).await,
            Self::Queue { queue, health } => {
                let messages = events
                    .iter()
                    .map(|one| ((OptInKey::new(&one.account, &one.id), one.to_json()), Vec::new()));
                enqueue(queue, health, Lane::Events, messages.collect()).await.map(|_| 0)
            }
        }
    }

    /// Accepts ids that have changed, of people of one account.
    pub(super) async fn accept_renamings(
        &self,
        account: &Account,
        renamings: Vec<Renaming>,
    ) -> Result<(), Rejection> {
        match self {
            Self::Direct { tenants, .. } => direct::rename(tenants, account, renamings).await,
            // An empty put would ask for nothing.
            Self::Queue { .. } if renamings.is_empty() => Ok(()),
            Self::Queue { queue, health } => {
                let messages = renamings
                    .iter()
                    .map(|one| ((OptInKey::of_opt_out(&one.account, &one.id), one.to_json()), Vec::new()));
                enqueue(queue, health, Lane::OptOuts, messages.collect()).await.map(drop)
            }
        }
    }

    /// Asks for the changes of an account now. Without a queue there is no feed.
    pub(super) async fn wake_changes(&self, account: &Account) -> Result<(), QueueError> {
        match self {
            Self::Direct { .. } => Ok(()),
            Self::Queue { queue, .. } => queue.wake_changes(account).await,
        }
    }

    /// Whether an invalid opt-in becomes a dead letter.
    pub(super) fn has_dead_letters(&self) -> bool {
        matches!(self, Self::Queue { .. })
    }

    /// The outcome of an opt-in or an opt-out that was accepted under this id.
    pub(super) async fn outcome(&self, id: &str) -> Result<OptInReply, Rejection> {
        let unknown = || {
            let message = "this is not the id of an opt-in or an opt-out that was accepted within a week";
            Rejection::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), message)
        };
        let Self::Queue { queue, .. } = self else {
            let message = "there is no queue: each opt-in and opt-out was answered with its outcome";
            return Err(Rejection::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), message));
        };
        let Ok(OptInId { key, sequence: Some(sequence) }) = id.parse() else { return Err(unknown()) };
        let outcome = queue.outcome(&key, sequence).await.map_err(|error| unavailable(&error))?;
        Ok(OptInReply { id: id.to_owned(), state: ReplyState::ended(outcome.ok_or_else(unknown)?, None) })
    }
}

/// Remembers the signature of a request that is written: one that was not may be repeated. If a replay comes before
/// this, the queue finds its messages to be duplicates.
async fn remember(queue: &Queue, signature: Option<&str>) {
    if let Some(signature) = signature
        && let Err(error) = queue.remember(signature).await
    {
        debug!(error = &error as &dyn Error, "a signature is not remembered");
    }
}
