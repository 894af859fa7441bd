//! Meta's WhatsApp webhook: the question whether it is wanted, and its notifications.

use super::accept::OptInResponse;
use super::reply::{OptInReply, Rejection, ReplyState};
use super::signature::SignatureError;
use super::whatsapp::{Ignored, IgnoredReason, Notification, Rules};
use super::{Door, body, now, signature, unsigned};
use crate::account::Account;
use crate::opt_in::{OptIn, OptInKey};
use crate::outcome::Reason;
use crate::secrets::SecretKind;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use klaviyo_host::types::Code;
use serde::Deserialize;
use std::sync::Arc;
use tracing::{debug, error, warn};

/// How many wishes of one notification are opt-ins at once.
const AT_ONCE: usize = 1_000;
/// Of how many opt_ins and opt-outs of one notification the answer tells. Meta reads none, and there can be tens of thousands.
const MOST_TOLD: usize = 1_000;

/// Meta's question.
#[derive(Deserialize)]
pub(super) struct Verification {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.verify_token")]
    token: String,
    #[serde(rename = "hub.challenge")]
    challenge: String,
}

pub(super) async fn verification(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    asked: Result<Query<Verification>, QueryRejection>,
) -> Result<String, Rejection> {
    let account = account.parse::<Account>().ok();
    let token = account.and_then(|account| door.secrets.get(&account, SecretKind::WhatsappVerifyToken));
    // An account that has none takes as long as one that has.
    let expected = token.as_ref().map_or("", |token| token.as_str());
    match asked {
        Ok(Query(asked))
            if asked.mode == "subscribe" && signature::is_same(&asked.token, expected) && token.is_some() =>
        {
            Ok(asked.challenge)
        }
        _ => Err(Rejection::new(
            StatusCode::FORBIDDEN,
            Code::Forbidden.as_str(),
            "the verify token is not this account's",
        )),
    }
}

