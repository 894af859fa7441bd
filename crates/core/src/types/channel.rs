//! Where messages go, as the interface `types` has it.

use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Email.
    Email,
    /// Text messages.
    Sms,
    /// WhatsApp.
    Whatsapp,
    /// Mobile push.
    Push,
    /// A channel that this version does not know, by Klaviyo's name for it.
    Other(String),
}
