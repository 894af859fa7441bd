//! The opt-ins of a run, and how each of them has to end.

use crate::load::{LIST, LIST_NAME};
use serde_json::{Value, json};

/// One opt-in in so many is of each unusual kind.
const SOME: usize = 250;

/// What an opt-in says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An email, a number and a name, to a list by its name.
    Named,
    /// An email alone.
    Bare,
    /// An email alone, with consent to it.
    Consenting,
    /// The same person as the opt-in before it, under another id.
    Again,
    /// A phone number that Klaviyo refuses.
    Refused,
    /// A list that does not exist.
    Nowhere,
}

/// How an opt-in has to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A profile with this email is on the list.
    Member(String),
    /// It is a dead letter with this code.
    Dead(&'static str),
}

impl Kind {
    pub(super) fn of(number: usize) -> Self {
        match number % SOME {
            1 => Self::Again,
            7 => Self::Refused,
            8 => Self::Nowhere,
            _ => match number % 10 {
                0..5 => Self::Named,
                5..9 => Self::Bare,
                _ => Self::Consenting,
            },
        }
    }

    pub(super) fn end(self, number: usize) -> End {
        match self {
            Self::Named | Self::Bare | Self::Consenting => End::Member(email(number)),
            Self::Again => End::Member(email(number - 1)),
            Self::Refused => End::Dead("rejected"),
            Self::Nowhere => End::Dead("not-found"),
        }
    }

    pub(super) fn opt_in(self, account: &str, number: usize) -> Value {
        let opt_in = json!({ "account": account, "list": LIST, "email": email(number) });
        let more = match self {
            Self::Named => {
                json!({ "list": LIST_NAME, "phone_number": phone_number(number), "first_name": "Priya" })
            }
            Self::Bare => json!({}),
            Self::Consenting => json!({ "consent": ["email"], "consent_source": "a broadcast" }),
            Self::Again => json!({ "email": email(number - 1).to_uppercase() }),
            // The simulator takes eight digits or more.
            Self::Refused => json!({ "email": null, "phone_number": format!("+2902{:03}", number % 1_000) }),
            Self::Nowhere => json!({ "list": "There is none" }),
        };
        merged(opt_in, more)
    }
}

fn merged(mut value: Value, more: Value) -> Value {
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn email(number: usize) -> String {
    format!("contact+{number}@example.com")
}

fn phone_number(number: usize) -> String {
    format!("+9198{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_among_them_and_who_comes_again_was_there() {
        let kinds: Vec<Kind> = (0..2 * SOME).map(Kind::of).collect();
        for kind in [Kind::Named, Kind::Bare, Kind::Consenting, Kind::Again, Kind::Refused, Kind::Nowhere] {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
        for (number, kind) in kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::Again) {
            assert_eq!(kind.end(number), Kind::of(number - 1).end(number - 1));
        }
    }
}
