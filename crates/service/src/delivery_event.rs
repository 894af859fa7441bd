//! What became of a message that the business has sent: an event for Klaviyo.

use crate::account::Account;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::opt_in_flow::{Failure, reason_of};
use crate::outcome::Reason;
use bytes::Bytes;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, Identifier, NewEvent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;

/// The status of one message, as it waits in the queue.
///
/// The field `metric` is in no other message of the queue.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryEvent {
    /// The account that it goes to.
    pub account: Account,
    /// Of the message and its status: Klaviyo keeps one event for each.
    pub id: String,
    /// The name of the metric.
    pub metric: String,
    /// The phone number of the person, with its country code. This or the external id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The external id of a person whose number is not told: WhatsApp's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// The properties of the event.
    pub properties: Map<String, Value>,
}

impl DeliveryEvent {
    /// The id of the event of a message and its status.
    pub(crate) fn id_of(account: &Account, message: &str, status: &str) -> String {
        // Meta's ids contain the person's number, and may be longer than Klaviyo takes.
        OptInKey::new(account, &format!("WhatsApp status {status} {message}")).to_string()
    }

    /// The message as it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        // All fields are strings or JSON, which always can be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The event, as the connector takes it; none if it names nobody.
    pub(crate) fn event(&self) -> Option<NewEvent> {
        let number = self.phone_number.clone().map(Identifier::PhoneNumber);
        let profile = number.or_else(|| self.external_id.clone().map(Identifier::ExternalId))?;
        Some(NewEvent {
            metric: self.metric.clone(),
            profile,
            unique_id: self.id.clone(),
            time: self.at.map(|at| at.to_string()),
            value: None,
            value_currency: None,
            properties: serde_json::to_string(&self.properties).ok(),
        })
    }
}

/// Tracks events. Returns those that Klaviyo refused, by their positions.
pub(crate) async fn track(
    tenant: &Tenant,
    events: &[&DeliveryEvent],
) -> Result<HashMap<usize, Reason>, Failure> {
    let mut refused = HashMap::new();
    let (mut tracked, mut positions) = (Vec::with_capacity(events.len()), Vec::new());
    for (position, event) in events.iter().enumerate() {
        match event.event() {
            Some(event) => {
                tracked.push(event);
                positions.push(position);
            }
            None => {
                let reason = Reason::new(Code::InvalidInput, "the event names nobody");
                refused.insert(position, reason);
            }
        }
    }
    let answer = tenant.track_many(&tracked).await.map_err(|error| Failure::from(&error))?.value;
    if let Some(stopped) = answer.stopped {
        return Err(Failure::by_connector(stopped));
    }
    for refusal in answer.refused {
        if let Some(position) = positions.get(refusal.index as usize) {
            refused.insert(*position, reason_of(&refusal.reason, "the event was refused"));
        }
    }
    Ok(refused)
}

/// Leaves out everything about the person.
impl fmt::Debug for DeliveryEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryEvent")
            .field("account", &self.account)
            .field("metric", &self.metric)
            .finish_non_exhaustive()
    }
}
