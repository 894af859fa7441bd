//! Another id of WhatsApp's for a person. It changes with the person's number.

use crate::account::Account;
use crate::moment::Moment;
use crate::opt_in_flow::Failure;
use bytes::Bytes;
use klaviyo_host::types::{Change, Code, Identifier, NewProfile};
use klaviyo_host::{Disposition, Tenant};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// The custom property with WhatsApp's id of a person without a number.
pub(crate) const USER_ID: &str = "whatsapp_user_id";

/// The two ids of a person, as they wait in the queue.
///
/// The field `renamed_to` is in no other message of the queue.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renaming {
    /// The account that it goes to.
    pub account: Account,
    /// Of the two ids and the time: the same change has the same one.
    pub id: String,
    /// The id until now.
    pub previous: String,
    /// The id from now on.
    pub renamed_to: String,
    /// When the one became the other. None: when it came into the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
}

impl Renaming {
    /// The change of one id into another at a time.
    pub(crate) fn new(account: &Account, previous: String, renamed_to: String, at: Moment) -> Self {
        let id = format!("{previous} {renamed_to} {at}");
        Self { account: account.clone(), id, previous, renamed_to, at: Some(at) }
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

/// Gives the profile that is known by one of a person's ids the last of them. Profiles that are known by others go into that
/// one. Doing it again changes nothing.
pub(crate) async fn rename(tenant: &Tenant, ids: &[Identifier]) -> Result<(), Failure> {
    let failed = |error: klaviyo_host::Error| Failure::from(&error);
    let Some(Identifier::ExternalId(last)) = ids.last() else { return Ok(()) };
    let mut found = tenant.lookup_many(ids).await.map_err(failed)?.value.into_iter().rev();
    let mut known = found.next().flatten();
    for profile in found.flatten() {
        let done = match &known {
            Some(known) => tenant.merge(&known.id, &profile.id).await.map(drop),
            None => {
                let change = NewProfile {
                    external_id: Some(last.clone()),
                    properties: Some(json!({ USER_ID: last }).to_string()),
                    ..NewProfile::default()
                };
                tenant.update(&profile.id, &[Change::Set(change)]).await.map(drop)
            }
        };
        match done {
            // Another profile has come with one of the ids, or gone, since they were looked up.
            Err(error) if matches!(error.code(), Code::Conflict | Code::NotFound) => {
                return Err(Failure { disposition: Disposition::Retry, ..failed(error) });
            }
            done => done.map_err(failed)?,
        }
        known.get_or_insert(profile);
    }
    Ok(())
}

/// Leaves out everything about the person.
impl fmt::Debug for Renaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renaming").field("account", &self.account).finish_non_exhaustive()
    }
}
