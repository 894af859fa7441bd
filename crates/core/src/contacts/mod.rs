//! Klaviyo's profiles, and their membership of lists.
//!
//! Membership of a list is not consent to marketing.

mod change;
mod lookup;
mod opt_in;
mod opt_in_many;
mod permission;

pub use change::{merge, update};
pub use lookup::lookup_many;
pub use opt_in::opt_in;
pub use opt_in_many::opt_in_many;

use crate::jsonapi::Attributes;
use crate::operation::lists::add_profiles_to_list;
use crate::operation::profiles::{create_or_update_profile, create_profile, get_profile};
use crate::{Code, Creation, Error, Http, Identifier, NewProfile, Profile, Upserted, check};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// Klaviyo's limit on the profiles of one addition to a list.
const PROFILES_PER_REQUEST: usize = 1_000;

/// Finds a profile by one identifier.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport. If there
/// is no such profile, the value is none.
pub fn lookup(http: &mut dyn Http, by: &Identifier) -> Result<Option<Profile>, Box<Error>> {
    find(http, &by.cleaned()?)
}

/// Creates a profile, unless another has one of its identifiers.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport. A conflict
/// in which Klaviyo names the existing profile is not an error.
pub fn create(http: &mut dyn Http, profile: &NewProfile) -> Result<Creation, Box<Error>> {
    create_checked(http, &check::contact(profile)?)
}

/// Adds profiles to a list, 1,000 in each request, and returns their number.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport; their
/// [`Error::done`] counts the profiles of the earlier requests, which succeeded.
pub fn subscribe(http: &mut dyn Http, list: &str, profiles: &[String]) -> Result<u32, Box<Error>> {
    let list = check::path_segment("list", list)?;
    check::profile_ids(profiles)?;
    let mut done = 0;
    for chunk in profiles.chunks(PROFILES_PER_REQUEST) {
        let ids: Vec<&str> = chunk.iter().map(String::as_str).collect();
        let sent = add(http, list, &ids).and_then(|parts| match parts.first() {
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
        // The memory of a component cannot hold 2^32 ids.
        done = done.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
    }
    Ok(done)
}

/// Creates a profile, or updates the one with the same identifiers.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport.
/// [`Code::Conflict`] when the identifiers belong to two profiles.
pub fn upsert(http: &mut dyn Http, profile: &NewProfile) -> Result<Upserted, Box<Error>> {
    create_or_update_profile(&check::contact(profile)?)?.send(http)
}

/// Adds profiles to a list. That there is no such list is often because its name was given.
fn add(http: &mut dyn Http, list: &str, profiles: &[&str]) -> Result<Vec<String>, Box<Error>> {
    add_profiles_to_list(list, profiles)?.send(http).map_err(|mut error| {
        let is_like_an_id = list.len() == 6 && list.bytes().all(|b| b.is_ascii_alphanumeric());
        if error.code == Code::NotFound && !is_like_an_id {
            error.message.push_str("; the list looks like a name: give its id, which lists.find has");
        }
        error
    })
}

fn find(http: &mut dyn Http, by: &Identifier) -> Result<Option<Profile>, Box<Error>> {
    absent_is_none(by, get_profile(by).send(http))
}

/// The answer about a profile; none if Klaviyo says that there is no such profile.
pub(crate) fn absent_is_none<T>(
    by: &Identifier,
    answer: Result<Option<T>, Box<Error>>,
) -> Result<Option<T>, Box<Error>> {
    match answer {
        // Only Klaviyo's own error counts: something in front of it may have answered an empty 404.
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
        Ok(profile) => Ok(Creation::Created(Box::new(profile))),
        Err(mut error) => match error.duplicate.take() {
            Some(id) => Ok(Creation::Existing(id)),
            None => Err(error),
        },
    }
}
