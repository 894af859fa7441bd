//! The channels of marketing consent, as callers name them.

use klaviyo_host::types;
use serde::{Deserialize, Serialize};

/// A channel of marketing consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Email. Needs an email address.
    Email,
    /// Text messages. Needs a phone number.
    Sms,
    /// WhatsApp. Needs a phone number.
    Whatsapp,
}

impl Channel {
    /// The name that callers use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
        }
    }
}

impl From<Channel> for types::Channel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Sms => Self::Sms,
            Channel::Whatsapp => Self::Whatsapp,
        }
    }
}
