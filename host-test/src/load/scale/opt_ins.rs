//! The people of a run: how each of them opts in, and how that has to end.

use crate::load::{LIST, LIST_NAME};
use serde_json::{Value, json};

/// One opt-in in so many is of each unusual kind.
const SOME: usize = 250;

/// How somebody opts in.
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
    /// Like [`Kind::Named`], with consent to WhatsApp, and the person opts out by WhatsApp afterwards.
    Leaving,
    /// By WhatsApp.
    Writing,
    /// By WhatsApp, and opts out there afterwards.
    WritingAndLeaving,
}

/// How an opt-in has to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A profile with this email, or with this number if it has none, is on the list.
    Member(String),
    /// The person with this email or number is not on the list any more, and has no consent to WhatsApp.
    Left(String),
    /// It is a dead letter with this code.
    Dead(&'static str),
}

impl Kind {
    /// The kind of the person with this number. Of those who come `both_ways`, three in twenty opt in by WhatsApp and two
    /// opt out.
    pub(super) fn of(number: usize, both_ways: bool) -> Self {
        match number % SOME {
            1 => Self::Again,
            7 => Self::Refused,
            8 => Self::Nowhere,
            _ => match number % 20 {
                3 | 13 if both_ways => Self::Writing,
                4 if both_ways => Self::Leaving,
                14 if both_ways => Self::WritingAndLeaving,
                digit => match digit % 10 {
                    0..5 => Self::Named,
                    5..9 => Self::Bare,
                    _ => Self::Consenting,
                },
            },
        }
    }

    /// Whether the person opts in by WhatsApp.
    pub(super) const fn writes(self) -> bool {
        matches!(self, Self::Writing | Self::WritingAndLeaving)
    }

    /// Whether the person opts out.
    pub(super) const fn leaves(self) -> bool {
        matches!(self, Self::Leaving | Self::WritingAndLeaving)
    }

    pub(super) fn end(self, number: usize) -> End {
        match self {
            Self::Named | Self::Bare | Self::Consenting => End::Member(email(number)),
            Self::Again => End::Member(email(number - 1)),
            Self::Writing => End::Member(phone_number(number)),
            Self::Leaving => End::Left(email(number)),
            Self::WritingAndLeaving => End::Left(phone_number(number)),
            Self::Refused => End::Dead("rejected"),
            Self::Nowhere => End::Dead("not-found"),
        }
    }

    /// The signed opt-in of somebody who does not write.
    pub(super) fn opt_in(self, account: &str, number: usize) -> Value {
        let opt_in = json!({ "account": account, "list": LIST, "email": email(number) });
        let named = json!({ "list": LIST_NAME, "phone_number": phone_number(number), "first_name": "Priya" });
        let more = match self {
            Self::Named => named,
            Self::Leaving => {
                merged(named, json!({ "consent": ["whatsapp"], "consent_source": "the checkout" }))
            }
            Self::Bare | Self::Writing | Self::WritingAndLeaving => json!({}),
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

pub(super) fn phone_number(number: usize) -> String {
    format!("+9198{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_among_them_and_who_comes_again_was_there() {
        let kinds = |both_ways| (0..2 * SOME).map(|number| Kind::of(number, both_ways)).collect::<Vec<_>>();
        let signed = [Kind::Named, Kind::Bare, Kind::Consenting, Kind::Again, Kind::Refused, Kind::Nowhere];
        for (both_ways, more) in
            [(false, &[][..]), (true, &[Kind::Leaving, Kind::Writing, Kind::WritingAndLeaving][..])]
        {
            let kinds = kinds(both_ways);
            for kind in signed.iter().chain(more) {
                assert!(kinds.contains(kind), "{kind:?}");
            }
            for (number, kind) in kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::Again) {
                assert_eq!(kind.end(number), kinds[number - 1].end(number - 1));
            }
        }
        let leaving = kinds(true).into_iter().filter(|kind| kind.leaves()).count();
        assert_eq!(leaving, 2 * SOME / 10);
        assert!(kinds(false).into_iter().all(|kind| !kind.leaves() && !kind.writes()));
    }
}
