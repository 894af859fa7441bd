//! Meta's WhatsApp webhook: the question whether it is wanted, and its notifications.

use super::answer::{Refusal, State as Fate, Told};
use super::signature::Unsigned;
use super::whatsapp::{self, Notified, Wish};
use super::{Door, now, signature, unsigned};
use crate::account::Account;
use crate::opt_in::{self, Key, OptIn, Unfit};
use crate::outcome::Reason;
use crate::secrets::Kind;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use klaviyo_host::types::Code;
use serde::Deserialize;
use std::sync::Arc;
use tracing::{error, warn};

/// More than a name has, in bytes: the rest of it is cut off.
const LONGEST_NAME: usize = 256;
/// How many digits a phone number has at most, by E.164.
const MOST_DIGITS: usize = 15;

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
) -> Result<String, Refusal> {
    let account = account.parse::<Account>().ok();
    let token = account.and_then(|account| door.secrets.get(&account, Kind::WhatsappVerifyToken));
    // An account that has none takes as long as one that has.
    let expected = token.as_ref().map_or("", |token| token.as_str());
    match asked {
        Ok(Query(asked))
            if asked.mode == "subscribe" && signature::is_same(&asked.token, expected) && token.is_some() =>
        {
            Ok(asked.challenge)
        }
        _ => Err(Refusal::new(
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
) -> Result<Response, Refusal> {
    let body = door.bodies.read(request).await?;
    let account = account.parse::<Account>().ok();
    let key = account.as_ref().and_then(|account| door.secrets.mac_key(account, Kind::WhatsappAppSecret));
    signature::check_meta(&headers, key.as_ref().unwrap_or(&door.nobody), &body).map_err(unsigned)?;
    let (Some(account), Some(_)) = (account, key) else { return Err(unsigned(Unsigned::Signature)) };
    let (body, _admitted) = door.admission.admit(&account, body)?;
    let numbers = door.secrets.get(&account, Kind::WhatsappPhoneNumberId);
    let numbers = numbers.as_ref().map(|numbers| numbers.as_str());
    let Some(notified) = whatsapp::read(&body, &door.settings.word, numbers, now()) else {
        let message = "the body is not JSON";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, Code::InvalidInput.as_str(), message));
    };
    let Notified { wishes, foreign, old } = notified;
    if foreign > 0 {
        door.metrics.opt_ins("foreign", foreign);
        warn!(%account, count = foreign, "opt-ins by WhatsApp to a number that is not the account's are passed over");
    }
    if old > 0 {
        door.metrics.opt_ins("old", old);
        warn!(%account, count = old, "opt-ins by WhatsApp that are older than a week, or have no time, are passed over");
    }
    if wishes.is_empty() {
        door.metrics.opt_ins("ignored", 1);
        return Ok(Json(Vec::<Told>::new()).into_response());
    }
    // Meta repeats what is not answered 200, for days: nothing is lost meanwhile.
    let missing = |what: &str, kind: Kind| {
        let message = format!("{what}; put it into {account}.{}", kind.file());
        error!(%account, "{message}");
        Refusal::overloaded(message)
    };
    if numbers.is_none() && door.secrets.is_shared(&account, Kind::WhatsappAppSecret) {
        let what = "Meta signs for several accounts here with the same app secret, and only the id of its phone number \
                    tells an account's notifications";
        return Err(missing(what, Kind::WhatsappPhoneNumberId));
    }
    let list = door.secrets.get(&account, Kind::WhatsappList);
    let list = list.ok_or_else(|| missing("the account has no list for WhatsApp", Kind::WhatsappList))?;
    let (mut opt_ins, mut told) = (Vec::with_capacity(wishes.len()), Vec::new());
    for wish in wishes {
        let mut opt_in = wished(&account, &list, wish);
        match check(&mut opt_in) {
            Ok(()) => opt_ins.push(opt_in),
            Err(unfit) => {
                door.metrics.opt_ins("refused", 1);
                let id = opt_in.id.unwrap_or_default();
                // Meta's ids have the sender's number in them.
                let key = Key::new(&account, &id);
                warn!(%account, opt_in = %key, reason = %unfit, "an opt-in by WhatsApp cannot be, and is not repeated");
                told.push(Told {
                    id,
                    state: Fate::failed(Reason::new(Code::InvalidInput, unfit.to_string())),
                });
            }
        }
    }
    // A notification is not the account's to make smaller: one with more than its rate takes all of it.
    door.at_rate(&account, opt_ins.len().min(door.settings.rate.get() as usize))?;
    let handled = door.take(&account, None, opt_ins).await?;
    for handled in &handled {
        if handled.status == StatusCode::UNPROCESSABLE_ENTITY {
            let key = Key::new(&account, &handled.told.id);
            warn!(%account, opt_in = %key, "an opt-in by WhatsApp cannot be done, and is not repeated");
        }
    }
    let unfinished = handled.iter().find(|handled| handled.status.is_server_error());
    let status = unfinished.map_or(StatusCode::OK, |_| StatusCode::SERVICE_UNAVAILABLE);
    told.extend(handled.into_iter().map(|handled| handled.told));
    Ok((status, Json(told)).into_response())
}

/// What makes no sense whatever Klaviyo thinks of it.
fn check(opt_in: &mut OptIn) -> Result<(), Unfit> {
    // After the plus sign.
    if opt_in.phone_number.as_ref().is_some_and(|number| number.len() > MOST_DIGITS + 1) {
        return Err(Unfit {
            field: "phone_number",
            reason: format!("a number has at most {MOST_DIGITS} digits"),
        });
    }
    opt_in.take_in()
}

fn wished(account: &Account, list: &str, wish: Wish) -> OptIn {
    let name =
        wish.name.as_deref().map(|name| name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or(name));
    let (first_name, last_name) = name.map(opt_in::names).unwrap_or_default();
    // An id of Meta's that is too long is replaced by a digest of it.
    let id =
        if wish.id.len() > OptIn::LONGEST_ID { Key::new(account, &wish.id).to_string() } else { wish.id };
    OptIn {
        account: account.clone(),
        id: Some(id),
        list: list.to_owned(),
        email: None,
        phone_number: Some(wish.phone_number),
        external_id: None,
        first_name,
        last_name,
        properties: None,
        consent: Vec::new(),
        consent_source: None,
        strict: false,
        warnings: Vec::new(),
    }
}
