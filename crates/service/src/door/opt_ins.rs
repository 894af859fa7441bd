//! Opt-ins of callers who sign them.

use super::reply::Rejection;
use super::signed::SignedRequest;
use super::state::Door;
use crate::account::Account;
use crate::moment::Moment;
use crate::opt_in::{InvalidField, OptIn};
use crate::queue::Lane;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use std::sync::Arc;

pub(super) async fn post_opt_ins(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Rejection> {
    let mut request: SignedRequest<OptIn> =
        SignedRequest::read(&door, Lane::OptIns, &headers, request).await?;
    let now = Moment::now();
    let take_in = |account: &Account, opt_in: &mut OptIn| {
        if opt_in.account != *account {
            return Err(InvalidField::new("account", "all opt-ins of a request are of one account"));
        }
        opt_in.check_callers(now)?;
        opt_in.at.get_or_insert(now);
        opt_in.take_in()
    };
    request
        .take_in(door.backend.most(), take_in)
        .inspect_err(|_| door.metrics.opt_ins("refused", request.entries.len()))?;
    request.admit(&door).await?;
    let (account, signature) = (request.account.clone(), request.signature.clone());
    let (entries, answer) = request.into_parts();
    let with_id = |(opt_in, given): (OptIn, String)| OptIn { id: opt_in.id.or(Some(given)), ..opt_in };
    let opt_ins = entries.into_iter().map(with_id).collect();
    Ok(answer.with(door.accept(&account, Some(&signature), opt_ins).await?))
}
