//! An opt-out: a person has stopped marketing. It waits in the queue as opt-ins do.

use crate::account::Account;
use crate::opt_in::Channel;
use bytes::Bytes;
use klaviyo_host::types::Unsubscription;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The channels on which one person wants no more marketing.
///
/// The field `opt_out` is in no opt-in. So a worker of a version without opt-outs leaves the message to newer
/// ones.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    /// The account that it goes to.
    pub account: Account,
    /// Another one with the same id, in the same account, is the same opt-out.
    pub id: String,
    /// The phone number, with its country code.
    pub phone_number: String,
    /// The channels, at least one.
    pub opt_out: Vec<Channel>,
}

impl OptOut {
    /// The message as it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        // All fields are strings or lists of strings, which always can be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The opt-out, as the connector takes it.
    pub(crate) fn unsubscription(&self) -> Unsubscription {
        Unsubscription {
            email: None,
            phone_number: Some(self.phone_number.clone()),
            channels: self.opt_out.iter().copied().map(Into::into).collect(),
            transactional: Vec::new(),
        }
    }
}

/// Leaves out everything about the person.
impl fmt::Debug for OptOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, opt_out, .. } = self;
        f.debug_struct("OptOut").field("account", account).field("opt_out", opt_out).finish_non_exhaustive()
    }
}
