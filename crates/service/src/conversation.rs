//! Where a person has written by WhatsApp, so that an answer can be sent there.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The message by which a person asked for something, and where an answer to it goes.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// WhatsApp's id of the message.
    pub message_id: String,
    /// WhatsApp's id of the number that the person wrote to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The person's number as WhatsApp writes it, if it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// WhatsApp's own id of the person, if it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The language of the word that the person wrote; none for the account's own language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Leaves out everything about the person.
impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("language", &self.language).finish_non_exhaustive()
    }
}
