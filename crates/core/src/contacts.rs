//! Klaviyo's profiles, and their membership of lists.
//!
//! Membership of a list is not consent to marketing.

use crate::encode::{percent_encode, quoted};
use crate::jsonapi::Attributes;
use crate::operation::lists::add_profiles_to_list;
use crate::operation::profiles::{
    create_or_update_profile, create_profile, get_profile, get_profiles, get_profiles_at,
};
use crate::paging::{self, Wanted};
use crate::{Code, Creation, Error, Http, Identifier, NewProfile, Profile, Receipt, Upserted, check};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec, vec::Vec};

/// Klaviyo's limit on the profiles of one addition to a list.
const PROFILES_PER_REQUEST: usize = 1_000;
/// The number of profiles on a page.
const PROFILES_PER_PAGE: usize = 100;
/// The most bytes of the encoded values of a filter. Servers take addresses of 8 KB.
const FILTER_BYTES: usize = 7_000;

/// Finds a profile by one identifier.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport. If there
/// is no such profile, the value is none.
pub fn lookup(http: &mut dyn Http, by: &Identifier) -> Result<Option<Profile>, Box<Error>> {
    find(http, &by.cleaned()?)
}

/// Finds many profiles, each by one identifier, and returns them in the order of the identifiers.
///
/// # Errors
/// [`Code::InvalidInput`] before anything is sent, and the errors of Klaviyo and of the transport.
pub fn lookup_many(
    http: &mut dyn Http,
    identifiers: &[Identifier],
) -> Result<Vec<Option<Profile>>, Box<Error>> {
    let mut asked = Vec::with_capacity(identifiers.len());
    for (position, identifier) in identifiers.iter().enumerate() {
        let checked = identifier.cleaned();
        asked.push(checked.map_err(|error| error.at(&format!("identifiers/{position}")))?);
    }
    let mut found = Found { profiles: vec![None; asked.len()], bytes: 0 };
    for field in Identifier::FIELDS {
        let mut search = Search::default();
        for (position, identifier) in asked.iter().enumerate() {
            if identifier.field().0 != field {
                continue;
            }
            if !search.add(position, identifier) {
                search.send(http, field, &mut found)?;
                search = Search::default();
                search.add(position, identifier);
            }
        }
        search.send(http, field, &mut found)?;
    }
    Ok(found.profiles)
}

/// The found profiles, and their size.
struct Found {
    profiles: Vec<Option<Profile>>,
    bytes: usize,
}

impl Found {
    /// Copies a profile, unless all copies are more than a call can return.
    fn copy(&mut self, profile: &Profile) -> Result<Profile, Box<Error>> {
        self.bytes += profile.properties.len() + size_of::<Profile>();
        if self.bytes > paging::MAX_BYTES { Err(paging::too_large()) } else { Ok(profile.clone()) }
    }
}

/// One request for profiles with identifiers of one kind.
#[derive(Default)]
struct Search<'a> {
    values: Vec<Value<'a>>,
    /// Bytes of the encoded values.
    bytes: usize,
}

/// An identifier to look up, and its profile once found.
struct Value<'a> {
    identifier: &'a Identifier,
    quoted: String,
    /// Its positions in the argument: an identifier may be there more than once.
    positions: Vec<usize>,
    profile: Option<Profile>,
}

impl<'a> Search<'a> {
    /// Adds an identifier; false if the request has no room for it.
    fn add(&mut self, position: usize, identifier: &'a Identifier) -> bool {
        if let Some(value) = self.values.iter_mut().find(|value| value.identifier == identifier) {
            value.positions.push(position);
            return true;
        }
        let quoted = quoted(identifier.field().1);
        // Includes an encoded comma.
        let bytes = percent_encode(&quoted).len() + 3;
        let fits = self.values.len() < PROFILES_PER_PAGE && self.bytes + bytes <= FILTER_BYTES;
        if !fits && !self.values.is_empty() {
            return false;
        }
        self.bytes += bytes;
        self.values.push(Value { identifier, quoted, positions: vec![position], profile: None });
        true
    }

    fn send(mut self, http: &mut dyn Http, field: &str, found: &mut Found) -> Result<(), Box<Error>> {
        if self.values.is_empty() {
            return Ok(());
        }
        let quoted: Vec<&str> = self.values.iter().map(|value| value.quoted.as_str()).collect();
        let first = get_profiles(field, &quoted);
        let (mut strange, mut full) = (false, None);
        paging::each(http, first, get_profiles_at, &mut |profile| {
            let mut wanted = false;
            for value in self.values.iter_mut().filter(|value| value.identifier.is_of(&profile)) {
                wanted = true;
                // If several profiles have it, the first counts, as in `lookup`.
                if value.profile.is_none() {
                    match found.copy(&profile) {
                        Ok(profile) => value.profile = Some(profile),
                        Err(error) => full = Some(error),
                    }
                }
            }
            strange |= !wanted;
            Ok(if full.is_some() { Wanted::Enough } else { Wanted::More })
        })?;
        if let Some(error) = full {
            return Err(error);
        }
        for value in &mut self.values {
            // The answer has a profile that matches no value as text: Klaviyo treats some spellings as equal.
            // Look up each unmatched value by itself.
            if strange && value.profile.is_none() {
                value.profile = find(http, value.identifier)?;
            }
            let Some(profile) = &value.profile else { continue };
            for position in &value.positions {
                let copy = found.copy(profile)?;
                if let Some(slot) = found.profiles.get_mut(*position) {
                    *slot = Some(copy);
                }
            }
        }
        Ok(())
    }
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

/// Looks a contact up, creates the profile if there is none, and adds it to the list.
///
/// # Errors
/// As [`lookup`], [`create`] and [`subscribe`]. The call is safe to repeat.
pub fn opt_in(http: &mut dyn Http, contact: &NewProfile, list: &str) -> Result<Receipt, Box<Error>> {
    let attributes = check::contact(contact)?;
    let list = check::path_segment("list", list)?;
    let mut receipt = Receipt {
        profile_id: String::new(),
        profile_name: attributes.first_name.map(ToOwned::to_owned),
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
                // With one identifier, the profile was created after the lookup. With more, it may be that of
                // another person who has one of them.
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
        Ok(profile) => Ok(Creation::Created(profile)),
        Err(mut error) => match error.duplicate.take() {
            Some(id) => Ok(Creation::Existing(id)),
            None => Err(error),
        },
    }
}
