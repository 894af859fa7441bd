//! An opt-out: somebody has stopped marketing, and waits in the queue like those who opt in.

use crate::account::Account;
use crate::opt_in::Channel;
use bytes::Bytes;
use klaviyo_host::types::Unsubscription;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The channels that one person wants no marketing on any more.
///
/// An opt-in has no `opt_out`, so that a worker of a version without opt-outs keeps it for newer ones.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    /// Whose Klaviyo it goes to.
    pub account: Account,
    /// A second one with the same id, in the same account, is the same opt-out.
    pub id: String,
    /// With its country code.
    pub phone_number: String,
    /// The channels: one or more.
    pub opt_out: Vec<Channel>,
}

impl OptOut {
    /// As it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        // Strings and lists of them: there is nothing that JSON cannot have.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// For the connector.
    pub(crate) fn unsubscription(&self) -> Unsubscription {
        Unsubscription {
            email: None,
            phone_number: Some(self.phone_number.clone()),
            channels: self.opt_out.iter().copied().map(Into::into).collect(),
        }
    }
}

/// Without what it says about the person.
impl fmt::Debug for OptOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, opt_out, .. } = self;
        f.debug_struct("OptOut").field("account", account).field("opt_out", opt_out).finish_non_exhaustive()
    }
}
