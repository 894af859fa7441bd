//! What a notification has that nothing comes of, by reason.

use std::collections::BTreeMap;

/// IgnoredReason nothing comes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::door) enum IgnoredReason {
    /// A message that says something else than the word.
    NotAWish,
    /// The answer to a Flow that says no.
    Declined,
    /// The answer to a Flow that says neither yes nor no where it asks for consent.
    Unclear,
    /// A message that is no text, button, choice or Flow: a reaction, a picture, `unsupported`.
    UnsupportedType,
    /// What became of a message that the business has sent.
    Status,
    /// A wish, or an opt-out, to a number that is not the account's.
    ForeignNumber,
    /// One that is older than a week, or a wish that does not say how old it is.
    Old,
    /// The wish of somebody without a number, where these are not to be opted in.
    WithoutNumber,
    /// The opt-out of somebody without a number. Klaviyo has consent to WhatsApp of them only if they gave their number
    /// elsewhere, and by which it is not known here.
    StopWithoutNumber,
    /// A preference that is no opt-out from marketing.
    Preference,
    /// A change of something else than messages and preferences.
    OtherField,
    /// What is not WhatsApp's, or has nothing in it.
    Empty,
    /// What is not what it should be, whatever it may be.
    Unreadable,
}

impl IgnoredReason {
    /// As the metric has it.
    pub(in crate::door) fn as_str(self) -> &'static str {
        match self {
            Self::NotAWish => "not-a-wish",
            Self::Declined => "declined",
            Self::Unclear => "unclear",
            Self::UnsupportedType => "unsupported-type",
            Self::Status => "status",
            Self::ForeignNumber => "foreign-number",
            Self::Old => "old",
            Self::WithoutNumber => "without-number",
            Self::StopWithoutNumber => "stop-without-number",
            Self::Preference => "preference",
            Self::OtherField => "other-field",
            Self::Empty => "empty",
            Self::Unreadable => "unreadable",
        }
    }

    /// What whoever looks after the door should know, and can do. None: it is as it should be.
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
            Self::StopWithoutNumber => {
                "opt-outs by WhatsApp of people without a phone number are passed over; where Klaviyo has their number, \
                 take the consent to WhatsApp back there"
            }
            Self::Unreadable => "parts of WhatsApp's notifications cannot be read, and are passed over",
            Self::NotAWish
            | Self::Declined
            | Self::UnsupportedType
            | Self::Status
            | Self::Preference
            | Self::OtherField
            | Self::Empty => return None,
        })
    }
}

/// How much of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::door) struct Ignored(BTreeMap<IgnoredReason, usize>);

impl Ignored {
    pub(super) fn count(&mut self, why: IgnoredReason) {
        *self.0.entry(why).or_default() += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much of each there is.
    pub(in crate::door) fn counts(&self) -> impl Iterator<Item = (IgnoredReason, usize)> {
        self.0.iter().map(|(why, count)| (*why, *count))
    }
}
