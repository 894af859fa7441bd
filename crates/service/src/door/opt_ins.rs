//! Opt-ins of callers who sign them, and questions about them.

use super::accept::{self, OptInResponse};
use super::body;
use super::reply::Rejection;
use super::signature::SignedHeaders;
use super::{Door, now, too_many, unsigned};
use crate::account::Account;
use crate::ops::Connection;
use crate::opt_in::{InvalidField, OptIn};
use crate::outcome::cut;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{HeaderValue, RETRY_AFTER};
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

/// Whose an opt-in is. Everything else is skipped without a place in memory.
#[derive(Deserialize)]
struct Whose {
    account: Account,
}

/// The account of the first of several opt-ins, if there is one.
struct First;

impl<'de> Visitor<'de> for First {
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

/// The account in an object. What is no object is not looked at: serde would repeat all of it.
fn account_in(body: &[u8]) -> Result<Account, &'static str> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(NAMES_NONE);
    }
    serde_json::from_slice(body).map(|Whose { account }| account).map_err(|_| NAMES_NONE)
}

fn is_array(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// The account that a body is to be signed for: of a stranger's body nothing else is read. None: of an empty array.
fn whose(body: &[u8]) -> Result<Option<Account>, Rejection> {
    if !is_array(body) {
        return account_in(body).map(Some).map_err(unreadable);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let account = reader.deserialize_seq(First).and_then(|account| reader.end().map(|()| account));
    account.map_err(|_| unreadable(NAMES_NONE))
}

/// In words that do not repeat more of the body than a person reads.
fn unreadable(reason: &str) -> Rejection {
    let message = cut(&format!("the body is not opt-ins: {reason}"));
    Rejection::new(StatusCode::BAD_REQUEST, Code::InvalidInput.as_str(), message)
}

pub(super) async fn opt_ins(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Rejection> {
    let body = door.bodies.read(request, body::OPT_INS).await?;
    let signed = SignedHeaders::of(&headers, now()).map_err(unsigned)?;
    let Some(account) = whose(&body)? else {
        return Err(Rejection::unfit("the array has no opt-ins", Vec::new()));
    };
    let signature = door.signed(&signed, &account, &body)?;
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
    // Before the rate, which replays would use up.
    if door.backend.has_taken(signature).await? {
        warn!(%account, "a request was replayed");
        return Err(Rejection::replayed());
    }
    door.check_rate(&account, opt_ins.len())?;
    for (n, opt_in) in opt_ins.iter_mut().enumerate() {
        let given = || if is_array { format!("{}/{n}", signed.id) } else { signed.id.to_owned() };
        opt_in.id.get_or_insert_with(given);
    }
    let mut handled = door.take(&account, Some(signature), opt_ins).await?;
    if !is_array && let Some(OptInResponse { told, status, retry_after }) = handled.pop() {
        let mut response = (status, Json(told)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        return Ok(response);
    }
    let first = handled.first().map_or(StatusCode::OK, |handled| handled.status);
    let all = handled.iter().all(|handled| handled.status.is_success());
    let status = if all { first } else { StatusCode::MULTI_STATUS };
    let told: Vec<_> = handled.into_iter().map(|handled| handled.told).collect();
    Ok((status, Json(told)).into_response())
}

/// All of them make sense and can be, or none is taken.
fn take_in(account: &Account, opt_ins: &mut [OptIn], most: usize) -> Result<(), Rejection> {
    if opt_ins.len() > most {
        return Err(too_many(most));
    }
    let take_in = |opt_in: &mut OptIn| {
        if opt_in.account != *account {
            return Err(InvalidField::new("account", "all opt-ins of a request are of one account"));
        }
        if !opt_in.warnings.is_empty() {
            return Err(InvalidField::new("warnings", "they are in the answer; leave them out"));
        }
        opt_in.take_in()
    };
    let unfit: Vec<_> = opt_ins
        .iter_mut()
        .enumerate()
        .filter_map(|(n, opt_in)| Some((n, take_in(opt_in).err()?)))
        .map(|(n, InvalidField { field, reason })| json!({ "index": n, "field": field, "message": reason }))
        .collect();
    if unfit.is_empty() {
        return Ok(());
    }
    Err(Rejection::unfit(
        format!("{} of {} opt-ins cannot be; none was taken", unfit.len(), opt_ins.len()),
        unfit,
    ))
}

pub(super) async fn outcome(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    connection: Option<Extension<Connection>>,
) -> Result<Response, Rejection> {
    let signed = SignedHeaders::of(&headers, now()).map_err(unsigned)?;
    let account = accept::account_of(&id).filter(|_| signed.id == id);
    let account =
        account.ok_or_else(|| Rejection::unsigned("sign with the id that is asked for as webhook-id"))?;
    door.signed(&signed, &account, b"")?;
    let none = door.bodies.none(connection.map(|Extension(connection)| connection));
    let (_, _admitted) = door.admission.admit(&account, none)?;
    Ok(Json(door.backend.ask(&id).await?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some of these take four bytes for one, when they are quoted.
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
            let response = axum::response::IntoResponse::into_response(whose(body.as_bytes()).unwrap_err());
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
            assert_eq!(whose(body.as_bytes()).unwrap().as_ref(), Some(&account), "{body}");
        }
        assert!(whose(b"[]").unwrap().is_none());
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
            assert!(whose(body.as_bytes()).is_err(), "{body}");
        }
    }
}
