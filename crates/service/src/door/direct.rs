//! Opt-ins and opt-outs that are done while the caller waits.

use super::replay::ReplayCache;
use super::replies::DirectReplies;
use super::reply::{OptInResponse, Rejection, ReplyState};
use crate::account::Account;
use crate::completion;
use crate::delivery_event::{self, DeliveryEvent};
use crate::opt_in::OptIn;
use crate::opt_in_flow::{self, Failure};
use crate::opt_out::{OptOut, Resume};
use crate::opt_out_flow;
use crate::outcome::{OptOutReceipt, Outcome, Reason, ResumeReceipt};
use crate::renaming::{self, Renaming};
use crate::tenant_cache::{NoKey, TenantCache};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use klaviyo_host::Disposition;
use klaviyo_host::types::Code;
use std::time::{Duration, Instant};
use tracing::warn;

/// How many opt-ins of one request are done at once. They share the rates of their account, so more would
/// wait for each other.
const AT_ONCE: usize = 8;

/// Forgets a signature when it is dropped, unless something came of its request.
struct ForgetOnDrop<'a> {
    replays: &'a ReplayCache,
    signature: Option<&'a str>,
}

impl Drop for ForgetOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(signature) = self.signature {
            self.replays.forget(signature, Instant::now());
        }
    }
}

/// Does a request, unless its signature was accepted before.
async fn once(
    replays: &ReplayCache,
    signature: Option<&str>,
    work: impl Future<Output = Vec<OptInResponse>>,
) -> Result<Vec<OptInResponse>, Rejection> {
    let first = signature.map_or(Ok(true), |signature| replays.first_use(signature, Instant::now()));
    let first = first.map_err(|_| {
        Rejection::overloaded("replays", "there are too many requests to tell replays from them")
    })?;
    if !first {
        return Err(Rejection::replayed());
    }
    // A caller who disconnects before the end gets no answer, and may repeat the request as it is.
    let mut unless_done = ForgetOnDrop { replays, signature };
    let responses = work.await;
    let is_nothing = |response: &OptInResponse| response.status == StatusCode::SERVICE_UNAVAILABLE;
    if !responses.iter().all(is_nothing) {
        unless_done.signature = None;
    }
    Ok(responses)
}

/// Opts people in, unless the signature of their request was accepted before.
pub(super) async fn opt_in(
    tenants: &TenantCache,
    replays: &ReplayCache,
    replies: &DirectReplies,
    signature: Option<&str>,
    opt_ins: Vec<OptIn>,
) -> Result<Vec<OptInResponse>, Rejection> {
    let done = stream::iter(opt_ins).map(|opt_in| opt_in_one(tenants, replies, opt_in));
    once(replays, signature, done.buffered(AT_ONCE).collect()).await
}

/// Answers resumes. Nothing is known here of what an opt-out took, so nothing is given back.
pub(super) fn resume(replies: &DirectReplies, resumes: Vec<Resume>) -> Vec<OptInResponse> {
    let nothing = |resume: Resume| {
        let message = "there is no queue, so it is not known what an opt-out took, and nothing is given back";
        let receipt = ResumeReceipt { warnings: vec![message.to_owned()], ..ResumeReceipt::default() };
        let outcome = Outcome::from(receipt);
        if replies.are_sent(&resume.account) {
            replies.begin(&resume.account, &resume.to_json(), &outcome);
        }
        response(&resume.account, resume.id, Ok(ReplyState::ended(outcome, None)))
    };
    resumes.into_iter().map(nothing).collect()
}

/// How many events Klaviyo takes in one request.
const EVENTS: usize = 1_000;

/// Tracks events of one account. Returns how many Klaviyo has refused.
pub(super) async fn track(
    tenants: &TenantCache,
    account: &Account,
    events: Vec<DeliveryEvent>,
) -> Result<usize, Rejection> {
    let failed = |failure: Failure| {
        warn!(%account, code = failure.reason.code, reason = failure.reason.message, "delivery events are not tracked");
        Rejection::overloaded("klaviyo", "the delivery events cannot be tracked now; repeat the request")
    };
    let tenant = tenants.get(account).map_err(|error| failed(no_key(&error)))?;
    let mut refused = 0;
    for events in events.chunks(EVENTS) {
        let events: Vec<&DeliveryEvent> = events.iter().collect();
        match delivery_event::track(&tenant, &events).await {
            Ok(reasons) => refused += reasons.len(),
            // Repeated, they would be refused again.
            Err(failure) if failure.disposition == Disposition::GiveUp => refused += events.len(),
            Err(failure) => return Err(failed(failure)),
        }
    }
    Ok(refused)
}

