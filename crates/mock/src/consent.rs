//! Consent: the messages that a person agreed to on each channel, and the suppressions that stop email.

use crate::revision::Revision;
use strum::{AsRefStr, EnumString, IntoStaticStr};

/// A channel of messages.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, AsRefStr, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Channel {
    /// Email.
    Email,
    /// Text messages.
    Sms,
    /// WhatsApp, from revision 2025-07-15.
    WhatsApp,
    /// Mobile push, from revision 2026-01-15.
    Push,
}

/// A kind of messages.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, IntoStaticStr)]
#[strum(const_into_str, serialize_all = "snake_case")]
pub(crate) enum Message {
    Marketing,
    Transactional,
    Conversational,
    OpenTracking,
}

/// Whether a person agreed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// The person was never asked, or never answered.
    #[default]
    NeverSubscribed,
    /// The person was asked to confirm, and has not done so.
    Unconfirmed,
    /// The person agreed.
    Subscribed,
    /// The person withdrew the consent.
    Unsubscribed,
}

/// A person's consent on a channel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Consent {
    /// Whether the person agreed.
    pub state: State,
    /// When the person agreed or withdrew.
    pub since: Option<String>,
    /// The source that the request named.
    pub source: Option<String>,
    /// Whether the person confirmed it.
    pub confirmed: bool,
}

/// Why Klaviyo sends no email to a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq, AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Suppression {
    /// The address rejected a message: it does not exist.
    HardBounce,
    /// The address is not valid.
    InvalidEmail,
    /// The person reported spam.
    SpamComplaint,
    /// The person unsubscribed.
    Unsubscribe,
    /// A user of the account suppressed the person.
    UserSuppressed,
}

/// How people join a list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, AsRefStr)]
pub enum OptIn {
    /// The person joins at once.
    #[strum(serialize = "single_opt_in")]
    Single,
    /// The person joins after confirming, as with a new account of Klaviyo's.
    #[default]
    #[strum(serialize = "double_opt_in")]
    Double,
}

impl Channel {
    /// The channels that a revision knows.
    pub(crate) fn known(revision: Revision) -> impl Iterator<Item = Self> {
        [Self::Email, Self::Sms, Self::WhatsApp, Self::Push].into_iter().filter(
            move |channel| match channel {
                Self::Email | Self::Sms => true,
                Self::WhatsApp => revision >= Revision::JULY_2025,
                Self::Push => revision >= Revision::JANUARY_2026,
            },
        )
    }

    /// Its messages.
    pub(crate) fn messages(self) -> &'static [Message] {
        match self {
            Self::Email => &[Message::Marketing, Message::OpenTracking],
            Self::Sms => &[Message::Marketing, Message::Transactional],
            Self::WhatsApp => &[Message::Marketing, Message::Transactional, Message::Conversational],
            Self::Push => &[Message::Marketing],
        }
    }
}

impl Message {
    /// Whether a request can change the consent to it.
    pub(crate) fn can_become(self, state: State, revision: Revision) -> bool {
        match self {
            Self::Marketing | Self::Transactional => true,
            // A person who writes first has agreed: nobody subscribes others to it.
            Self::Conversational => state == State::Unsubscribed,
            Self::OpenTracking => revision >= Revision::APRIL_2026,
        }
    }
}

impl State {
    /// Its name in answers. Unproven for unconfirmed consent, which has no name of its own.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NeverSubscribed | Self::Unconfirmed => "NEVER_SUBSCRIBED",
            Self::Subscribed => "SUBSCRIBED",
            Self::Unsubscribed => "UNSUBSCRIBED",
        }
    }
}

impl Consent {
    /// Whether the person agreed, and has not taken it back.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.state == State::Subscribed
    }
}

impl Suppression {
    /// Whether subscribing lifts it. It lifts the suppressions of people, not those of addresses.
    pub(crate) fn is_lifted(self) -> bool {
        matches!(self, Self::SpamComplaint | Self::Unsubscribe | Self::UserSuppressed)
    }
}
