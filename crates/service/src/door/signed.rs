//! Requests of callers who sign them: one opt-in or opt-out, or an array of them.

use super::admission::Admitted;
use super::body;
use super::reply::{OptInResponse, Rejection};
use super::state::Door;
use crate::account::Account;
use crate::opt_in::InvalidField;
use crate::outcome::cut;
use crate::queue::Lane;
use crate::signature::{SignedHeaders, unix_time};
use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use klaviyo_host::types::Code;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use std::fmt;
use tracing::warn;

const NAMES_NONE: &str = "each is an object that names its account";

/// The account of an opt-in or an opt-out. Other fields are skipped, and take no memory.
#[derive(Deserialize)]
struct AccountOnly {
    account: Account,
}

/// Visits an array. Its value is the account of the first one, if there is one.
struct FirstAccount;

impl<'de> Visitor<'de> for FirstAccount {
    type Value = Option<Account>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let first = all.next_element::<&RawValue>()?;
        while all.next_element::<IgnoredAny>()?.is_some() {}
        first.map(|first| account_in(first.get().as_bytes()).map_err(serde::de::Error::custom)).transpose()
    }
}

/// The account of one. Serde does not see a body that is no object: its error would repeat all of it.
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
fn account_of(lane: Lane, body: &[u8]) -> Result<Option<Account>, Rejection> {
    if !is_array(body) {
        return account_in(body).map(Some).map_err(|_| unreadable(lane, fault(body)));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let account = reader.deserialize_seq(FirstAccount).and_then(|account| reader.end().map(|()| account));
    account.map_err(|_| unreadable(lane, fault(body)))
}

/// Why a body names no account.
fn fault(body: &[u8]) -> &'static str {
    if body.trim_ascii().is_empty() {
        "it is empty"
    } else if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        "it is not JSON"
    } else {
        NAMES_NONE
    }
}

/// The body cannot be read. The message is cut, because the reason may repeat parts of the body.
fn unreadable(lane: Lane, reason: &str) -> Rejection {
    let message = cut(&format!("the body is not {lane}: {reason}"));
    Rejection::new(StatusCode::BAD_REQUEST, Code::InvalidInput.as_str(), message)
}

/// A request whose signature is its account's, with what it asks for.
pub(super) struct SignedRequest<T> {
    pub(super) account: Account,
    pub(super) signature: String,
    pub(super) entries: Vec<T>,
    /// The caller's id of the message.
    id: String,
    is_array: bool,
    lane: Lane,
    _admitted: Admitted,
}

impl<T: DeserializeOwned> SignedRequest<T> {
    /// Reads a request for a lane.
    pub(super) async fn read(
        door: &Door,
        lane: Lane,
        headers: &HeaderMap,
        request: Request,
    ) -> Result<Self, Rejection> {
        let body = door.bodies.read(request, body::SIGNED).await?;
        let signed = SignedHeaders::of(headers, unix_time())?;
        let Some(account) = account_of(lane, &body)? else {
            return Err(Rejection::invalid(lane, format!("the array has no {lane}"), Vec::new()));
        };
        let signature = door.check_signature(&signed, &account, &body)?.to_owned();
        let (body, admitted) = door.admission.admit(&account, body)?;
        let (id, is_array) = (signed.id.to_owned(), is_array(&body));
        let entries: Result<Vec<T>, _> = match is_array {
            true => serde_json::from_slice(&body),
            false => serde_json::from_slice(&body).map(|one| vec![one]),
        };
        let entries = entries.map_err(|error| unreadable(lane, &error.to_string()))?;
        Ok(Self { account, signature, entries, id, is_array, lane, _admitted: admitted })
    }

    /// Checks and cleans all entries of the request. If one is invalid, none is accepted.
    pub(super) fn take_in(
        &mut self,
        most: usize,
        mut take_in: impl FnMut(&Account, &mut T) -> Result<(), InvalidField>,
    ) -> Result<(), Rejection> {
        let Self { account, entries, lane, .. } = self;
        if entries.len() > most {
            return Err(Rejection::too_many(*lane, most));
        }
        let invalid: Vec<_> = entries
            .iter_mut()
            .enumerate()
            .filter_map(|(n, entry)| Some((n, take_in(account, entry).err()?)))
            .map(|(n, InvalidField { field, reason })| json!({ "index": n, "field": field, "message": reason }))
            .collect();
        if invalid.is_empty() {
            return Ok(());
        }
        let message = match (invalid.len(), entries.len()) {
            (1, 1) => {
                format!("the {} is not valid; it was not taken", lane.to_string().trim_end_matches('s'))
            }
            (1, all) => format!("1 of {all} {lane} is not valid; none was taken"),
            (some, all) => format!("{some} of {all} {lane} are not valid; none was taken"),
        };
        Err(Rejection::invalid(*lane, message, invalid))
    }

