//! Meta's WhatsApp webhook: the question whether it is wanted, and its notifications.

use super::body;
use super::reply::{OptInReply, OptInResponse, Rejection, ReplyState};
use super::state::Door;
use super::whatsapp::{Ignored, IgnoredReason, Notification, Rules, Vocabulary};
use crate::account::Account;
use crate::key::OptInKey;
use crate::opt_in::OptIn;
use crate::outcome::Reason;
use crate::queue::Lane;
use crate::secrets::SecretKind;
use crate::signature::{self, SignatureError, unix_time};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use klaviyo_host::types::Code;
use serde::Deserialize;
use std::sync::Arc;
use tracing::{debug, error, warn};

/// How many requests for an opt-in, of one notification, are opt-ins in memory at once.
const CHUNK: usize = 1_000;
/// The most opt-ins and opt-outs in an answer. Meta does not read it, and a notification can have tens of
/// thousands.
const MOST_REPLIES: usize = 1_000;

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

pub(super) async fn get_verification(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    asked: Result<Query<Verification>, QueryRejection>,
) -> Result<String, Rejection> {
    let account = account.parse::<Account>().ok();
    let token =
        account.as_ref().and_then(|account| door.secrets.get(account, SecretKind::WhatsappVerifyToken));
    // The comparison takes as long for an account without a token.
    let expected = token.as_ref().map_or("", |token| token.as_str());
    match asked {
        Ok(Query(asked))
            if asked.mode == "subscribe" && signature::is_same(&asked.token, expected) && token.is_some() =>
        {
            Ok(asked.challenge)
        }
        _ => {
            warn_of_stranger(&door, account.as_ref(), SecretKind::WhatsappVerifyToken);
            Err(Rejection::new(
                StatusCode::FORBIDDEN,
                Code::Forbidden.as_str(),
                "the verify token is not this account's",
            ))
        }
    }
}

/// Warns that a request does not have what this secret is about: Meta has another one, or a stranger asks. Seldom, since
/// strangers can ask often.
fn warn_of_stranger(door: &Door, account: Option<&Account>, kind: SecretKind) {
    let Some(account) = account.filter(|_| door.stranger_warnings.is_due()) else { return };
    let place = door.secrets.place(account, kind);
    warn!(%account, "the webhook of WhatsApp is asked by a stranger, or {place} is not what Meta has; other such requests are not told for a minute");
}