/// Gives profiles of one account the ids that their people have now.
pub(super) async fn rename(
    tenants: &TenantCache,
    account: &Account,
    renamings: Vec<Renaming>,
) -> Result<(), Rejection> {
    for renaming in renamings {
        let renamed = match tenants.get(account) {
            Ok(tenant) => renaming::rename(&tenant, &renaming.identifiers()).await,
            Err(error) => Err(no_key(&error)),
        };
        if let Err(Failure { reason, disposition, .. }) = renamed {
            warn!(%account, code = reason.code, reason = reason.message, "the id of a person is not changed");
            if disposition != Disposition::GiveUp {
                let message = "the id of a person cannot be changed now; repeat the request";
                return Err(Rejection::overloaded("klaviyo", message));
            }
        }
    }
    Ok(())
}

/// Takes from people what they opt out of, unless the signature of their request was accepted before.
pub(super) async fn opt_out(
    tenants: &TenantCache,
    replays: &ReplayCache,
    replies: &DirectReplies,
    signature: Option<&str>,
    opt_outs: Vec<OptOut>,
) -> Result<Vec<OptInResponse>, Rejection> {
    let done = stream::iter(opt_outs).map(|opt_out| opt_out_one(tenants, replies, opt_out));
    once(replays, signature, done.buffered(AT_ONCE).collect()).await
}

/// What became of a request, if that is final.
fn outcome<T: Clone + Into<Outcome>>(result: &Result<T, Failure>) -> Option<Outcome> {
    match result {
        Ok(done) => Some(done.clone().into()),
        Err(failure) if failure.disposition == Disposition::GiveUp => {
            Some(Outcome::Dead(failure.reason.clone()))
        }
        Err(_) => None,
    }
}

async fn opt_in_one(tenants: &TenantCache, replies: &DirectReplies, opt_in: OptIn) -> OptInResponse {
    let result = match tenants.get(&opt_in.account) {
        Ok(tenant) => {
            let completed = match opt_in.completes {
                true => completion::complete(&tenant, &opt_in).await,
                false => Ok(()),
            };
            match completed {
                Ok(()) => opt_in_flow::opt_in(&tenant, &opt_in).await,
                Err(failure) => Err(failure),
            }
        }
        Err(error) => Err(no_key(&error)),
    };
    if opt_in.whatsapp.is_some()
        && replies.are_sent(&opt_in.account)
        && let Some(outcome) = outcome(&result)
    {
        replies.begin(&opt_in.account, &opt_in.to_json(), &outcome);
    }
    let state = result.map(|receipt| {
        let address = opt_in.address(&receipt.reached());
        ReplyState::ended(Outcome::Done(receipt), address)
    });
    response(&opt_in.account, opt_in.id.unwrap_or_default(), state)
}

async fn opt_out_one(tenants: &TenantCache, replies: &DirectReplies, opt_out: OptOut) -> OptInResponse {
    let result = match tenants.get(&opt_out.account) {
        Ok(tenant) => opt_out_flow::opt_out_one(&tenant, &opt_out).await,
        Err(error) => Err(no_key(&error)),
    };
    if opt_out.whatsapp.is_some()
        && replies.are_sent(&opt_out.account)
        && let Some(outcome) = outcome(&result)
    {
        replies.begin(&opt_out.account, &opt_out.to_json(), &outcome);
    }
    let ended = |receipt: OptOutReceipt| ReplyState::ended(receipt.into(), None);
    response(&opt_out.account, opt_out.id, result.map(ended))
}

fn no_key(error: &NoKey) -> Failure {
    let reason = Reason::new(Code::Unauthenticated, error.to_string());
    Failure { reason, disposition: Code::Unauthenticated.disposition(), retry_after: None }
}

fn response(account: &Account, id: String, result: Result<ReplyState, Failure>) -> OptInResponse {
    let Failure { reason, disposition, retry_after } = match result {
        Ok(state) => return OptInResponse::new(id, state, StatusCode::OK),
        Err(failure) => failure,
    };
    let seconds = |after: Option<Duration>| Some(after.map_or(1, |after| after.as_secs().max(1)));
    let (status, retry_after) = match disposition {
        Disposition::GiveUp => (StatusCode::UNPROCESSABLE_ENTITY, None),
        Disposition::RetryLater | Disposition::Retry => {
            warn!(%account, code = reason.code, reason = reason.message, "not done for now; the caller has to repeat it");
            let after = retry_after.filter(|_| disposition == Disposition::RetryLater);
            (StatusCode::SERVICE_UNAVAILABLE, seconds(after))
        }
        Disposition::StopAccount => {
            warn!(%account, code = reason.code, reason = reason.message, "the account needs another key or setting");
            (StatusCode::BAD_GATEWAY, None)
        }
    };
    OptInResponse { retry_after, ..OptInResponse::new(id, ReplyState::Failed(reason), status) }
}
