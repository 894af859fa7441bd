//! Opt-ins of callers who sign them, and the outcomes that callers ask for.

use super::body;
use super::reply::Rejection;
use super::state::Door;
use crate::account::Account;
use crate::id::OptInId;
use crate::moment::Moment;
use crate::ops::Connection;
use crate::opt_in::{InvalidField, OptIn};
use crate::outcome::cut;
use crate::signature::{SignedHeaders, unix_time};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use klaviyo_host::types::Code;
use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;
use tracing::warn;

const NAMES_NONE: &str = "each is an object that names its account";

/// The account of an opt-in. Other fields are skipped, and take no memory.
#[derive(Deserialize)]
struct AccountOnly {
    account: Account,
}

/// Visits an array of opt-ins. Its value is the account of the first one, if there is one.
struct FirstAccount;

impl<'de> Visitor<'de> for FirstAccount {
    type Value = Option<Account>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of opt-ins")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let first = all.next_element::<&RawValue>()?;
        while all.next_element::<IgnoredAny>()?.is_some() {}
        first.map(|first| account_in(first.get().as_bytes()).map_err(serde::de::Error::custom)).transpose()
    }
}

/// The account of an opt-in. Serde does not see a body that is no object: its error would repeat all of it.
fn account_in(body: &[u8]) -> Result<Account, &'static str> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(NAMES_NONE);
    }
    serde_json::from_slice(body).map(|AccountOnly { account }| account).map_err(|_| NAMES_NONE)
}

