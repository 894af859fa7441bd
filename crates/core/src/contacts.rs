//! People: Klaviyo's profiles, and their membership of lists.
//!
//! Being a member of a list is not consent to marketing.

use crate::jsonapi::Attributes;
use crate::operation::{add_profiles_to_list, create_or_update_profile, create_profile, get_profile};
use crate::{Code, Creation, Error, Http, Identifier, NewProfile, Profile, Receipt, Upserted, check};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Klaviyo's limit on the profiles of one addition to a list.
const PROFILES_PER_REQUEST: usize = 1_000;

/// Finds a profile by one identifier.
///
/// # Errors
/// [`Code::InvalidInput`] and nothing sent; or as Klaviyo or the transport has it. That there is no such
/// profile is not an error.
pub fn lookup(http: &mut dyn Http, by: &Identifier) -> Result<Option<Profile>, Box<Error>> {
    find(http, &check::identifier(by)?)
}

/// Creates a profile, unless one with an identifier of the same value exists.
///
/// # Errors
/// [`Code::InvalidInput`] and nothing sent; or as Klaviyo or the transport has it. A conflict in which Klaviyo
/// names the profile that exists is not an error.
pub fn create(http: &mut dyn Http, profile: &NewProfile) -> Result<Creation, Box<Error>> {
    create_checked(http, &check::contact(profile)?)
}

/// Adds profiles to a list, 1,000 a request, and returns how many.
///
/// # Errors
/// [`Code::InvalidInput`] and nothing sent; or as Klaviyo or the transport has it, where [`Error::done`] counts
/// the profiles of the requests that succeeded before.
pub fn subscribe(http: &mut dyn Http, list: &str, profiles: &[String]) -> Result<u32, Box<Error>> {
    let list = check::path_segment("list", list)?;
    check::profile_ids(profiles)?;
    let mut done = 0;
    for chunk in profiles.chunks(PROFILES_PER_REQUEST) {
        let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
        let sent = add_profiles_to_list(list, &ids)?.send(http).and_then(|parts| match parts.first() {
            None => Ok(()),
            Some(part) => Err(Error::new(
                Code::Rejected,
                format!(
                    "Klaviyo took only a part of the addition (it reports: {part}); look the profiles up"
                ),
            )),
        });
        sent.map_err(|error| match done {
            0 => error,
            _ => {
                let mut error =
                    error.after(&format!("{done} of {} profiles are on the list", profiles.len()));
                error.done = done;
                error
            }
        })?;
        // A component's memory does not hold four thousand million ids.
        done = done.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
    }
    Ok(done)
}

/// Creates a profile, or updates the one with the same identifiers.
///
/// # Errors
/// [`Code::InvalidInput`] and nothing sent; or as Klaviyo or the transport has it. [`Code::Conflict`] when the
/// identifiers belong to two profiles.
pub fn upsert(http: &mut dyn Http, profile: &NewProfile) -> Result<Upserted, Box<Error>> {
    create_or_update_profile(&check::contact(profile)?)?.send(http)
}

/// Looks a contact up, creates the profile if there is none, and adds it to the list.
///
/// # Errors
/// As [`lookup`], [`create`] and [`subscribe`]. All of it is safe to repeat.
pub fn opt_in(http: &mut dyn Http, contact: &NewProfile, list: &str) -> Result<Receipt, Box<Error>> {
    let attributes = check::contact(contact)?;
    let list = check::path_segment("list", list)?;
    let mut receipt = Receipt {
        profile_id: String::new(),
        profile_name: contact.first_name.clone(),
        list_id: list.to_owned(),
        created: false,
        warnings: Vec::new(),
    };
    let found = attributes.identifier().map(|by| find(http, &by)).transpose()?.flatten();
    match found {
        Some(profile) => {
            let differing = attributes.differing(&profile);
            receipt.take(profile);
            if !differing.is_empty() {
                receipt.warnings.push(format!(
                    "{differing}: the profile exists and has this otherwise; it was not changed, upsert the contact to \
                     do so"
                ));
            }
        }
        None => match create_checked(http, &attributes)? {
            Creation::Created(profile) => {
                receipt.take(profile);
                receipt.created = true;
            }
            Creation::Existing(id) => {
                // With one identifier, it is the same person, created since the lookup. With more, it may
                // be somebody who holds another of them.
                if attributes.is_more_than_identifier() {
                    receipt.warnings.push(format!(
                        "the profile {id} holds one of the identifiers already and was not changed; look it up, see that \
                         it is the same person, and upsert the contact"
                    ));
                }
                receipt.profile_id = id;
            }
        },
    }
    let added = add_profiles_to_list(list, &[&receipt.profile_id])?.send(http).map_err(|error| {
        let verb = if receipt.created { "was created" } else { "exists" };
        error.after(&format!("the profile {} {verb}", receipt.profile_id))
    })?;
    receipt.warnings.extend(
        added
            .into_iter()
            .map(|part| format!("{part}: Klaviyo did not take this when it added the profile to the list")),
    );
    Ok(receipt)
}

impl Receipt {
    fn take(&mut self, profile: Profile) {
        self.profile_id = profile.id;
        self.profile_name = profile.first_name.filter(|name| !name.is_empty()).or(self.profile_name.take());
        self.warnings = profile.warnings;
    }
}

fn find(http: &mut dyn Http, by: &Identifier) -> Result<Option<Profile>, Box<Error>> {
    match get_profile(by).send(http) {
        // Only Klaviyo's own word that the profile is not there counts: an empty 404 may be anybody's.
        Err(error)
            if error.code == Code::NotFound
                && matches!(by, Identifier::Id(_))
                && !error.details.is_empty() =>
        {
            Ok(None)
        }
        answer => answer,
    }
}

fn create_checked(http: &mut dyn Http, attributes: &Attributes<'_>) -> Result<Creation, Box<Error>> {
    match create_profile(attributes)?.send(http) {
        Ok(profile) => Ok(Creation::Created(profile)),
        Err(mut error) => match error.duplicate.take() {
            Some(id) => Ok(Creation::Existing(id)),
            None => Err(error),
        },
    }
}