pub(super) async fn notification(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Rejection> {
    let body = door.bodies.read(request, body::NOTIFICATION).await?;
    let account = account.parse::<Account>().ok();
    let key =
        account.as_ref().and_then(|account| door.secrets.mac_key(account, SecretKind::WhatsappAppSecret));
    signature::check_meta(&headers, key.as_ref().unwrap_or(&door.decoy_key), &body).map_err(unsigned)?;
    let (Some(account), Some(_)) = (account, key) else { return Err(unsigned(SignatureError::Signature)) };
    let (body, _admitted) = door.admission.admit(&account, body)?;
    let numbers = door.secrets.get(&account, SecretKind::WhatsappPhoneNumberId);
    let rules = Rules {
        words: &door.settings.words,
        numbers: numbers.as_ref().map(|numbers| numbers.as_str()),
        numbers_only: door.settings.numbers_only,
        now: now(),
    };
    let Some(Notification { opt_ins, opt_outs, ignored }) = Notification::read(&body, rules) else {
        door.metrics.ignored(IgnoredReason::Unreadable.as_str(), 1);
        let message = "the body is not JSON";
        return Err(Rejection::new(StatusCode::BAD_REQUEST, Code::InvalidInput.as_str(), message));
    };
    drop(body);
    if opt_ins.is_empty() && opt_outs.is_empty() {
        door.pass_over(&account, &ignored);
        return Ok(Json(Vec::<OptInReply>::new()).into_response());
    }
    if numbers.is_none() && door.secrets.is_shared(&account, SecretKind::WhatsappAppSecret) {
        let what = "Meta signs for several accounts here with the same app secret, and only the id of its phone number \
                    tells an account's notifications";
        return Err(missing(&account, what, SecretKind::WhatsappPhoneNumberId));
    }
    // A notification is not the account's to make smaller: one with more than its rate takes all of it.
    door.check_rate(&account, (opt_ins.len() + opt_outs.len()).min(door.settings.rate.get() as usize))?;
    let opt_outs = opt_outs.into_iter().map(|stop| stop.into_opt_out(&account)).collect();
    let handled = door.accept_opt_outs(&account, opt_outs).await?;
    warn_of(&account, &handled, "an opt-out by WhatsApp cannot be done, and is not repeated");
    let mut answer = NotificationReply::default();
    answer.add(handled);
    let list = door.secrets.get(&account, SecretKind::WhatsappList);
    let list = match &list {
        Some(list) => list.as_str(),
        None if opt_ins.is_empty() => "",
        None => {
            let what = "the account has no list for WhatsApp";
            return Err(missing(&account, what, SecretKind::WhatsappList));
        }
    };
    let mut opt_ins = opt_ins.into_iter().peekable();
    // A few at a time: as opt-ins they take more room than in the notification.
    while opt_ins.peek().is_some() {
        let some = opt_ins.by_ref().take(AT_ONCE).map(|wish| wish.into_opt_in(&account, list)).collect();
        answer.add(door.wished(&account, some).await?);
    }
    // It may come again until here.
    door.pass_over(&account, &ignored);
    Ok(answer.into_response())
}

/// What a notification is answered.
#[derive(Default)]
struct NotificationReply {
    told: Vec<OptInReply>,
    /// Something is not done, and Meta is to repeat all of it.
    is_unfinished: bool,
}

impl NotificationReply {
    fn add(&mut self, handled: Vec<OptInResponse>) {
        self.is_unfinished |= handled.iter().any(|handled| handled.status.is_server_error());
        let rest = MOST_TOLD.saturating_sub(self.told.len());
        self.told.extend(handled.into_iter().take(rest).map(|handled| handled.told));
    }

    fn into_response(self) -> Response {
        let status = if self.is_unfinished { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        (status, Json(self.told)).into_response()
    }
}

/// A setting that the account needs. Meta repeats what is not answered 200, for days: nothing is lost meanwhile.
fn missing(account: &Account, what: &str, kind: SecretKind) -> Rejection {
    let message = format!("{what}; put it into {account}.{}", kind.file());
    error!(%account, "{message}");
    Rejection::overloaded(message)
}

/// Warns of what can never be done.
fn warn_of(account: &Account, handled: &[OptInResponse], warning: &str) {
    let is_refused = |handled: &&OptInResponse| handled.status == StatusCode::UNPROCESSABLE_ENTITY;
    for OptInResponse { told, .. } in handled.iter().filter(is_refused) {
        // Meta's ids have the sender's number in them, and Klaviyo's words may have more.
        let key = OptInKey::new(account, &told.id);
        warn!(%account, %key, "{warning}");
    }
}

impl Door {
    /// Counts what nothing comes of.
    fn pass_over(&self, account: &Account, ignored: &Ignored) {
        for (why, count) in ignored.counts() {
            let reason = why.as_str();
            self.metrics.ignored(reason, count);
            match why.warning() {
                Some(warning) => warn!(%account, reason, count, "{warning}"),
                None => debug!(%account, reason, count, "nothing comes of a part of a notification"),
            }
        }
    }

    /// Takes what people have wished. A wish that cannot be goes into the queue as it came, so that the worker keeps it as
    /// a dead letter; without a queue there is the log, and the answer. Meta is not to repeat it.
    async fn wished(&self, account: &Account, wished: Vec<OptIn>) -> Result<Vec<OptInResponse>, Rejection> {
        let (mut opt_ins, mut unfit, mut all) = (Vec::with_capacity(wished.len()), Vec::new(), Vec::new());
        for opt_in in wished {
            let mut taken_in = opt_in.clone();
            match taken_in.take_in() {
                Ok(()) => opt_ins.push(taken_in),
                Err(reason) => {
                    let id = opt_in.id.clone().unwrap_or_default();
                    let state = ReplyState::failed(Reason::new(Code::InvalidInput, reason.to_string()));
                    let status = StatusCode::UNPROCESSABLE_ENTITY;
                    all.push(OptInResponse { told: OptInReply { id, state }, status, retry_after: None });
                    unfit.push(opt_in);
                }
            }
        }
        if self.backend.keeps_what_cannot_be_done() {
            self.backend.take(None, unfit).await?;
        }
        for OptInResponse { told, .. } in &all {
            self.metrics.opt_ins("refused", 1);
            let key = OptInKey::new(account, &told.id);
            warn!(%account, opt_in = %key, reason = told.reason(), "an opt-in by WhatsApp cannot be, and is not repeated");
        }
        let handled = self.take(account, None, opt_ins).await?;
        warn_of(account, &handled, "an opt-in by WhatsApp cannot be done, and is not repeated");
        all.extend(handled);
        Ok(all)
    }
}
