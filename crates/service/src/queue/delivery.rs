//! A message that JetStream has delivered to a worker, and what it says.

use super::broker::Delivered;
use super::error::{QueueError, ask};
use super::put::is_put_as;
use crate::account::Account;
use crate::delivery_event::DeliveryEvent;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::opt_in::{InvalidField, OptIn};
use crate::opt_out::{OptOut, Resume};
use crate::renaming::Renaming;
use crate::request_id::QUEUE_HEADER;
use crate::trace_context;
use async_nats::jetstream::AckKind;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::time::Duration;
use tracing::Span;

/// How long after a delivery JetStream delivers a message again, unless it is extended, acknowledged or
/// naked.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(15);
/// The longest delay of a nak.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(5 * 60);

/// A message that was delivered and is not settled.
pub struct Delivery(pub(super) Delivered);

impl Delivery {
    /// How often a message has to be extended, so that JetStream does not deliver it again.
    pub const EXTEND_EVERY: Duration = Duration::from_secs(ACK_WAIT.as_secs() / 3);

    /// Parses the message. None: no front door has written it.
    #[must_use]
    pub fn read(&self) -> Option<(OptInKey, QueueEntry)> {
        QueueEntry::read(&self.0.payload, self.0.subject.rsplit('.').next().unwrap_or_default())
    }

    /// Whether a front door has put it into the queue under this key. Otherwise it is a dead letter that was
    /// retried.
    pub(crate) fn is_accepted_as(&self, key: &OptInKey) -> bool {
        self.0.headers.as_ref().is_some_and(|headers| is_put_as(headers, key))
    }

    /// The id of the request that brought it; none if the door that wrote it knows none, or it is a dead letter that was
    /// retried.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.0.headers.as_ref()?.get(QUEUE_HEADER).map(|id| id.as_str())
    }

    /// This span has to do with the message.
    pub(crate) fn link(&self, span: &Span) {
        if let Some(headers) = &self.0.headers {
            trace_context::link(span, headers);
        }
    }

    /// The message as it is in the stream.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.0.payload
    }

    /// Its sequence in the stream.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// When it came into the stream.
    #[must_use]
    pub fn published(&self) -> Moment {
        Moment::of(self.0.published)
    }

    /// How often it was delivered, this delivery included.
    #[must_use]
    pub fn deliveries(&self) -> u32 {
        u32::try_from(self.0.deliveries).unwrap_or(u32::MAX)
    }

    /// Acknowledges the message: JetStream removes it from the queue.
    ///
    /// # Errors
    /// When there is no connection. The message is delivered again then, and found to be settled.
    pub async fn ack(&self) -> Result<(), QueueError> {
        self.acknowledge("take an acknowledgement", AckKind::Ack).await
    }

    /// Returns the message to the queue. It is delivered again after the delay, which is five minutes at
    /// most.
    ///
    /// # Errors
    /// When there is no connection. The message is delivered again all the same.
    pub async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.acknowledge("take an opt-in back", AckKind::Nak(Some(delay.min(LONGEST_DELAY)))).await
    }

    /// Tells JetStream that the message is still being worked on.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn extend(&self) -> Result<(), QueueError> {
        self.acknowledge("wait for an opt-in", AckKind::Progress).await
    }

    async fn acknowledge(&self, what: &'static str, kind: AckKind) -> Result<(), QueueError> {
        let acker = self.0.acker.as_ref();
        ask(acker, what, acker.acknowledge(kind)).await
    }
}

/// A message that a front door has put into the queue.
#[derive(Clone, Debug)]
pub enum QueueEntry {
    /// An opt-in, cleaned: a front door of an older version has not cleaned it.
    OptIn(Box<OptIn>),
    /// An opt-in that can never be done.
    Invalid(InvalidField),
    /// An opt-out.
    OptOut(OptOut),
    /// A word that takes an opt-out back.
    Resume(Resume),
    /// What became of a message of the business.
    Event(DeliveryEvent),
    /// Another id of a person.
    Renaming(Renaming),
    /// A message with something that this version does not know. A newer front door may have
    /// written it.
    Newer,
}

/// The fields that a message has in every version, and those that tell what it is.
#[derive(Deserialize)]
struct Envelope {
    account: Account,
    id: String,
    #[serde(default)]
    opt_out: Option<IgnoredAny>,
    #[serde(default)]
    resume: Option<IgnoredAny>,
    #[serde(default)]
    metric: Option<IgnoredAny>,
    #[serde(default)]
    renamed_to: Option<IgnoredAny>,
}

impl QueueEntry {
    /// Parses a message in the queue of an account. None: no front door has written it.
    #[must_use]
    pub fn read(message: &[u8], account: &str) -> Option<(OptInKey, Self)> {
        let Envelope { account: own, id, opt_out, resume, metric, renamed_to } =
            serde_json::from_slice(message).ok()?;
        if own.as_str() != account {
            return None;
        }
        let key = match (&opt_out, &resume, &renamed_to) {
            (None, None, None) => OptInKey::new(&own, &id),
            _ => OptInKey::of_opt_out(&own, &id),
        };
        let entry = match (opt_out, resume, metric) {
            (None, None, None) if renamed_to.is_some() => {
                serde_json::from_slice(message).map_or(Self::Newer, Self::Renaming)
            }
            (None, None, None) => Self::read_opt_in(message),
            (Some(_), None, None) => match serde_json::from_slice::<OptOut>(message) {
                Ok(opt_out) if !opt_out.is_empty() && !opt_out.identifiers().is_empty() => {
                    Self::OptOut(opt_out)
                }
                Ok(_) | Err(_) => Self::Newer,
            },
            (None, Some(_), None) => match serde_json::from_slice::<Resume>(message) {
                Ok(resume) if !resume.resume.is_empty() && !resume.identifiers().is_empty() => {
                    Self::Resume(resume)
                }
                Ok(_) | Err(_) => Self::Newer,
            },
            (None, None, Some(_)) => serde_json::from_slice(message).map_or(Self::Newer, Self::Event),
            _ => Self::Newer,
        };
        Some((key, entry))
    }

