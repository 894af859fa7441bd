//! Carries out accepted changes of consent.

use crate::account::Account;
use crate::consent::{Channel, Consent, Message, OptIn, State, Suppression};
use crate::profile::Profile;
use serde_json::{Map, Value};
use std::time::Duration;

/// A change of consent that Klaviyo has accepted.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) accepted: Duration,
    pub(crate) to: State,
    pub(crate) list: Option<String>,
    /// Whether the consent was given earlier, elsewhere: then nobody is asked to confirm.
    pub(crate) historical: bool,
    pub(crate) source: Option<String>,
    pub(crate) people: Vec<Person>,
}

#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: Option<String>,
    /// The email and the phone number.
    pub(crate) attributes: Map<String, Value>,
    /// The kinds of messages, and when the person agreed to each.
    pub(crate) messages: Vec<(Channel, Message, Option<String>)>,
}

impl Account {
    /// Carries out the changes that are due.
    pub(crate) fn run_changes(&mut self) {
        while let Some(change) = self.changes.pop_front() {
            if self.clock.now() < change.accepted.saturating_add(self.job_delay) {
                self.changes.push_front(change);
                return;
            }
            for person in &change.people {
                match change.to {
                    State::Unsubscribed => self.revoke(&change, person),
                    _ => self.grant(&change, person),
                }
            }
        }
    }

    fn grant(&mut self, change: &Change, person: &Person) {
        let list = change.list.as_deref();
        let opt_in = list.and_then(|id| self.lists.get(id)).map_or(self.opt_in, |list| list.opt_in);
        let double = opt_in == OptIn::Double && !change.historical;
        let position = match self.known(person) {
            Some(position) => position,
            // A new person is ignored: there is no list to join and no earlier consent.
            None if list.is_none() && !change.historical => return,
            // No profile has this id.
            None if person.id.is_some() => return,
            None => self.create(person.attributes.clone()),
        };
        let now = self.clock.timestamp();
        self.touch(position);
        let Some(profile) = self.profile_at_mut(position) else { return };
        let mut waits = false;
        for (channel, message, at) in &person.messages {
            let consent = Consent {
                state: if double { State::Unconfirmed } else { State::Subscribed },
                since: Some(at.clone().unwrap_or_else(|| now.clone())),
                source: change.source.clone(),
                confirmed: false,
            };
            // A person who has agreed already need not confirm again.
            if double && profile.consents.get(&(*channel, *message)).is_some_and(Consent::is_given) {
                continue;
            }
            waits |= double;
            profile.set(*channel, *message, consent);
        }
        if waits {
            let new = list.filter(|id| !profile.unconfirmed.iter().any(|own| own == id));
            profile.unconfirmed.extend(new.map(str::to_owned));
            return;
        }
        // Unproven: a person who has agreed to everything already joins a double opt-in list at once. A
        // confirmation would change nothing.
        profile.unconfirmed.retain(|id| Some(id.as_str()) != list);
        profile.suppressions.retain(|(reason, _)| !reason.is_lifted());
        profile.list_suppressions.retain(|(id, _)| Some(id.as_str()) != list);
        let id = profile.id.clone();
        if let Some(list) = list {
            self.join(list, &id);
        }
    }

    /// Revokes consent: for one list if the person is on it, otherwise for all messages.
    fn revoke(&mut self, change: &Change, person: &Person) {
        let position = match self.known(person) {
            Some(position) => position,
            None if person.id.is_some() => return,
            // Somebody without a profile gets one, so that nobody subscribes them later.
            None => self.create(person.attributes.clone()),
        };
        let now = self.clock.timestamp();
        self.touch(position);
        let id = self.profile_at(position).map(|profile| profile.id.clone()).unwrap_or_default();
        let list = change.list.as_deref().and_then(|list| self.lists.get_mut(list));
        let left = list.and_then(|list| list.members.leave(&id).then(|| list.id.clone()));
        let Some(profile) = self.profile_at_mut(position) else { return };
        profile.unconfirmed.retain(|id| Some(id) != change.list.as_ref());
        if let Some(list) = left {
            profile.list_suppressions.push((list, now));
            return;
        }
        for (channel, message, _) in &person.messages {
            let consent = Consent {
                state: State::Unsubscribed,
                since: Some(now.clone()),
                source: change.source.clone(),
                confirmed: false,
            };
            profile.set(*channel, *message, consent);
            if (*channel, *message) == (Channel::Email, Message::Marketing) {
                suppress(profile, &now);
            }
        }
        // A later confirmation of something else must not add the person to the lists of the revoked consent.
        if !profile.waits() {
            profile.unconfirmed.clear();
        }
    }

    /// The position of the profile of a person.
    fn known(&self, person: &Person) -> Option<usize> {
        match &person.id {
            Some(id) => self.position_of("id", id),
            None => self.holders(&person.attributes).first().copied(),
        }
    }
}

fn suppress(profile: &mut Profile, now: &str) {
    if !profile.suppressions().contains(&Suppression::Unsubscribe) {
        profile.suppressions.push((Suppression::Unsubscribe, now.to_owned()));
    }
}
