//! Finds many profiles in few requests.

use super::find;
use crate::encode::{percent_encode, quoted};
use crate::operation::profiles::{get_profiles, get_profiles_at};
use crate::paging::{self, Wanted};
use crate::{Code, Error, Http, Identifier, Profile};
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

/// The number of profiles on a page.
const PROFILES_PER_PAGE: usize = 100;
/// The most bytes of the encoded values of a filter. Servers take addresses of 8 KB.
const FILTER_BYTES: usize = 7_000;

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
    let mut copies = Copies { profiles: vec![None; asked.len()], bytes: 0 };
    find_each(http, &asked, &mut copies)?;
    Ok(copies.profiles)
}

/// Who wants to know which profiles were found.
pub(super) trait Finder {
    /// The identifier at a position is this profile's.
    fn found(&mut self, position: usize, profile: &Profile) -> Result<(), Box<Error>>;

    /// Klaviyo refuses a request that looks up more than one identifier. True: look each up by itself.
    fn goes_on_alone(&self) -> bool {
        false
    }

    /// Klaviyo refuses to look the identifier at a position up.
    fn refused(&mut self, position: usize, error: Box<Error>) -> Result<(), Box<Error>>;
}

/// Finds the profiles of checked identifiers.
pub(super) fn find_each(
    http: &mut dyn Http,
    asked: &[Identifier],
    finder: &mut dyn Finder,
) -> Result<(), Box<Error>> {
    for field in Identifier::FIELDS {
        let mut search = Search::default();
        for (position, identifier) in asked.iter().enumerate() {
            if identifier.field().0 != field {
                continue;
            }
            if !search.add(position, identifier) {
                search.send(http, field, finder)?;
                search = Search::default();
                search.add(position, identifier);
            }
        }
        search.send(http, field, finder)?;
    }
    Ok(())
}

/// The found profiles, and their size.
struct Copies {
    profiles: Vec<Option<Profile>>,
    bytes: usize,
}

impl Finder for Copies {
    /// Keeps a copy, unless all copies are more than a call can return.
    fn found(&mut self, position: usize, profile: &Profile) -> Result<(), Box<Error>> {
        self.bytes += profile.properties.len() + size_of::<Profile>();
        if self.bytes > paging::MAX_BYTES {
            return Err(paging::too_large());
        }
        if let Some(slot) = self.profiles.get_mut(position) {
            *slot = Some(profile.clone());
        }
        Ok(())
    }

    fn refused(&mut self, _: usize, error: Box<Error>) -> Result<(), Box<Error>> {
        Err(error)
    }
}

/// One request for profiles with identifiers of one kind.
#[derive(Default)]
struct Search<'a> {
    values: Vec<Value<'a>>,
    /// Bytes of the encoded values.
    bytes: usize,
}

/// An identifier to look up.
struct Value<'a> {
    identifier: &'a Identifier,
    quoted: String,
    /// Its positions in the argument: an identifier may be there more than once.
    positions: Vec<usize>,
    is_found: bool,
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
        self.values.push(Value { identifier, quoted, positions: vec![position], is_found: false });
        true
    }

    fn send(mut self, http: &mut dyn Http, field: &str, finder: &mut dyn Finder) -> Result<(), Box<Error>> {
        if self.values.is_empty() {
            return Ok(());
        }
        let quoted: Vec<&str> = self.values.iter().map(|value| value.quoted.as_str()).collect();
        let first = get_profiles(field, &quoted);
        let (mut strange, mut failure) = (false, None);
        let read = paging::each(http, first, get_profiles_at, &mut |profile| {
            let mut wanted = false;
            for value in self.values.iter_mut().filter(|value| value.identifier.is_of(&profile)) {
                wanted = true;
                // If several profiles have it, the first counts, as in `lookup`.
                if failure.is_none() && !value.is_found {
                    value.is_found = true;
                    failure = value.found(&profile, finder).err();
                }
            }
            strange |= !wanted;
            Ok(if failure.is_some() { Wanted::Enough } else { Wanted::More })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let each_alone = match read {
            // The answer has a profile that matches no value as text: Klaviyo treats some spellings as equal.
            Ok(_) => strange,
            Err(error) if error.code == Code::Rejected && finder.goes_on_alone() => {
                if let [value] = self.values.as_slice() {
                    return value.refused(&error, finder);
                }
                true
            }
            Err(error) => return Err(error),
        };
        for value in self.values.iter().filter(|value| each_alone && !value.is_found) {
            match find(http, value.identifier) {
                Ok(Some(profile)) => value.found(&profile, finder)?,
                Ok(None) => {}
                Err(error) if error.code == Code::Rejected && finder.goes_on_alone() => {
                    value.refused(&error, finder)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Value<'_> {
    fn found(&self, profile: &Profile, finder: &mut dyn Finder) -> Result<(), Box<Error>> {
        self.positions.iter().try_for_each(|position| finder.found(*position, profile))
    }

    fn refused(&self, error: &Error, finder: &mut dyn Finder) -> Result<(), Box<Error>> {
        self.positions.iter().try_for_each(|position| finder.refused(*position, Box::new(error.clone())))
    }
}
