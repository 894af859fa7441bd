//! Another id of WhatsApp's for a person. It changes with the person's number.

use crate::account::Account;
use crate::opt_in_flow::Failure;
use bytes::Bytes;
use klaviyo_host::types::{Change, Code, Identifier, NewProfile, Profile};
use klaviyo_host::{Disposition, Tenant};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// The custom property with WhatsApp's id of a person without a number.
pub(crate) const USER_ID: &str = "whatsapp_user_id";

/// The two ids of a person, as they wait in the queue.
///
/// The field `renamed_to` is in no other message of the queue.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renaming {
    /// The account that it goes to.
    pub account: Account,
    /// Of the two ids: the same change has the same one.
    pub id: String,
    /// The id until now.
    pub previous: String,
    /// The id from now on.
    pub renamed_to: String,
}

impl Renaming {
    /// The change of one id into another.
    pub(crate) fn new(account: &Account, previous: String, renamed_to: String) -> Self {
        Self { account: account.clone(), id: format!("{previous} {renamed_to}"), previous, renamed_to }
    }

    /// The message as it waits in the queue.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The identifiers of the person, the previous one first.
    pub(crate) fn identifiers(&self) -> [Identifier; 2] {
        [&self.previous, &self.renamed_to].map(|id| Identifier::ExternalId(id.clone()))
    }
}

/// Gives the profile that is known by the previous id the new one. If another profile has the new one already, that one
/// takes the first one in. Doing it again changes nothing.
pub(crate) async fn rename(tenant: &Tenant, renaming: &Renaming) -> Result<(), Failure> {
    let failed = |error: klaviyo_host::Error| Failure::from(&error);
    let found = tenant.lookup_many(&renaming.identifiers()).await.map_err(failed)?.value;
    let [by_previous, by_new] = <[Option<Profile>; 2]>::try_from(found).unwrap_or_default();
    let done = match (by_previous, by_new) {
        (Some(one), Some(other)) => tenant.merge(&other.id, &one.id).await.map(drop),
        (Some(one), None) => {
            let change = NewProfile {
                external_id: Some(renaming.renamed_to.clone()),
                properties: Some(json!({ USER_ID: renaming.renamed_to }).to_string()),
                ..NewProfile::default()
            };
            tenant.update(&one.id, &[Change::Set(change)]).await.map(drop)
        }
        (None, _) => return Ok(()),
    };
    match done {
        // Another profile has come with one of the ids, or gone, since they were looked up.
        Err(error) if matches!(error.code(), Code::Conflict | Code::NotFound) => {
            Err(Failure { disposition: Disposition::Retry, ..failed(error) })
        }
        done => done.map_err(failed),
    }
}

/// Leaves out everything about the person.
impl fmt::Debug for Renaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renaming").field("account", &self.account).finish_non_exhaustive()
    }
}
