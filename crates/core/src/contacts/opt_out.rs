//! Opts people out: takes their consent, and takes them off lists.

use super::is_missing;
use super::leaver::Leaver;
use super::lookup::{Finder, find_each};
use super::verdict::{Notes, of_each};
use crate::encode::FilterValues;
use crate::operation::lists::{get_lists_of_profile, get_lists_of_profile_at};
use crate::operation::members::{get_members_with, get_members_with_at, remove_profiles_from_list};
use crate::{
    Audience, Channel, Departure, Departures, Detail, Error, Http, Identifier, Profile, Removal, check,
    consent, membership, paging,
};
use alloc::collections::BTreeMap;
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Klaviyo's limit on the people of one unsubscription.
const PEOPLE: usize = 100;

/// Looks people up, takes their consent to marketing on the channels, and takes them off the lists.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, and the errors of Klaviyo and of the transport, when nothing was
/// taken. Later failures are in [`Departures::stopped`].
pub fn opt_out(
    http: &mut dyn Http,
    people: &[Identifier],
    channels: &[Channel],
    lists: &[String],
) -> Result<Departures, Box<Error>> {
    if channels.is_empty() && lists.is_empty() {
        return Err(Error::invalid("channels", "no channel is named, and no list; name what to take"));
    }
    channels.iter().try_for_each(check::channel)?;
    for (position, list) in lists.iter().enumerate() {
        check::path_segment(&format!("lists/{position}"), list)?;
    }
    let mut call = Call {
        channels: each_once(channels),
        lists: each_once(lists),
        leavers: Vec::new(),
        by_key: BTreeMap::new(),
        is_any_answered: false,
        missing_lists: Vec::new(),
        warnings: Vec::new(),
    };
    let people = call.find(http, people)?;
    call.ask(http)?;
    let stopped = match call.revoke(http).and_then(|()| call.remove(http)) {
        Ok(()) => None,
        Err(error) if !call.is_any_answered => return Err(error),
        Err(error) => Some(error.after("a part of the call was done")),
    };
    let outcomes = people.into_iter().filter_map(|person| match person {
        Ok(position) => call.leavers.get(position).map(Leaver::outcome),
        Err(reason) => Some(Departure::Refused(reason)),
    });
    let outcomes = outcomes.collect();
    Ok(Departures { outcomes, missing_lists: call.missing_lists, warnings: call.warnings, stopped })
}

fn each_once<T: Clone + PartialEq>(items: &[T]) -> Vec<T> {
    let mut each: Vec<T> = Vec::new();
    for item in items {
        if !each.contains(item) {
            each.push(item.clone());
        }
    }
    each
}

struct Call {
    channels: Vec<Channel>,
    lists: Vec<String>,
    /// Each person once.
    leavers: Vec<Leaver>,
    /// The positions of people, by their keys.
    by_key: BTreeMap<String, usize>,
    /// Whether Klaviyo has taken or refused to take anything.
    is_any_answered: bool,
    missing_lists: Vec<String>,
    warnings: Vec<String>,
}

impl Call {
    /// Finds the profiles. Returns where each person of the argument is, or why it was refused.
    fn find(
        &mut self,
        http: &mut dyn Http,
        people: &[Identifier],
    ) -> Result<Vec<Result<usize, Detail>>, Box<Error>> {
        let mut found = Vec::with_capacity(people.len());
        let (mut asked, mut positions) = (Vec::new(), Vec::new());
        for (position, identifier) in people.iter().enumerate() {
            found.push(match identifier.cleaned() {
                Ok(identifier) => {
                    let unknown = Leaver::unknown(&identifier);
                    asked.push(identifier);
                    positions.push(position);
                    Ok(unknown)
                }
                Err(error) => Err(error.reason()),
            });
        }
        find_each(http, &asked, &mut Known { found: &mut found, positions })?;
        Ok(found.into_iter().map(|found| found.map(|leaver| self.position(leaver))).collect())
    }

    /// The position of a person, who is added unless there already.
    fn position(&mut self, leaver: Leaver) -> usize {
        let position = *self.by_key.entry(leaver.key().to_owned()).or_insert(self.leavers.len());
        if position == self.leavers.len() {
            self.leavers.push(leaver);
        }
        position
    }