fn is_array(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// The account that has to have signed a body; none for an empty array. Before the check nothing else is
/// read.
fn account_of(body: &[u8]) -> Result<Option<Account>, Rejection> {
    if !is_array(body) {
        return account_in(body).map(Some).map_err(unreadable);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let account = reader.deserialize_seq(FirstAccount).and_then(|account| reader.end().map(|()| account));
    account.map_err(|_| unreadable(NAMES_NONE))
}

/// The body cannot be read. The message is cut, because the reason may repeat parts of the body.
fn unreadable(reason: &str) -> Rejection {
    let message = cut(&format!("the body is not opt-ins: {reason}"));
    Rejection::new(StatusCode::BAD_REQUEST, Code::InvalidInput.as_str(), message)
}

pub(super) async fn post_opt_ins(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Rejection> {
    let body = door.bodies.read(request, body::OPT_INS).await?;
    let signed = SignedHeaders::of(&headers, unix_time())?;
    let Some(account) = account_of(&body)? else {
        return Err(Rejection::invalid("the array has no opt-ins", Vec::new()));
    };
    let signature = door.check_signature(&signed, &account, &body)?;
    let (body, _admitted) = door.admission.admit(&account, body)?;
    let is_array = is_array(&body);
    let mut opt_ins: Vec<OptIn> = if is_array {
        serde_json::from_slice(&body)
    } else {
        serde_json::from_slice(&body).map(|opt_in| vec![opt_in])
    }
    .map_err(|error: serde_json::Error| unreadable(&error.to_string()))?;
    drop(body);
    take_in(&account, &mut opt_ins, door.backend.most())
        .inspect_err(|_| door.metrics.opt_ins("refused", opt_ins.len()))?;
    // Checked before the rate: replays do not use it up.
    if door.backend.has_accepted(signature).await? {
        warn!(%account, "a request was replayed");
        return Err(Rejection::replayed());
    }
    door.check_rate(&account, opt_ins.len())?;
    for (n, opt_in) in opt_ins.iter_mut().enumerate() {
        let given = || if is_array { format!("{}/{n}", signed.id) } else { signed.id.to_owned() };
        opt_in.id.get_or_insert_with(given);
    }
    let mut responses = door.accept(&account, Some(signature), opt_ins).await?;
    if !is_array && let Some(response) = responses.pop() {
        return Ok(response.into_response());
    }
    let first = responses.first().map_or(StatusCode::OK, |response| response.status);
    let all = responses.iter().all(|response| response.status.is_success());
    let status = if all { first } else { StatusCode::MULTI_STATUS };
    let replies: Vec<_> = responses.into_iter().map(|response| response.reply).collect();
    Ok((status, Json(replies)).into_response())
}

/// Checks and cleans all opt-ins of a request. If one is invalid, none is accepted.
fn take_in(account: &Account, opt_ins: &mut [OptIn], most: usize) -> Result<(), Rejection> {
    if opt_ins.len() > most {
        return Err(Rejection::too_many(most));
    }
    let now = Moment::now();
    let take_in = |opt_in: &mut OptIn| {
        if opt_in.account != *account {
            return Err(InvalidField::new("account", "all opt-ins of a request are of one account"));
        }
        opt_in.check_callers(now)?;
        opt_in.at.get_or_insert(now);
        opt_in.take_in()
    };
    let invalid: Vec<_> = opt_ins
        .iter_mut()
        .enumerate()
        .filter_map(|(n, opt_in)| Some((n, take_in(opt_in).err()?)))
        .map(|(n, InvalidField { field, reason })| json!({ "index": n, "field": field, "message": reason }))
        .collect();
    if invalid.is_empty() {
        return Ok(());
    }
    Err(Rejection::invalid(
        format!("{} of {} opt-ins cannot be; none was taken", invalid.len(), opt_ins.len()),
        invalid,
    ))
}

pub(super) async fn get_outcome(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    connection: Option<Extension<Connection>>,
) -> Result<Response, Rejection> {
    let signed = SignedHeaders::of(&headers, unix_time())?;
    let account = id.parse().ok().map(|OptInId { key, .. }| key.account).filter(|_| signed.id == id);
    let account =
        account.ok_or_else(|| Rejection::unsigned("sign with the id that is asked for as webhook-id"))?;
    door.check_signature(&signed, &account, b"")?;
    let empty = door.bodies.empty(connection.map(|Extension(connection)| connection));
    let (_, _admitted) = door.admission.admit(&account, empty)?;
    Ok(Json(door.backend.outcome(&id).await?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some of these characters take four bytes each in an error.
    #[test]
    fn a_strangers_body_is_not_repeated() {
        let long = "\u{300}".repeat(100_000);
        for body in [
            format!("{long:?}"),
            format!("\"{long}\""),
            format!("[\"{long}\"]"),
            format!("{{\"account\":\"{long}\"}}"),
            format!("{{\"{long}\":1}}"),
            format!("[{{\"account\":{{\"{long}\":1}}}}]"),
            long.clone(),
        ] {
            let response =
                axum::response::IntoResponse::into_response(account_of(body.as_bytes()).unwrap_err());
            let length = axum::body::HttpBody::size_hint(response.body()).exact().unwrap();
            assert!(length < 300, "{length}");
        }
        let error = serde_json::from_str::<OptIn>(&format!("{{\"{long}\":1}}")).unwrap_err();
        let response = axum::response::IntoResponse::into_response(unreadable(&error.to_string()));
        assert!(axum::body::HttpBody::size_hint(response.body()).exact().unwrap() < 20_000);
    }

    #[test]
    fn the_account_is_read_and_nothing_else() {
        let account: Account = "shop-1".parse().unwrap();
        for body in [
            r#"{"account":"shop-1"}"#,
            r#" {"properties":{"account":"shop-2","x":[[],{}]},"list":7,"\u0061ccount":"shop-1","email":null} "#,
            r#"[{"account":"shop-1","list":"x"},7,{"account":"shop-2"}]"#,
        ] {
            assert_eq!(account_of(body.as_bytes()).unwrap().as_ref(), Some(&account), "{body}");
        }
        assert!(account_of(b"[]").unwrap().is_none());
        for body in [
            "",
            "7",
            "{}",
            "[7]",
            "[{}]",
            r#"{"account":7}"#,
            r#"{"account":"a b"}"#,
            r#"{"account":"shop-1"}x"#,
            r#"[{"account":"shop-1"}"#,
            r#"[{"account":"shop-1"}]x"#,
            r#"{"account":"shop-1","account":"shop-1"}"#,
            r#"{"account":"shop-1","x":}"#,
        ] {
            assert!(account_of(body.as_bytes()).is_err(), "{body}");
        }
    }
}
