//! What becomes of opt-ins that a door has let in.

use super::answer::{Refusal, State, Told};
use super::seen::Seen;
use crate::account::Account;
use crate::opt_in::{Key, OptIn};
use crate::outcome::{Outcome, Reason};
use crate::queue::{Accepted, Queue, QueueError};
use crate::steps::{self, Failure, Remedy};
use crate::tenants::Tenants;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use klaviyo_host::Usage;
use klaviyo_host::types::Code;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::warn;

/// How many opt-ins of one request are done at once. Klaviyo's rates are the account's: more would wait for each other.
const AT_ONCE: usize = 8;

/// Where opt-ins go.
pub(super) enum Desk {
    /// To Klaviyo, at once.
    Direct { tenants: Tenants, seen: Seen },
    /// Into the queue.
    Queue(Arc<Queue>),
}

/// What became of an opt-in, and how the answer says so.
pub(super) struct Handled {
    pub(super) told: Told,
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<u64>,
}

impl Desk {
    /// How many opt-ins one request may have. Klaviyo takes 150 additions to lists a minute, which is as long as
    /// anybody waits for an answer.
    pub(super) fn most(&self) -> usize {
        match self {
            Self::Direct { .. } => 100,
            Self::Queue(_) => 1_000,
        }
    }

    /// Whether a signature is seen for the first time.
    pub(super) async fn first_use(&self, signature: &str) -> Result<bool, Refusal> {
        match self {
            Self::Direct { seen, .. } => seen
                .first_use(signature, Instant::now())
                .map_err(|_| Refusal::overloaded("there are too many requests to tell replays from them")),
            Self::Queue(queue) => queue.first_use(signature).await.map_err(|error| away(&error)),
        }
    }

    /// Takes opt-ins that have an id each.
    pub(super) async fn take(&self, opt_ins: Vec<OptIn>) -> Result<Vec<Handled>, Refusal> {
        match self {
            Self::Direct { tenants, .. } => {
                let done = stream::iter(opt_ins).map(|opt_in| direct(tenants, opt_in));
                Ok(done.buffered(AT_ONCE).collect().await)
            }
            Self::Queue(queue) => {
                // As they are written: while the queue is waited for, nothing else of them is held.
                let named: Vec<(Key, Bytes)> = opt_ins
                    .into_iter()
                    .map(|opt_in| {
                        let key = Key::new(&opt_in.account, opt_in.id.as_deref().unwrap_or_default());
                        (key, opt_in.to_json())
                    })
                    .collect();
                let keys: Vec<Key> = named.iter().map(|(key, _)| key.clone()).collect();
                let accepted: Result<Vec<Accepted>, QueueError> =
                    queue.put(named).await.into_iter().collect();
                let accepted = accepted.map_err(|error| away(&error))?;
                let handled = keys.into_iter().zip(accepted).map(|(key, accepted)| Handled {
                    told: Told {
                        id: format!("{key}.{}", accepted.sequence),
                        state: State::accepted(accepted.duplicate),
                    },
                    status: StatusCode::ACCEPTED,
                    retry_after: None,
                });
                Ok(handled.collect())
            }
        }
    }

    /// What became of an opt-in that was accepted under this id.
    pub(super) async fn ask(&self, id: &str) -> Result<Told, Refusal> {
        let unknown = || {
            let message = "this is not the id of an opt-in that was accepted within a week";
            Refusal::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), message)
        };
        let Self::Queue(queue) = self else {
            let message = "there is no queue: each opt-in was answered with its outcome";
            return Err(Refusal::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), message));
        };
        let (key, sequence) = split(id).ok_or_else(unknown)?;
        let outcome =
            queue.outcome(&key, sequence).await.map_err(|error| away(&error))?.ok_or_else(unknown)?;
        Ok(Told { id: id.to_owned(), state: State::ended(outcome, None) })
    }
}

/// The account whose opt-in an id is of.
pub(super) fn account_of(id: &str) -> Option<Account> {
    split(id).map(|(key, _)| key.account)
}

/// `<account>.<digest>.<place in the stream>`
fn split(id: &str) -> Option<(Key, u64)> {
    let (key, sequence) = id.rsplit_once('.')?;
    Some((key.parse().ok()?, sequence.parse().ok()?))
}

/// Nothing is accepted that is not written.
fn away(error: &QueueError) -> Refusal {
    warn!(error = error as &dyn std::error::Error, "the queue does not take opt-ins");
    Refusal::overloaded("the queue is away; nothing is known to be accepted, repeat the request, signed anew")
}

async fn direct(tenants: &Tenants, opt_in: OptIn) -> Handled {
    let mut usage = Usage::default();
    let result = match tenants.get(&opt_in.account) {
        Ok(tenant) => steps::opt_in(&tenant, &opt_in, &mut usage).await,
        Err(error) => Err(Failure {
            reason: Reason::new(Code::Unauthenticated, error.to_string()),
            remedy: Remedy::Account,
        }),
    };
    let OptIn { account, id, email, phone_number, .. } = opt_in;
    let id = id.unwrap_or_default();
    let Failure { reason, remedy } = match result {
        Ok(receipt) => {
            let state = State::ended(Outcome::Done(receipt), email.or(phone_number).as_deref());
            return Handled { told: Told { id, state }, status: StatusCode::OK, retry_after: None };
        }
        Err(failure) => failure,
    };
    let seconds = |after: Option<Duration>| Some(after.map_or(1, |after| after.as_secs().max(1)));
    let (status, retry_after) = match remedy {
        Remedy::Never => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Remedy::Wait(after) => (StatusCode::SERVICE_UNAVAILABLE, seconds(after)),
        Remedy::Again => (StatusCode::SERVICE_UNAVAILABLE, seconds(None)),
        Remedy::Account => {
            warn!(%account, code = reason.code, reason = reason.message, "the account needs another key or setting");
            (StatusCode::BAD_GATEWAY, None)
        }
    };
    Handled { told: Told { id, state: State::failed(reason) }, status, retry_after }
}
