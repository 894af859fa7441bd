//! Finds many profiles in few requests.

use super::{absent_is_none, find};
use crate::encode::FilterValues;
use crate::operation::consents::{Subscriber, get_subscriber, get_subscribers, get_subscribers_at};
use crate::operation::profiles::{get_profiles, get_profiles_at};
use crate::paging::{self, Wanted};
use crate::{Channel, Code, Error, Http, Identifier, Profile};
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

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
    /// The identifier at a position is this profile's. `subscribed` are the channels of its consent to marketing, where
    /// the finder asks for them.
    fn found(&mut self, position: usize, profile: &Profile, subscribed: &[Channel])
    -> Result<(), Box<Error>>;

    /// Whether the profiles are asked for with their consent.
    fn asks_for_consent(&self) -> bool {
        false
    }

    /// Klaviyo refuses a request that looks up more than one identifier. True: look each up by itself.
    fn goes_on_alone(&self) -> bool {
        false
    }

    /// Klaviyo refuses to look the identifier at a position up.
    fn refused(&mut self, position: usize, error: Box<Error>) -> Result<(), Box<Error>>;
}

/// What tells two people apart. Klaviyo ignores the case of an email.
pub(super) fn identity(identifier: &Identifier) -> String {
    match identifier {
        Identifier::Email(email) => email.to_ascii_lowercase(),
        other => format!("{} {}", other.field().0, other.field().1),
    }
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
    fn found(&mut self, position: usize, profile: &Profile, _: &[Channel]) -> Result<(), Box<Error>> {
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
    filter: FilterValues,
}

/// An identifier to look up.
struct Value<'a> {
    identifier: &'a Identifier,
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
        if !self.filter.add(identifier.field().1) {
            return false;
        }
        self.values.push(Value { identifier, positions: vec![position], is_found: false });
        true
    }

    fn send(mut self, http: &mut dyn Http, field: &str, finder: &mut dyn Finder) -> Result<(), Box<Error>> {
        if self.values.is_empty() {
            return Ok(());
        }
        let asks_for_consent = finder.asks_for_consent();
        let quoted = self.filter.quoted();
        let (mut strange, mut failure) = (false, None);
        let mut take = |profile: &Profile, subscribed: &[Channel]| {
            let mut wanted = false;
            for value in self.values.iter_mut().filter(|value| value.identifier.is_of(profile)) {
                wanted = true;
                // If several profiles have it, the first counts, as in `lookup`.
                if failure.is_none() && !value.is_found {
                    value.is_found = true;
                    failure = value.found(profile, subscribed, finder).err();
                }
            }
            strange |= !wanted;
            Ok(if failure.is_some() { Wanted::Enough } else { Wanted::More })
        };
        let read = if asks_for_consent {
            paging::each(http, get_subscribers(field, &quoted), get_subscribers_at, &mut |(
                profile,
                subscribed,
            )| {
                take(&profile, &subscribed)
            })
        } else {
            paging::each(http, get_profiles(field, &quoted), get_profiles_at, &mut |profile| {
                take(&profile, &[])
            })
        };
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
            match find_alone(http, value.identifier, asks_for_consent) {
                Ok(Some((profile, subscribed))) => value.found(&profile, &subscribed, finder)?,
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

/// Finds the profile of one identifier, with the channels of its consent where they are asked for.
fn find_alone(
    http: &mut dyn Http,
    by: &Identifier,
    asks_for_consent: bool,
) -> Result<Option<Subscriber>, Box<Error>> {
    if asks_for_consent {
        return absent_is_none(by, get_subscriber(by).send(http));
    }
    Ok(find(http, by)?.map(|profile| (profile, Vec::new())))
}

impl Value<'_> {
    fn found(
        &self,
        profile: &Profile,
        subscribed: &[Channel],
        finder: &mut dyn Finder,
    ) -> Result<(), Box<Error>> {
        self.positions.iter().try_for_each(|position| finder.found(*position, profile, subscribed))
    }

    fn refused(&self, error: &Error, finder: &mut dyn Finder) -> Result<(), Box<Error>> {
        self.positions.iter().try_for_each(|position| finder.refused(*position, Box::new(error.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Response};

    #[test]
    fn the_found_profiles_are_no_more_than_a_call_can_return() {
        let mut copies = Copies { profiles: vec![None; 3], bytes: 0 };
        let mut http = |_: Request| {
            let body = br#"{"data":{"type":"profile","id":"01X","attributes":{}}}"#.to_vec();
            Ok(Response { status: 200, headers: Vec::new(), body })
        };
        let mut half = crate::contacts::lookup(&mut http, &Identifier::Id("01X".into())).unwrap().unwrap();
        half.properties = "x".repeat(paging::MAX_BYTES / 2 - size_of::<Profile>());
        let mut found = |position| copies.found(position, &half, &[]).map_err(|error| error.code);
        assert_eq!([found(0), found(1), found(2)], [Ok(()), Ok(()), Err(Code::TooLarge)]);
    }
}
