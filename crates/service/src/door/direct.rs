//! Opt-ins and opt-outs that are done while the caller waits.

use super::reply::{OptInReply, OptInResponse, ReplyState};
use crate::account::Account;
use crate::opt_in::OptIn;
use crate::opt_in_flow::{self, ConsentResult, Failure};
use crate::opt_out::OptOut;
use crate::outcome::{OptOutReceipt, Outcome, Reason};
use crate::tenant_cache::{NoKey, TenantCache};
use http::StatusCode;
use klaviyo_host::Disposition;
use klaviyo_host::types::Code;
use std::time::Duration;
use tracing::warn;

/// Opts one person in.
pub(super) async fn opt_in_now(tenants: &TenantCache, opt_in: OptIn) -> OptInResponse {
    let result = match tenants.get(&opt_in.account) {
        Ok(tenant) => opt_in_flow::opt_in(&tenant, &opt_in).await,
        Err(error) => Err(no_key(&error)),
    };
    let OptIn { account, id, email, phone_number, .. } = opt_in;
    let id = id.unwrap_or_default();
    match result {
        Ok(receipt) => {
            let state = ReplyState::ended(Outcome::Done(receipt), email.or(phone_number).as_deref());
            OptInResponse { reply: OptInReply { id, state }, status: StatusCode::OK, retry_after: None }
        }
        Err(failure) => failed(&account, id, failure),
    }
}

/// Revokes the consent of one person.
pub(super) async fn opt_out_now(tenants: &TenantCache, opt_out: OptOut) -> OptInResponse {
    let result = match tenants.get(&opt_out.account) {
        Ok(tenant) => opt_in_flow::revoke(&tenant, &[&opt_out]).await,
        Err(error) => Err(no_key(&error)),
    };
    let OptOut { account, id, .. } = opt_out;
    match result {
        Ok(ConsentResult { warnings, mut refused }) => match refused.pop() {
            Some((_, reason)) => failed(&account, id, Failure::final_for(reason)),
            None => {
                let state = ReplyState::ended(OptOutReceipt { warnings }.into(), None);
                OptInResponse { reply: OptInReply { id, state }, status: StatusCode::OK, retry_after: None }
            }
        },
        Err(failure) => failed(&account, id, failure),
    }
}

fn no_key(error: &NoKey) -> Failure {
    let reason = Reason::new(Code::Unauthenticated, error.to_string());
    Failure { reason, disposition: Code::Unauthenticated.disposition(), retry_after: None }
}

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
    OptInResponse { reply: OptInReply { id, state: ReplyState::failed(reason) }, status, retry_after }
}
