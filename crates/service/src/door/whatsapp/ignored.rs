//! The parts of a notification that have no effect, counted by reason.

use std::collections::BTreeMap;
use strum::IntoStaticStr;

/// Why a part of a notification has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
/// Its name is the label in the metric.
#[strum(const_into_str, serialize_all = "kebab-case")]
pub(in crate::door) enum IgnoredReason {
    /// A message with another text than one of the account's words.
    #[strum(serialize = "not-a-wish")]
    NotAnOptIn,
    /// The answer to a Flow that says no.
    Declined,
    /// The answer to a Flow that asks for consent and gets neither yes nor no.
    Unclear,
    /// A message that is no text, button, choice or Flow: a reaction, a picture, `unsupported`.
    UnsupportedType,
    /// The status of a message that the business has sent, and that is no event.
    Status,
    /// A request to a number that is not the account's.
    ForeignNumber,
    /// A request that is older than a week, or a request for an opt-in without a time.
    Old,
    /// The request of a person without a number, where these are left out.
    WithoutNumber,
    /// An opt-out or a resume that names nobody.
    Nobody,
    /// A preference about something else than marketing.
    Preference,
    /// A change that is about neither messages nor preferences.
    OtherField,
    /// A notification that is not WhatsApp's, or is empty.
    Empty,
    /// A part that cannot be read.
    Unreadable,
}

impl IgnoredReason {
    /// The warning for the operator; none if there is nothing to change.
    pub(in crate::door) fn warning(self) -> Option<&'static str> {
        Some(match self {
            Self::Unclear => {
                "answers to Flows that say neither yes nor no where they ask for consent are passed over; let the Flow \
                 answer yes or no, or true or false"
            }
            Self::ForeignNumber => {
                "wishes and opt-outs by WhatsApp to a number that is not the account's are passed over"
            }
            Self::Old => {
                "wishes and opt-outs by WhatsApp that are older than a week, and wishes without a time, are passed over"
            }
            Self::WithoutNumber => {
                "wishes of people without a phone number in WhatsApp are passed over; without --whatsapp-numbers-only \
                 they are opted in by WhatsApp's id"
            }
            Self::Nobody => "opt-outs by WhatsApp that name nobody are passed over",
            Self::Unreadable => "parts of WhatsApp's notifications cannot be read, and are passed over",
            Self::NotAnOptIn
            | Self::Declined
            | Self::UnsupportedType
            | Self::Status
            | Self::Preference
            | Self::OtherField
            | Self::Empty => return None,
        })
    }
}

/// How many parts were ignored for each reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::door) struct Ignored(BTreeMap<IgnoredReason, usize>);

impl Ignored {
    pub(super) fn count(&mut self, reason: IgnoredReason) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The counts by reason.
    pub(in crate::door) fn counts(&self) -> impl Iterator<Item = (IgnoredReason, usize)> {
        self.0.iter().map(|(reason, count)| (*reason, *count))
    }
}
