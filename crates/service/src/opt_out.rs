//! An opt-out, and the word that takes it back. They wait in the queue as opt-ins do, in a lane of their own.

use crate::account::Account;
use crate::conversation::Conversation;
use crate::key::OptInKey;
use crate::moment::Moment;
use crate::opt_in::Channel;
use bytes::Bytes;
use klaviyo_host::types::Identifier;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The channels on which one person wants no more marketing, and the lists that the person leaves.
///
/// The field `opt_out` is in no other message of the queue.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    /// The account that it goes to.
    pub account: Account,
    /// Another one with the same id, in the same account, is the same opt-out.
    pub id: String,
    /// The email. At least one of email, phone number and external id is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The phone number, with its country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The external id: the caller's own id of the person, or WhatsApp's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The channels. At least one channel or list is needed.
    pub opt_out: Vec<Channel>,
    /// The lists, each by its id or its exact name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// When the person said it. None: when it came into the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// The values that the door left out, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Where the person said it by WhatsApp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<Box<Conversation>>,
    /// It was done before, and is done once more: see [`OptOut::again`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_again: bool,
}

/// One person's word that marketing may go on as it was before the last opt-out.
///
/// The field `resume` is in no other message of the queue.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The account that it goes to.
    pub account: Account,
    /// Another one with the same id, in the same account, is the same word.
    pub id: String,
    /// The phone number, with its country code. This, the external id, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The external id of a person whose number is not told: WhatsApp's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The channels, at least one.
    pub resume: Vec<Channel>,
    /// When the person said it. None: when it came into the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// Where the person said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<Box<Conversation>>,
}

impl OptOut {
    /// The same opt-out, to be done once more a while after it, without a reply. Klaviyo carries out a consent after it
    /// has answered, and puts the person on the list then: an opt-out that it has carried out before took nothing. None
    /// if this one is done once more already.
    #[must_use]
    pub(crate) fn again(&self) -> Option<Self> {
        (!self.is_again).then(|| Self {
            id: OptInKey::new(&self.account, &format!("again {}", self.id)).to_string(),
            whatsapp: None,
            is_again: true,
            ..self.clone()
        })
    }

    /// The message as it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        // All fields are strings or lists of strings, which always can be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Whether it names neither a channel nor a list.
    pub(crate) fn is_empty(&self) -> bool {
        self.opt_out.is_empty() && self.lists.is_empty()
    }

    /// The identifiers of the person, of whom Klaviyo may have a profile for each.
    pub(crate) fn identifiers(&self) -> Vec<Identifier> {
        identifiers(self.email.as_ref(), self.phone_number.as_ref(), self.external_id.as_ref())
    }
}

impl Resume {
    /// The message as it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The identifiers of the person, of whom Klaviyo may have a profile for each.
    pub(crate) fn identifiers(&self) -> Vec<Identifier> {
        identifiers(None, self.phone_number.as_ref(), self.external_id.as_ref())
    }
}

/// The identifiers by which a person can opt out.
pub(crate) fn identifiers(
    email: Option<&String>,
    phone_number: Option<&String>,
    external_id: Option<&String>,
) -> Vec<Identifier> {
    let email = email.cloned().map(Identifier::Email);
    let number = phone_number.cloned().map(Identifier::PhoneNumber);
    let external_id = external_id.cloned().map(Identifier::ExternalId);
    email.into_iter().chain(number).chain(external_id).collect()
}

/// Leaves out everything about the person.
impl fmt::Debug for OptOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, opt_out, .. } = self;
        f.debug_struct("OptOut").field("account", account).field("opt_out", opt_out).finish_non_exhaustive()
    }
}

/// Leaves out everything about the person.
impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, resume, .. } = self;
        f.debug_struct("Resume").field("account", account).field("resume", resume).finish_non_exhaustive()
    }
}
