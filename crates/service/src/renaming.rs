//! Another id of WhatsApp's for a person. It changes with the person's number.

use crate::account::Account;
use crate::moment::Moment;
use crate::opt_in_flow::Failure;
use bytes::Bytes;
use klaviyo_host::types::{Change, Code, Identifier, NewProfile};
use klaviyo_host::{Disposition, Tenant};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;
use std::fmt;

/// The custom property with WhatsApp's id of a person without a number.
pub(crate) const USER_ID: &str = "whatsapp_user_id";

/// Whether an external id can be one of WhatsApp's, which begins with a country and a dot.
pub(crate) fn can_change(id: &str) -> bool {
    let country = id.split_once('.').map(|(country, _)| country);
    country
        .is_some_and(|country| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

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

/// The properties of an opt-in with the last id of the person in place of this one; none if they do not have it.
pub(crate) fn renamed(properties: &RawValue, id: &str, last: &str) -> Option<Box<RawValue>> {
    let mut all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(properties.get()).ok()?;
    let own = all
        .get_mut(USER_ID)
        .filter(|own| serde_json::from_str(own.get()).is_ok_and(|own: String| own == id))?;
    *own = to_raw_value(last).ok()?;
    to_raw_value(&all).ok()
}

/// Leaves out everything about the person.
impl fmt::Debug for Renaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renaming").field("account", &self.account).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_whatsapps_is_told_from_others() {
        for (id, can) in
            [("IN.1349", true), ("us.ENT.7", true), ("7", false), ("u.7", false), ("shop.7", false)]
        {
            assert_eq!(can_change(id), can, "{id}");
        }
    }

    #[test]
    fn the_id_in_the_properties_follows_and_nothing_else_does() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let follows = |text: &str| renamed(&raw(text), "IN.1", "GB.2").map(|raw| raw.get().to_owned());
        let own = r#"{"n":12345678901234567890.10,"whatsapp_user_id":"IN.1"}"#;
        assert_eq!(follows(own).unwrap(), r#"{"n":12345678901234567890.10,"whatsapp_user_id":"GB.2"}"#);
        for other in [r#"{"whatsapp_user_id":"IN.3"}"#, r#"{"id":"IN.1"}"#, "{}", "[]"] {
            assert_eq!(follows(other), None, "{other}");
        }
    }
}
