//! What people do, drawn by chance.

use super::model::Word;
use fastrand::Rng;
use klaviyo_whatsapp_mock::Contact;

/// What somebody does, or what happens to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Writes a word of the account.
    Writes(&'static str, Word),
    /// Writes something else.
    Chats,
    /// Fills in a form that asks for an address and for consent.
    FillsIn,
    /// Presses in WhatsApp itself that marketing is to stop or may go on.
    Presses(Word),
    /// Consents elsewhere, which the platform tells with a signature.
    IsOptedIn(Word),
    /// Gets an offer of the business.
    IsWrittenTo,
    /// Has stopped offers of the business in a way of which only the failed message tells.
    IsBeyondReach,
    /// Is asked for the number, if webhooks do not tell it, and shares it.
    SharesNumber,
    /// Takes another number, if webhooks do not tell it: all that they tell is another id.
    ChangesNumber,
}

/// The words of the accounts.
const OPT_INS: [&str; 4] = ["SUBSCRIBE", "subscribe ", "Alta", "ANMELDEN"];
const OPT_OUTS: [&str; 5] = ["STOP", "stop", "UNSUBSCRIBE", "Baja", "abmelden"];
const RESUMES: [&str; 3] = ["START", "volver", "WEITER"];

impl Wish {
    pub(super) fn drawn(random: &mut Rng) -> Self {
        let one_of = |random: &mut Rng, words: &[&'static str]| {
            random.choice(words.iter().copied()).unwrap_or_default()
        };
        match random.u8(..100) {
            0..20 => Self::Writes(one_of(random, &OPT_INS), Word::Consents),
            20..40 => Self::IsOptedIn(if random.u8(..3) == 0 { Word::Reads } else { Word::Consents }),
            40..60 => Self::Writes(one_of(random, &OPT_OUTS), Word::Out),
            60..72 => Self::Writes(one_of(random, &RESUMES), Word::Back),
            72..76 => Self::Presses(Word::Out),
            76..80 => Self::Presses(Word::Back),
            80..83 => Self::IsBeyondReach,
            83..91 => Self::IsWrittenTo,
            91..94 => Self::FillsIn,
            94..96 => Self::SharesNumber,
            96..99 => Self::ChangesNumber,
            _ => Self::Chats,
        }
    }

    /// Its name in the figures.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Writes(_, Word::Out) => "opt-out words",
            Self::Writes(_, Word::Back) => "resume words",
            Self::Writes(..) => "opt-in words",
            Self::Chats => "other texts",
            Self::FillsIn => "forms",
            Self::Presses(_) => "preferences",
            Self::IsOptedIn(_) => "signed opt-ins",
            Self::IsWrittenTo => "offers",
            Self::IsBeyondReach => "131050 failures",
            Self::SharesNumber => "shared numbers",
            Self::ChangesNumber => "changed numbers",
        }
    }
}

/// The person with this number within an account. One in five has a username, so that webhooks do not tell the number.
pub(super) fn contact(number: usize) -> Contact {
    let name = match number % 4 {
        0 => "Priya Sharma",
        1 => "José",
        2 => "Мария",
        _ => "Li",
    };
    let contact = Contact::new(&digits(number)).named(name);
    if has_username(number) { contact.with_username(&format!("somebody.{number}")) } else { contact }
}

pub(super) const fn has_username(number: usize) -> bool {
    number % 5 == 4
}

/// A phone number as WhatsApp writes it.
pub(super) fn digits(number: usize) -> String {
    format!("9198{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_wish_is_among_a_hundred_and_the_same_with_the_same_seed() {
        let drawn = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..1_000).map(|_| Wish::drawn(&mut random)).collect::<Vec<_>>()
        };
        let names: BTreeSet<&str> = drawn(1).iter().map(|wish| wish.name()).collect();
        assert_eq!(names.len(), 11, "{names:?}");
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