    /// Finds out who is on which of the lists.
    fn ask(&mut self, http: &mut dyn Http) -> Result<(), Box<Error>> {
        let mut searches: Vec<(&'static str, FilterValues)> = Vec::new();
        for (field, value) in self.leavers.iter().filter_map(Leaver::address_of_profile) {
            let has_room = match searches.iter_mut().rfind(|(own, _)| *own == field) {
                Some((_, values)) => values.add(value),
                None => false,
            };
            if !has_room {
                let mut values = FilterValues::default();
                values.add(value);
                searches.push((field, values));
            }
        }
        for list in self.lists.clone() {
            for (field, values) in &searches {
                let first = get_members_with(&list, field, &values.quoted());
                let read = paging::each(http, first, get_members_with_at, &mut |profile| {
                    if let Some(leaver) = self.by_key.get(&Leaver::key_of(&profile.id)) {
                        self.leavers.get_mut(*leaver).into_iter().for_each(|leaver| leaver.is_on(&list));
                    }
                    Ok(paging::Wanted::More)
                });
                match read {
                    Ok(_) => {}
                    Err(error) if is_missing(&error) => {
                        self.has_no(&list);
                        break;
                    }
                    Err(error) => return Err(error.about_list(&list)),
                }
            }
        }
        // A list cannot be asked for those of whom nothing but an id is known.
        let lists = &self.lists;
        for leaver in self.leavers.iter_mut().filter(|_| !lists.is_empty()) {
            let Some(id) = leaver.without_an_address() else { continue };
            match paging::collect(http, get_lists_of_profile(id), get_lists_of_profile_at) {
                Ok(own) => {
                    let is_named = |list: &Audience| lists.contains(&list.id);
                    own.iter().filter(|list| is_named(list)).for_each(|list| leaver.is_on(&list.id));
                }
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The account does not have this list, and so nobody is on it.
    fn has_no(&mut self, list: &str) {
        self.leavers.iter_mut().for_each(|leaver| leaver.is_off(list));
        self.missing_lists.push(list.to_owned());
    }

    /// Takes the consent of all who can be told apart by an address.
    fn revoke(&mut self, http: &mut dyn Http) -> Result<(), Box<Error>> {
        let (mut rows, mut reached) = (Vec::new(), Vec::new());
        for leaver in &mut self.leavers {
            match leaver.unsubscription(&self.channels) {
                Some(row) => {
                    rows.push(row);
                    reached.push(leaver);
                }
                None => leaver.revoked(&self.channels, &|_| None),
            }
        }
        let mut reached = reached.into_iter();
        let Notes { mut warnings, stopped } = of_each(
            &rows,
            PEOPLE,
            &mut |people| consent::unsubscribe(http, people, None),
            &mut |_, refused| {
                self.is_any_answered = true;
                reached.next().into_iter().for_each(|leaver| leaver.revoked(&self.channels, refused));
            },
        );
        self.warnings.append(&mut warnings);
        stopped.map_or(Ok(()), Err)
    }

    /// Takes people off the lists that they are on.
    fn remove(&mut self, http: &mut dyn Http) -> Result<(), Box<Error>> {
        for list in self.lists.clone() {
            let members = self.leavers.iter().filter_map(|leaver| leaver.member_of(&list));
            let members: Vec<String> = members.map(str::to_owned).collect();
            let removed = membership::change_each(
                http,
                &list,
                &members,
                remove_profiles_from_list,
                &mut |ids, outcome| {
                    self.is_any_answered = true;
                    let parts = outcome.as_ref().map_or(&[][..], |parts| parts);
                    self.warnings.extend(parts.iter().map(|part| {
                        format!("{part}: Klaviyo did not take this of a removal from the list {list}")
                    }));
                    let refused = outcome.err();
                    for position in ids.iter().filter_map(|id| self.by_key.get(&Leaver::key_of(id))) {
                        if let Some(leaver) = self.leavers.get_mut(*position) {
                            leaver.removed(Removal { list: list.clone(), refused: refused.clone() });
                        }
                    }
                },
            );
            match removed {
                Ok(()) => {}
                Err(error) if is_missing(&error) => self.has_no(&list),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Keeps who is found.
struct Known<'a> {
    found: &'a mut [Result<Leaver, Detail>],
    /// The positions of the identifiers among the people.
    positions: Vec<usize>,
}

impl Known<'_> {
    fn keep(&mut self, position: usize, leaver: Result<Leaver, Detail>) {
        let slot = self.positions.get(position).and_then(|position| self.found.get_mut(*position));
        slot.into_iter().for_each(|slot| *slot = leaver.clone());
    }
}

impl Finder for Known<'_> {
    fn found(
        &mut self,
        position: usize,
        profile: &Profile,
        subscribed: &[Channel],
    ) -> Result<(), Box<Error>> {
        self.keep(position, Ok(Leaver::known(profile, subscribed)));
        Ok(())
    }

    fn asks_for_consent(&self) -> bool {
        true
    }

    fn goes_on_alone(&self) -> bool {
        true
    }

    fn refused(&mut self, position: usize, error: Box<Error>) -> Result<(), Box<Error>> {
        self.keep(position, Err(error.reason()));
        Ok(())
    }
}
