//! Opts one person in.

use super::{create_checked, find};
use crate::jsonapi::Attributes;
use crate::operation::members::add_profiles_to_list;
use crate::{Creation, Error, Http, NewProfile, Permission, Profile, Receipt, check};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Looks a contact up, creates the profile if there is none, adds it to the list, and gives the consent.
///
/// # Errors
/// As [`lookup`](super::lookup), [`create`](super::create), [`subscribe`](super::subscribe) and
/// [`grant`](crate::consent::grant). The call is safe to repeat.
pub fn opt_in(
    http: &mut dyn Http,
    contact: &NewProfile,
    list: &str,
    consent: Option<&Permission>,
) -> Result<Receipt, Box<Error>> {
    let attributes = check::contact(contact)?;
    let list = check::path_segment("list", list)?;
    let subscription = match consent {
        None => None,
        Some(permission) => {
            permission.check()?;
            Some((permission, permission.subscription(&attributes)?))
        }
    };
    let found = attributes.identifier().map(|by| find(http, &by)).transpose()?.flatten();
    let mut receipt = match found {
        Some(profile) => Receipt::of_existing(&attributes, list, &profile),
        None => Receipt::of_creation(&attributes, list, create_checked(http, &attributes)?),
    };
    let verb = if receipt.created { "was created" } else { "exists" };
    let added = add_profiles_to_list(list, &[&receipt.profile_id])?.send(http).map_err(|error| {
        error
            .about_list(list)
            .after(&format!("the profile {} {verb} and is not known to be on the list", receipt.profile_id))
    })?;
    receipt.added(&added);
    let Some((permission, mut subscription)) = subscription else { return Ok(receipt) };
    subscription.id = Some(receipt.profile_id.clone());
    let mut given = super::permission::give(http, &[subscription], list, permission);
    if let Some(error) = given.stopped {
        return Err(error.after(&format!("the profile {} {verb} and is on the list", receipt.profile_id)));
    }
    receipt.warnings.append(&mut given.warnings);
    receipt.consent = given.permitted.pop().unwrap_or_default();
    Ok(receipt)
}

impl Receipt {
    fn new(contact: &Attributes<'_>, list: &str) -> Self {
        Self {
            profile_id: String::new(),
            profile_name: contact.get("first_name").map(ToOwned::to_owned),
            list_id: list.to_owned(),
            created: false,
            warnings: Vec::new(),
            consent: Vec::new(),
        }
    }

    fn take(&mut self, profile: &Profile) {
        profile.id.clone_into(&mut self.profile_id);
        self.warnings.clone_from(&profile.warnings);
        if let Some(name) = profile.first_name.as_ref().filter(|name| !name.is_empty()) {
            self.profile_name = Some(name.clone());
        }
    }

    /// Of a contact whose profile was found. It is not changed.
    pub(super) fn of_existing(contact: &Attributes<'_>, list: &str, profile: &Profile) -> Self {
        let mut receipt = Self::new(contact, list);
        receipt.take(profile);
        let differing = contact.differing(profile);
        if !differing.is_empty() {
            receipt.warnings.push(format!(
                "{differing}: the profile exists and has this otherwise; it was not changed, upsert the contact to do so"
            ));
        }
        receipt
    }

    /// Of a contact that had no profile when it was looked up.
    pub(super) fn of_creation(contact: &Attributes<'_>, list: &str, creation: Creation) -> Self {
        let mut receipt = Self::new(contact, list);
        match creation {
            Creation::Created(profile) => {
                receipt.take(&profile);
                receipt.created = true;
            }
            Creation::Existing(id) => {
                // With one identifier, the profile was created after the lookup. With more, it may be that of
                // another person who has one of them.
                if contact.is_more_than_identifier() {
                    receipt.warnings.push(format!(
                        "the profile {id} holds one of the identifiers already and was not changed; look it up, see that \
                         it is the same person, and upsert the contact"
                    ));
                }
                receipt.profile_id = id;
            }
        }
        receipt
    }

    /// Takes what Klaviyo did not take of the addition to the list.
    pub(super) fn added(&mut self, parts: &[String]) {
        self.warnings.extend(
            parts.iter().map(|part| {
                format!("{part}: Klaviyo did not take this when it added the profile to the list")
            }),
        );
    }
}
