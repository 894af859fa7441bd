//! What a message in the queue is.

use crate::account::Account;
use crate::key::OptInKey;
use crate::opt_in::{InvalidField, OptIn};
use crate::opt_out::OptOut;
use serde::Deserialize;

/// A message that a front door has put into the queue.
#[derive(Clone, Debug)]
pub enum QueueEntry {
    /// An opt-in, cleaned: a front door of an older version has not cleaned it.
    OptIn(Box<OptIn>),
    /// An opt-in that can never be done.
    Invalid(InvalidField),
    /// An opt-out.
    OptOut(OptOut),
    /// An opt-in or opt-out with something that this version does not know. A newer front door may have
    /// written it.
    Newer,
}

/// The fields that an opt-in has in every version.
#[derive(Deserialize)]
struct Envelope {
    account: Account,
    id: String,
}

impl QueueEntry {
    /// Parses a message in the queue of an account. None: no front door has written it.
    #[must_use]
    pub fn read(message: &[u8], account: &str) -> Option<(OptInKey, Self)> {
        let Envelope { account: own, id } = serde_json::from_slice(message).ok()?;
        if own.as_str() != account {
            return None;
        }
        let entry = match serde_json::from_slice::<OptIn>(message) {
            Ok(mut opt_in) if opt_in.check().is_ok() => match opt_in.clean() {
                Ok(()) => Self::OptIn(Box::new(opt_in)),
                Err(invalid) => Self::Invalid(invalid),
            },
            Ok(_) => Self::Newer,
            Err(_) => match serde_json::from_slice::<OptOut>(message) {
                Ok(opt_out) if !opt_out.opt_out.is_empty() => Self::OptOut(opt_out),
                Ok(_) | Err(_) => Self::Newer,
            },
        };
        Some((OptInKey::new(&own, &id), entry))
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
        for newer in [("opt_out", json!(true)), ("list", json!(["Y6nRLr"])), ("list", json!(""))] {
            let key = OptInKey::new(&"shop-1".parse().unwrap(), "7");
            assert!(matches!(read(vec![newer]), Some((of, QueueEntry::Newer)) if of == key));
        }
        let opt_out = |changes: Value| {
            let mut value = json!({ "account": "shop-1", "id": "7", "phone_number": "+919820000001" });
            for (name, change) in changes.as_object().unwrap() {
                value[name] = change.clone();
            }
            QueueEntry::read(value.to_string().as_bytes(), "shop-1")
        };
        assert!(matches!(opt_out(json!({ "opt_out": ["whatsapp"] })), Some((_, QueueEntry::OptOut(_)))));
        for newer in
            [json!({ "opt_out": [] }), json!({ "opt_out": ["push"] }), json!({ "opt_out": ["sms"], "of": 7 })]
        {
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