    fn read_opt_in(message: &[u8]) -> Self {
        match serde_json::from_slice::<OptIn>(message) {
            Ok(mut opt_in) if opt_in.check().is_ok() => match opt_in.clean() {
                Ok(()) => Self::OptIn(Box::new(opt_in)),
                Err(invalid) => Self::Invalid(invalid),
            },
            Ok(_) | Err(_) => Self::Newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_a_door_adds_makes_no_contact_too_large() {
        let opt_in = |long: &str| -> OptIn {
            serde_json::from_value(json!({
                "account": "shop-1", "list": "Y6nRLr", "email": "priya@example.com", "properties": { "long": long },
            }))
            .unwrap()
        };
        let empty = opt_in("").to_json().len();
        let mut opt_in = opt_in(&"x".repeat(OptIn::LARGEST - empty));
        opt_in.take_in().unwrap();
        opt_in.id = Some("7".repeat(OptIn::LONGEST_ID));
        opt_in.warn("x".repeat(OptIn::LONGEST_WARNING));
        assert!(matches!(QueueEntry::read(&opt_in.to_json(), "shop-1"), Some((_, QueueEntry::OptIn(_)))));
    }

    #[test]
    fn what_a_newer_door_has_written_is_not_taken_for_a_strangers() {
        let read = |changes| {
            let mut value =
                json!({ "account": "shop-1", "id": "7", "list": "Y6nRLr", "email": "p@example.com" });
            for (name, change) in changes {
                value[name] = change;
            }
            QueueEntry::read(value.to_string().as_bytes(), "shop-1")
        };
        assert!(matches!(read(vec![]), Some((_, QueueEntry::OptIn(_)))));
        for newer in [
            ("opt_out", json!(true)),
            ("resume", json!([])),
            ("metric", json!("x")),
            ("list", json!(["Y6nRLr"])),
            ("list", json!("")),
        ] {
            let of_opt_out = matches!(newer.0, "opt_out" | "resume");
            let of = if of_opt_out { OptInKey::of_opt_out } else { OptInKey::new };
            let key = of(&"shop-1".parse().unwrap(), "7");
            assert!(matches!(read(vec![newer]), Some((of, QueueEntry::Newer)) if of == key));
        }
        let opt_out = |changes: Value| {
            let mut value = json!({ "account": "shop-1", "id": "7", "phone_number": "+919820000001" });
            for (name, change) in changes.as_object().unwrap() {
                value[name] = change.clone();
            }
            QueueEntry::read(value.to_string().as_bytes(), "shop-1")
        };
        // An older door has written it without a time.
        assert!(matches!(opt_out(json!({ "opt_out": ["whatsapp"] })), Some((_, QueueEntry::OptOut(_)))));
        let email =
            json!({ "opt_out": [], "lists": ["Y6nRLr"], "phone_number": null, "email": "p@example.com" });
        assert!(matches!(opt_out(email), Some((_, QueueEntry::OptOut(_)))));
        assert!(matches!(opt_out(json!({ "resume": ["whatsapp"] })), Some((_, QueueEntry::Resume(_)))));
        let renaming = json!({ "previous": "IN.7", "renamed_to": "GB.7", "phone_number": null });
        assert!(matches!(opt_out(renaming), Some((_, QueueEntry::Newer))));
        let renaming = r#"{"account":"shop-1","id":"7","previous":"IN.7","renamed_to":"GB.7"}"#;
        assert!(matches!(
            QueueEntry::read(renaming.as_bytes(), "shop-1"),
            Some((_, QueueEntry::Renaming(_)))
        ));
        let event = json!({ "metric": "Read", "properties": {} });
        assert!(matches!(opt_out(event), Some((_, QueueEntry::Event(_)))));
        for newer in [
            json!({ "opt_out": [] }),
            json!({ "opt_out": ["push"] }),
            json!({ "opt_out": ["sms"], "of": 7 }),
            json!({ "opt_out": ["sms"], "phone_number": null }),
            json!({ "resume": [], "phone_number": "1" }),
        ] {
            assert!(matches!(opt_out(newer), Some((_, QueueEntry::Newer))));
        }
        for invalid in [("email", json!("nobody")), ("external_id", json!("7".repeat(256)))] {
            assert!(
                matches!(read(vec![invalid.clone()]), Some((_, QueueEntry::Invalid(of))) if of.field == invalid.0)
            );
        }
        for foreign in [("account", json!("shop-2")), ("id", json!(7)), ("account", json!("a b"))] {
            assert!(read(vec![foreign]).is_none());
        }
        for foreign in ["", "{}", "null", "\u{0}"] {
            assert!(QueueEntry::read(foreign.as_bytes(), "shop-1").is_none());
        }
    }
}
