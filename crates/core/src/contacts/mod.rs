//! Klaviyo's profiles, and their membership of lists.
//!
//! Membership of a list is not consent to marketing.

mod change;
mod leaver;
mod lookup;
mod opt_in;
mod opt_in_many;
mod opt_out;
mod permission;
mod verdict;

pub use change::{merge, update};
pub use lookup::lookup_many;
pub use opt_in::opt_in;
pub use opt_in_many::opt_in_many;
pub use opt_out::opt_out;

use crate::jsonapi::Attributes;
use crate::operation::members::add_profiles_to_list;
use crate::operation::profiles::{create_or_update_profile, create_profile, get_profile};
use crate::{Code, Creation, Error, Http, Identifier, NewProfile, Profile, Upserted, check, membership};
use alloc::{boxed::Box, string::String};

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
    membership::change(http, list, profiles, add_profiles_to_list, "on")
}

/// Creates a profile, or updates the one with the same identifiers.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport.
/// [`Code::Conflict`] when the identifiers belong to two profiles.
pub fn upsert(http: &mut dyn Http, profile: &NewProfile) -> Result<Upserted, Box<Error>> {
    create_or_update_profile(&check::contact(profile)?)?.send(http)
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
        Err(error) if matches!(by, Identifier::Id(_)) && is_missing(&error) => Ok(None),
        answer => answer,
    }
}

/// Whether Klaviyo says that what the path names does not exist. Only its own error counts: something in front of it
/// may have answered an empty 404.
fn is_missing(error: &Error) -> bool {
    error.code == Code::NotFound && !error.details.is_empty()
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