    /// Refuses a request that was accepted before, and one that goes beyond the account's rate.
    pub(super) async fn admit(&self, door: &Door) -> Result<(), Rejection> {
        let Self { account, signature, entries, lane, .. } = self;
        // Checked before the rate: replays do not use it up.
        if door.backend.has_accepted(signature).await? {
            warn!(%account, "a request was replayed");
            return Err(Rejection::replayed());
        }
        door.check_rate(*lane, account, entries.len())
    }

    /// The entries, each with the id that it has if its own is none; and how they are answered.
    pub(super) fn into_parts(self) -> (Vec<(T, String)>, Answer) {
        let Self { entries, id, is_array, .. } = self;
        let given = |n| if is_array { format!("{id}/{n}") } else { id.clone() };
        let entries = entries.into_iter().enumerate().map(|(n, entry)| (entry, given(n))).collect();
        (entries, Answer { is_array, _admitted: self._admitted })
    }
}

/// How a request is answered. It holds the request's share of the door.
pub(super) struct Answer {
    is_array: bool,
    _admitted: Admitted,
}

impl Answer {
    /// The answer with these responses: one for one, an array for an array.
    pub(super) fn with(self, mut responses: Vec<OptInResponse>) -> Response {
        if !self.is_array
            && let Some(response) = responses.pop()
        {
            return response.into_response();
        }
        let first = responses.first().map_or(StatusCode::OK, |response| response.status);
        let all = responses.iter().all(|response| response.status.is_success());
        let status = if all { first } else { StatusCode::MULTI_STATUS };
        let replies: Vec<_> = responses.into_iter().map(|response| response.reply).collect();
        (status, Json(replies)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt_in::OptIn;

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
            let response = axum::response::IntoResponse::into_response(
                account_of(Lane::OptIns, body.as_bytes()).unwrap_err(),
            );
            let length = axum::body::HttpBody::size_hint(response.body()).exact().unwrap();
            assert!(length < 300, "{length}");
        }
        let error = serde_json::from_str::<OptIn>(&format!("{{\"{long}\":1}}")).unwrap_err();
        let response =
            axum::response::IntoResponse::into_response(unreadable(Lane::OptIns, &error.to_string()));
        assert!(axum::body::HttpBody::size_hint(response.body()).exact().unwrap() < 20_000);
    }

    #[test]
    fn a_body_that_is_empty_or_no_json_is_told_from_one_without_an_account() {
        let kinds = [["", " \n"], ["not json", r#"{"account":"shop-1"}x"#], ["7", r#"[{"account":7}]"#]];
        let faults = kinds.map(|bodies| {
            let [one, other] = bodies.map(|body| fault(body.as_bytes()));
            assert_eq!(one, other, "{bodies:?}");
            one
        });
        assert!(faults[0] != faults[1] && faults[1] != faults[2]);
        assert_eq!(faults[2], NAMES_NONE);
    }

    #[test]
    fn the_account_is_read_and_nothing_else() {
        let account: Account = "shop-1".parse().unwrap();
        for body in [
            r#"{"account":"shop-1"}"#,
            r#" {"properties":{"account":"shop-2","x":[[],{}]},"list":7,"\u0061ccount":"shop-1","email":null} "#,
            r#"[{"account":"shop-1","list":"x"},7,{"account":"shop-2"}]"#,
        ] {
            assert_eq!(account_of(Lane::OptIns, body.as_bytes()).unwrap().as_ref(), Some(&account), "{body}");
        }
        assert!(account_of(Lane::OptIns, b"[]").unwrap().is_none());
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
            assert!(account_of(Lane::OptIns, body.as_bytes()).is_err(), "{body}");
        }
    }
}
