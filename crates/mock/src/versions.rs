//! The profiles as readers of the whole collection see them, in the order of their last change: with
//! lateness, an earlier version of some, and not yet some new ones.

use crate::account::Account;
use crate::keyset::Key;
use crate::profile::Profile;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The versions that readers see.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// By the position alone.
    by_creation: BTreeSet<Key>,
    /// By `updated` and the position. With lateness it is later than the profiles.
    by_change: BTreeSet<Key>,
    /// The `updated` in it, by the position.
    updated: HashMap<usize, String>,
    /// The profiles of which readers see another version than the present one.
    late: HashMap<usize, Late>,
}

#[derive(Debug)]
struct Late {
    /// None: readers do not see the profile yet.
    shown: Option<Profile>,
    /// The changes that are not visible yet, in the order in which they happened.
    changes: VecDeque<Change>,
}

#[derive(Debug)]
struct Change {
    number: u64,
    /// The profile after the change; none: as it is now.
    version: Option<Profile>,
}

impl Account {
    /// Notes that a profile changes now. To be called before the change, so that readers can go on seeing
    /// the version before it. Changes within one second are one change, as `updated` has whole seconds.
    pub(crate) fn touch(&mut self, position: usize) {
        let now = self.clock.timestamp();
        if !self.is_late() && !self.versions.late.contains_key(&position) {
            if let Some(profile) = self.profile_at_mut(position) {
                profile.updated.clone_from(&now);
                self.versions.appear(position);
                self.versions.place(position, now);
            }
            return;
        }
        let known = self.versions.by_creation.contains(&(String::new(), position));
        let Some(profile) = self.profile_at(position) else { return };
        let late = self.versions.late.get(&position);
        if late.is_some() && profile.updated == now {
            return;
        }
        let present = profile.clone();
        let number = self.hide_change(position);
        let late = self.versions.late.entry(position);
        let late = match late {
            Entry::Occupied(entry) => {
                let late = entry.into_mut();
                if let Some(last) = late.changes.back_mut() {
                    last.version = Some(present);
                }
                late
            }
            Entry::Vacant(entry) => {
                entry.insert(Late { shown: known.then_some(present), changes: VecDeque::new() })
            }
        };
        late.changes.push_back(Change { number, version: None });
        if let Some(profile) = self.profile_at_mut(position) {
            profile.updated = now;
        }
    }

    /// Shows a change, unless readers have seen a later one.
    pub(crate) fn show_change(&mut self, position: usize, number: u64) {
        let Some(late) = self.versions.late.get_mut(&position) else { return };
        let Some(change) = late.changes.iter().position(|change| change.number == number) else { return };
        let last = late.changes.drain(..=change).next_back();
        match last.and_then(|change| change.version) {
            Some(version) => late.shown = Some(version),
            None => _ = self.versions.late.remove(&position),
        }
        self.versions.appear(position);
    }

    /// Moves a profile to the place where the version that readers see belongs.
    pub(crate) fn place(&mut self, position: usize) {
        if let Some(updated) = self.shown_profile(position).map(|profile| profile.updated.clone()) {
            self.versions.place(position, updated);
        }
    }

    /// The profile at a position as readers of the collection see it; none if they do not. A deleted one is
    /// gone at once.
    pub(crate) fn shown_profile(&self, position: usize) -> Option<&Profile> {
        let present = self.profile_at(position)?;
        self.versions.late.get(&position).map_or(Some(present), |late| late.shown.as_ref())
    }

    /// The positions of the profiles that readers see, by the `updated` that the order knows of.
    pub(crate) fn profiles_by_change(&self) -> &BTreeSet<Key> {
        &self.versions.by_change
    }

    /// The same in the order in which they were created, with empty texts.
    pub(crate) fn profiles_by_creation(&self) -> &BTreeSet<Key> {
        &self.versions.by_creation
    }
}

impl Versions {
    /// Hides a profile for ever.
    pub(crate) fn forget(&mut self, position: usize) {
        self.late.remove(&position);
        self.by_creation.remove(&(String::new(), position));
        if let Some(updated) = self.updated.remove(&position) {
            self.by_change.remove(&(updated, position));
        }
    }

    /// Shows that there is a profile.
    fn appear(&mut self, position: usize) {
        self.by_creation.insert((String::new(), position));
    }

    fn place(&mut self, position: usize, updated: String) {
        if let Some(before) = self.updated.insert(position, updated.clone()) {
            self.by_change.remove(&(before, position));
        }
        self.by_change.insert((updated, position));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use serde_json::{Map, Value, json};
    use std::time::{Duration, SystemTime};

    fn named(name: &str) -> Map<String, Value> {
        json!({ "first_name": name }).as_object().unwrap().clone()
    }

    fn account(most: u64, seed: u64) -> Account {
        let mut account = Account::demo();
        account.clock = Clock::stopped(SystemTime::UNIX_EPOCH);
        account.set_lateness(Duration::from_secs(most), seed);
        account
    }

    /// What readers see in each second of two changes, one second apart, and at the end.
    fn seen(seed: u64) -> Vec<Option<String>> {
        let mut account = account(6, seed);
        let position = account.create(named("first"));
        let mut seen = Vec::new();
        for second in 0..=8 {
            if second == 1 {
                account.write(position, named("second"));
            }
            account.settle();
            let shown = account.shown_profile(position);
            seen.push(shown.map(|profile| profile.attributes["first_name"].as_str().unwrap().to_owned()));
            account.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(account.profiles_by_change().len(), 1);
        assert!(account.versions.late.is_empty());
        seen
    }

    #[test]
    fn a_change_is_seen_late_and_never_undone() {
        let mut ways = BTreeSet::new();
        for seed in 0..50 {
            let mut seen = seen(seed);
            assert_eq!(seen.last().unwrap().as_deref(), Some("second"), "seed {seed}");
            assert!(seen.is_sorted(), "seed {seed}: {seen:?}");
            seen.dedup();
            ways.insert(seen.into_iter().flatten().collect::<Vec<_>>());
        }
        // Some readers see both versions; others never see the first one, since the second overtakes it.
        assert!(ways.contains(&vec!["first".to_owned(), "second".to_owned()]));
        assert!(ways.contains(&vec!["second".to_owned()]));
    }

    #[test]
    fn an_index_has_each_profile_once() {
        let mut account = account(0, 0);
        let (a, b) = (account.create(named("a")), account.create(named("b")));
        account.clock.advance(Duration::from_secs(1));
        account.write(a, named("c"));
        let positions: Vec<usize> = account.profiles_by_change().iter().map(|(_, p)| *p).collect();
        assert_eq!(positions, [b, a]);
        let positions: Vec<usize> = account.profiles_by_creation().iter().map(|(_, p)| *p).collect();
        assert_eq!(positions, [a, b]);
    }
}
