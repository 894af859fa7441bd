//! Opts many people in, in few requests.

use super::create_checked;
use super::lookup::{Finder, find_each, identity};
use super::permission::give;
use crate::jsonapi::Attributes;
use crate::membership::{self, Changed};
use crate::operation::members::add_profiles_to_list;
use crate::{
    Channel, Code, Creation, Detail, Enrollment, Enrollments, Error, Http, NewProfile, Permission, Profile,
    Receipt, Subscription, check,
};
use alloc::collections::BTreeMap;
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

/// Looks contacts up, creates those that have no profile, adds all to the list, and gives their consent.
///
/// # Errors
/// As [`opt_in`](super::opt_in), when no contact is on the list yet. Later failures are in [`Enrollments::stopped`].
pub fn opt_in_many(
    http: &mut dyn Http,
    contacts: &[NewProfile],
    list: &str,
    consent: Option<&Permission>,
) -> Result<Enrollments, Box<Error>> {
    let list = check::path_segment("list", list)?;
    consent.map(Permission::check).transpose()?;
    let mut people = People { list, all: Vec::with_capacity(contacts.len()), created: 0 };
    people.all.extend(contacts.iter().map(|contact| match Person::new(contact, consent) {
        Ok(person) => person,
        Err(error) => Person::refused(error.reason()),
    }));
    people.find(http)?;
    let mut stopped = match people.create(http).and_then(|()| people.add(http)) {
        Ok(stopped) => stopped,
        Err(error) if people.created == 0 => return Err(error),
        Err(error) => {
            let created = people.created;
            return Err(error.after(&format!("{created} profiles were created and are on no list yet")));
        }
    };
    if let Some(permission) = consent {
        stopped = people.give(http, permission).or(stopped);
    }
    Ok(Enrollments { outcomes: people.all.into_iter().map(Person::outcome).collect(), stopped })
}

/// Where something is, by a text.
type Positions = BTreeMap<String, usize>;

fn text(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// How far a contact is.
enum State {
    /// It is not known whether there is a profile, or there is none.
    Absent,
    /// There is a profile.
    Known(Receipt),
    /// The profile is on the list, and its consent is dealt with.
    Enrolled(Receipt),
    Refused(Detail),
}

/// A contact.
struct Person<'a> {
    attributes: Attributes<'a>,
    /// Its consent, if it gives any.
    subscription: Option<Subscription>,
    state: State,
}

impl<'a> Person<'a> {
    fn new(contact: &'a NewProfile, consent: Option<&Permission>) -> Result<Self, Box<Error>> {
        let attributes = check::contact(contact)?;
        let subscription = consent.map(|permission| permission.subscription(&attributes)).transpose()?;
        Ok(Self { attributes, subscription, state: State::Absent })
    }

    fn refused(reason: Detail) -> Self {
        Self { attributes: Attributes::default(), subscription: None, state: State::Refused(reason) }
    }

    fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent)
    }

    /// The id of the profile, if it is known and not on the list yet.
    fn known(&self) -> Option<&str> {
        match &self.state {
            State::Known(receipt) => Some(&receipt.profile_id),
            _ => None,
        }
    }

    fn outcome(self) -> Enrollment {
        match self.state {
            State::Absent | State::Known(_) => Enrollment::Pending,
            State::Enrolled(receipt) => Enrollment::Enrolled(receipt),
            State::Refused(reason) => Enrollment::Refused(reason),
        }
    }
}

/// The contacts of a call.
struct People<'a> {
    list: &'a str,
    all: Vec<Person<'a>>,
    /// The number of profiles that this call has created.
    created: u32,
}

/// Whether a failure is about the one contact whose request it was.
fn is_of_one(error: &Error) -> bool {
    matches!(error.code, Code::Rejected | Code::Conflict)
}

