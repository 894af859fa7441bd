//! The statuses of messages that the business has sent.

use super::json::{Part, fields, items, text, text_or_number};
use super::person::{Person, cut_name};
use crate::account::Account;
use crate::delivery_event::DeliveryEvent;
use crate::moment::Moment;
use klaviyo_core::text::shown;
use serde_json::{Map, Value};

/// The code of a message that was not delivered because the person has stopped marketing.
pub(super) const STOPPED: i64 = 131_050;

/// Why a message was not delivered.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct DeliveryFailure {
    pub(super) code: i64,
    pub(super) reason: Option<String>,
}

/// The first of a status' errors, but that of somebody who has stopped marketing before others.
pub(super) fn failure(errors: Part<'_>) -> Option<DeliveryFailure> {
    let mut found: Option<DeliveryFailure> = None;
    items(errors, |error| {
        let [code, title, message, data] =
            fields(Some(error), ["code", "title", "message", "error_data"]).unwrap_or_default();
        let [details] = fields(data, ["details"]).unwrap_or_default();
        let Some(code) = text_or_number(code).and_then(|code| code.parse().ok()) else { return };
        if found.as_ref().is_none_or(|_| code == STOPPED) {
            let reason = [details, message, title].into_iter().filter_map(text);
            let mut reason = reason.filter_map(|text| shown(&text).map(|text| cut_name(text).to_owned()));
            found = Some(DeliveryFailure { code, reason: reason.next() });
        }
    });
    found
}

/// A status that becomes an event.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::door) struct StatusRequest {
    /// The message's id.
    pub(super) id: String,
    pub(super) state: String,
    pub(super) metric: String,
    pub(super) person: Person,
    pub(super) at: Moment,
    pub(super) phone_number_id: Option<String>,
    pub(super) failure: Option<DeliveryFailure>,
}

impl StatusRequest {
    /// The event.
    pub(in crate::door) fn into_event(self, account: &Account) -> DeliveryEvent {
        let Self { id, state, metric, person, at, phone_number_id, failure } = self;
        let unique_id = DeliveryEvent::id_of(account, &id, &state);
        let mut properties = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            properties.extend(value.map(|value| (name.to_owned(), value)));
        };
        set("message_id", Some(id.into()));
        set("status", Some(state.into()));
        set("phone_number_id", phone_number_id.map(Value::from));
        if let Some(DeliveryFailure { code, reason }) = failure {
            set("code", Some(code.into()));
            set("reason", reason.map(Value::from));
        }
        let Person { number, invalid_number, by_id, .. } = person;
        let phone_number = number.or(invalid_number.filter(|_| by_id.is_none()));
        let external_id = by_id.map(|by_id| by_id.user_id).filter(|_| phone_number.is_none());
        DeliveryEvent {
            account: account.clone(),
            id: unique_id,
            metric,
            phone_number,
            external_id,
            at: Some(at),
            properties,
        }
    }
}