pub(super) async fn post_notification(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Rejection> {
    let body = door.bodies.read(request, body::NOTIFICATION).await?;
    let account = account.parse::<Account>().ok();
    let keys =
        account.as_ref().and_then(|account| door.secrets.mac_keys(account, SecretKind::WhatsappAppSecret));
    let checked =
        keys.as_ref().unwrap_or(&door.decoy_keys).check(|key| signature::check_meta(&headers, key, &body));
    if let Err(error) = checked {
        warn_of_stranger(&door, account.as_ref(), SecretKind::WhatsappAppSecret);
        return Err(error.into());
    }
    let (Some(account), Some(_)) = (account, keys) else { return Err(SignatureError::Signature.into()) };
    let (body, _admitted) = door.admission.admit(&account, body)?;
    let numbers = door.secrets.get(&account, SecretKind::WhatsappPhoneNumberId);
    let settings = door.secrets.whatsapp_settings(&account);
    let vocabulary = Vocabulary::new(&settings, &door.settings.words);
    let rules = Rules {
        vocabulary: &vocabulary,
        metrics: &settings.delivery_events,
        numbers: numbers.as_ref().map(|numbers| numbers.as_str()),
        numbers_only: door.settings.numbers_only,
        now: unix_time(),
    };
    let Some(notification) = Notification::read(&body, rules) else {
        door.metrics.ignored(IgnoredReason::Unreadable.into_str(), 1);
        let message = "the body is not JSON";
        return Err(Rejection::new(StatusCode::BAD_REQUEST, Code::InvalidInput.as_str(), message));
    };
    drop(body);
    let is_empty = notification.is_empty();
    let Notification { opt_ins, opt_outs, resumes, statuses, renamed, ignored } = notification;
    if is_empty {
        count_ignored(&door, &account, &ignored);
        return Ok(Json(Vec::<OptInReply>::new()).into_response());
    }
    if numbers.is_none() && door.secrets.is_shared(&account, SecretKind::WhatsappAppSecret) {
        let what = "Meta signs for several accounts here with the same app secret, and only the id of its phone number \
                    tells an account's notifications";
        return Err(missing(&door, &account, what, SecretKind::WhatsappPhoneNumberId));
    }
    // The account cannot make a notification smaller, so one with more than its rate uses up all of it.
    let most = door.settings.rate.get() as usize;
    let check_rate = |lane, count: usize| door.check_rate(lane, &account, count.min(most));
    // First: whatever becomes of the rest, these are not behind it.
    check_rate(Lane::OptOuts, opt_outs.len() + resumes.len() + renamed.len())?;
    let renamed = renamed.into_iter().map(|one| one.into_renaming(&account)).collect();
    door.backend.accept_renamings(&account, renamed).await?;
    let lists = &settings.opt_out_lists;
    let opt_outs = opt_outs.into_iter().map(|opt_out| opt_out.into_opt_out(&account, lists)).collect();
    let responses = door.accept_opt_outs(&account, None, opt_outs).await?;
    let of = OptInKey::of_opt_out;
    warn_of_rejected(&account, of, &responses, "an opt-out by WhatsApp cannot be done, and is not repeated");
    let mut reply = NotificationReply::default();
    reply.add(responses);
    let resumes = resumes.into_iter().map(|resume| resume.into_resume(&account)).collect();
    reply.add(door.accept_resumes(&account, resumes).await?);
    check_rate(Lane::OptIns, opt_ins.len())?;
    let list = door.secrets.get(&account, SecretKind::WhatsappList);
    let list = match &list {
        Some(list) => list.as_str(),
        None if opt_ins.is_empty() => "",
        None => {
            let what = "the account has no list for WhatsApp";
            return Err(missing(&door, &account, what, SecretKind::WhatsappList));
        }
    };
    let mut requests = opt_ins.into_iter().peekable();
    // In chunks: an opt-in takes more memory than its message in the notification.
    while requests.peek().is_some() {
        let chunk = requests
            .by_ref()
            .take(CHUNK)
            .map(|request| request.into_opt_in(&account, list, &settings.consent))
            .collect();
        reply.add(accept_valid(&door, &account, chunk).await?);
    }
    // Last: they hold up nothing else.
    let events = statuses.into_iter().map(|status| status.into_event(&account)).collect();
    door.accept_events(&account, events).await?;
    // Counted last: if anything before fails, Meta repeats the notification.
    count_ignored(&door, &account, &ignored);
    Ok(reply.into_response())
}

/// The answer to a notification.
#[derive(Default)]
struct NotificationReply {
    replies: Vec<OptInReply>,
    /// Something is not done, and Meta has to repeat the notification.
    is_unfinished: bool,
}

impl NotificationReply {
    fn add(&mut self, responses: Vec<OptInResponse>) {
        self.is_unfinished |= responses.iter().any(|response| response.status.is_server_error());
        let room = MOST_REPLIES.saturating_sub(self.replies.len());
        self.replies.extend(responses.into_iter().take(room).map(|response| response.reply));
    }

    fn into_response(self) -> Response {
        let status = if self.is_unfinished { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        (status, Json(self.replies)).into_response()
    }
}

/// The account lacks a setting. Meta repeats for days every notification that is not answered 200, so nothing
/// is lost.
fn missing(door: &Door, account: &Account, what: &str, kind: SecretKind) -> Rejection {
    let message = format!("{what}; put it into {}", door.secrets.place(account, kind));
    error!(%account, "{message}");
    Rejection::overloaded("setting", message)
}

/// Warns of what can never be done.
fn warn_of_rejected(
    account: &Account,
    key: fn(&Account, &str) -> OptInKey,
    responses: &[OptInResponse],
    warning: &str,
) {
    let is_rejected = |response: &&OptInResponse| response.status == StatusCode::UNPROCESSABLE_ENTITY;
    for response in responses.iter().filter(is_rejected) {
        // Meta's ids contain the sender's number, and Klaviyo's sentences may contain more.
        let key = key(account, &response.reply.id);
        warn!(%account, %key, code = response.reply.code(), "{warning}");
    }
}

/// Counts the ignored parts of a notification.
fn count_ignored(door: &Door, account: &Account, ignored: &Ignored) {
    for (reason, count) in ignored.counts() {
        let warning = reason.warning();
        let reason = reason.into_str();
        door.metrics.ignored(reason, count);
        match warning {
            Some(warning) => warn!(%account, reason, count, "{warning}"),
            None => debug!(%account, reason, count, "nothing comes of a part of a notification"),
        }
    }
}

/// Accepts the valid opt-ins of a notification. An invalid one goes into the queue as it came, so that the
/// worker makes a dead letter of it; without a queue it is in the log and in the answer. Meta is not to
/// repeat it.
async fn accept_valid(
    door: &Door,
    account: &Account,
    opt_ins: Vec<OptIn>,
) -> Result<Vec<OptInResponse>, Rejection> {
    let (mut valid, mut invalid, mut all) = (Vec::with_capacity(opt_ins.len()), Vec::new(), Vec::new());
    for opt_in in opt_ins {
        let mut cleaned = opt_in.clone();
        match cleaned.take_in() {
            Ok(()) => valid.push(cleaned),
            Err(error) => {
                let id = opt_in.id.clone().unwrap_or_default();
                let state = ReplyState::Failed(Reason::new(Code::InvalidInput, error.to_string()));
                all.push(OptInResponse::new(id, state, StatusCode::UNPROCESSABLE_ENTITY));
                invalid.push(opt_in);
            }
        }
    }
    if door.backend.has_dead_letters() {
        door.backend.accept(None, invalid).await?;
    }
    for OptInResponse { reply, .. } in &all {
        door.metrics.opt_ins("refused", 1);
        let key = OptInKey::new(account, &reply.id);
        warn!(%account, opt_in = %key, reason = reply.reason(), "an opt-in by WhatsApp cannot be, and is not repeated");
    }
    let responses = door.accept(account, None, valid).await?;
    let of = OptInKey::new;
    warn_of_rejected(account, of, &responses, "an opt-in by WhatsApp cannot be done, and is not repeated");
    all.extend(responses);
    Ok(all)
}