impl People<'_> {
    /// Finds the profiles that exist.
    fn find(&mut self, http: &mut dyn Http) -> Result<(), Box<Error>> {
        let (mut asked, mut positions) = (Vec::new(), Vec::new());
        for (position, person) in self.all.iter().enumerate() {
            if let Some(identifier) = person.attributes.identifier() {
                asked.push(identifier);
                positions.push(position);
            }
        }
        find_each(http, &asked, &mut Known { people: self, positions })
    }

    /// Creates the profiles of those who have none, each person once.
    fn create(&mut self, http: &mut dyn Http) -> Result<(), Box<Error>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut known = Positions::new();
        for (position, person) in self.all.iter().enumerate().filter(|(_, person)| person.is_absent()) {
            let Some(key) = person.attributes.identifier().as_ref().map(identity) else { continue };
            let group = *known.entry(key).or_insert(groups.len());
            match groups.get_mut(group) {
                Some(positions) => positions.push(position),
                None => groups.push(vec![position]),
            }
        }
        for positions in groups {
            let mut creation: Option<Creation> = None;
            for position in positions {
                let Some(person) = self.all.get_mut(position) else { continue };
                let contact = &person.attributes;
                person.state = match &creation {
                    Some(Creation::Created(profile)) => {
                        State::Known(Receipt::of_existing(contact, self.list, profile))
                    }
                    Some(existing) => {
                        State::Known(Receipt::of_creation(contact, self.list, existing.clone()))
                    }
                    None => match create_checked(http, contact) {
                        Ok(made) => {
                            if matches!(made, Creation::Created(_)) {
                                self.created = self.created.saturating_add(1);
                            }
                            creation = Some(made.clone());
                            State::Known(Receipt::of_creation(contact, self.list, made))
                        }
                        Err(error) if is_of_one(&error) => State::Refused(error.reason()),
                        Err(error) => return Err(error),
                    },
                };
            }
        }
        Ok(())
    }

    /// Adds the known profiles to the list, each once. Returns the failure that came after an addition.
    fn add(&mut self, http: &mut dyn Http) -> Result<Option<Box<Error>>, Box<Error>> {
        let mut seen = Positions::new();
        let ids = self.all.iter().filter_map(|person| person.known().map(String::from));
        let ids: Vec<String> = ids.filter(|id| seen.insert(id.clone(), 0).is_none()).collect();
        let (list, mut is_any_added) = (self.list, false);
        let mut added = |chunk: &[String], outcome: Changed<'_>| match outcome {
            Ok(parts) => {
                is_any_added = true;
                self.added(chunk, parts);
            }
            Err(reason) => self.refused(chunk, &reason),
        };
        match membership::change_each(http, list, &ids, add_profiles_to_list, &mut added) {
            Ok(()) => Ok(None),
            Err(error) if is_any_added => Ok(Some(error.after("a part of the contacts is on the list"))),
            Err(error) => Err(error),
        }
    }

    /// Klaviyo refuses these profiles.
    fn refused(&mut self, ids: &[String], reason: &Detail) {
        let is_meant =
            |person: &&mut Person<'_>| person.known().is_some_and(|id| ids.iter().any(|own| own == id));
        for person in self.all.iter_mut().filter(is_meant) {
            person.state = State::Refused(reason.clone());
        }
    }

    /// The profiles of a request are on the list.
    fn added(&mut self, ids: &[String], parts: &[String]) {
        let mut added = Positions::new();
        added.extend(ids.iter().map(|id| (id.clone(), 0)));
        for person in &mut self.all {
            if !person.known().is_some_and(|id| added.contains_key(id)) {
                continue;
            }
            if let State::Known(mut receipt) = core::mem::replace(&mut person.state, State::Absent) {
                receipt.added(parts);
                person.state = State::Enrolled(receipt);
            }
        }
    }

    /// Gives the consent of those who are on the list. Those whom a failure leaves without are pending again.
    fn give(&mut self, http: &mut dyn Http, permission: &Permission) -> Option<Box<Error>> {
        let mut subscriptions: Vec<Subscription> = Vec::new();
        let mut of_person = Vec::with_capacity(self.all.len());
        let mut known = Positions::new();
        for person in &mut self.all {
            let (State::Enrolled(receipt), Some(mut subscription)) =
                (&person.state, person.subscription.take())
            else {
                of_person.push(None);
                continue;
            };
            subscription.id = Some(receipt.profile_id.clone());
            let key =
                [receipt.profile_id.as_str(), text(&subscription.email), text(&subscription.phone_number)]
                    .join("\n");
            let position = *known.entry(key).or_insert(subscriptions.len());
            if position == subscriptions.len() {
                subscriptions.push(subscription);
            }
            of_person.push(Some(position));
        }
        let given = give(http, &subscriptions, self.list, permission);
        for (person, position) in self.all.iter_mut().zip(of_person) {
            let Some(position) = position else { continue };
            match (given.permitted.get(position), &mut person.state) {
                (Some(permitted), State::Enrolled(receipt)) => {
                    receipt.consent.clone_from(permitted);
                    receipt.warnings.extend(given.warnings.iter().cloned());
                }
                _ => person.state = State::Absent,
            }
        }
        given.stopped.map(|error| error.after("contacts without a receipt are on the list, without consent"))
    }
}

/// Keeps what is found.
struct Known<'p, 'a> {
    people: &'p mut People<'a>,
    /// The positions of the identifiers among the contacts.
    positions: Vec<usize>,
}

impl<'a> Known<'_, 'a> {
    fn person(&mut self, position: usize) -> Option<&mut Person<'a>> {
        let position = self.positions.get(position)?;
        self.people.all.get_mut(*position)
    }
}

impl Finder for Known<'_, '_> {
    fn found(&mut self, position: usize, profile: &Profile, _: &[Channel]) -> Result<(), Box<Error>> {
        let list = self.people.list;
        if let Some(person) = self.person(position) {
            person.state = State::Known(Receipt::of_existing(&person.attributes, list, profile));
        }
        Ok(())
    }

    fn goes_on_alone(&self) -> bool {
        true
    }

    fn refused(&mut self, position: usize, error: Box<Error>) -> Result<(), Box<Error>> {
        if let Some(person) = self.person(position) {
            person.state = State::Refused(error.reason());
        }
        Ok(())
    }
}
