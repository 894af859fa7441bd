//! Lateness: what has happened, but is not visible to readers yet.

use crate::account::Account;
use crate::chance::draw;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// What waits to become visible.
#[derive(Debug)]
pub(crate) enum Hidden {
    /// The event with this number.
    Event(usize),
    /// A membership: the list and the profile.
    Membership(String, String),
    /// A change of the profile at this position, and the number of the change.
    Change(usize, u64),
    /// The place of the profile at this position in the order of changes.
    Place(usize),
}

/// The delays of an account, and what they hide.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    /// The longest delay; nought: nothing is late.
    most: Duration,
    seed: u64,
    /// The number of delays so far.
    drawn: u64,
    /// The number of things that were hidden so far.
    hidden: u64,
    /// By the time at which it becomes visible, and its number.
    waiting: BTreeMap<(Duration, u64), Hidden>,
    memberships: HashSet<(String, String)>,
}

impl Account {
    /// From now on events, memberships of lists and changes of profiles become visible late: each after a
    /// time of its own of up to `most`, so not in the order in which they happened. Their times still say
    /// when they happened. The seed decides about the times. With [`Duration::ZERO`], the default, nothing
    /// is late.
    ///
    /// Late are the answers about events, about the members of a list, and about profiles that are not asked
    /// for by an identifier. Whoever asks for a profile by its id or another identifier gets it as it is.
    ///
    /// The order of changes is later than the profiles in it: for the last quarter of its delay, a changed
    /// profile is at its old place with its new time. Unproven: that Klaviyo does so.
    pub fn set_lateness(&mut self, most: Duration, seed: u64) {
        self.lateness.most = most;
        self.lateness.seed = seed;
    }

    pub(crate) fn is_late(&self) -> bool {
        !self.lateness.most.is_zero()
    }

    /// Hides something until its time has come.
    pub(crate) fn hide(&mut self, hidden: Hidden) {
        let delay = self.delay();
        self.hide_for(delay, hidden);
    }

    /// Hides a change of the profile at a position; its number among all delays.
    pub(crate) fn hide_change(&mut self, position: usize) -> u64 {
        let delay = self.delay();
        let number = self.lateness.drawn;
        self.hide_for(delay.mul_f64(0.75), Hidden::Change(position, number));
        self.hide_for(delay, Hidden::Place(position));
        number
    }

    /// The next delay.
    fn delay(&mut self) -> Duration {
        let Lateness { most, seed, drawn, .. } = &mut self.lateness;
        *drawn += 1;
        most.mul_f64(draw(*seed, 0, *drawn))
    }

    fn hide_for(&mut self, delay: Duration, hidden: Hidden) {
        let due = self.clock.now().saturating_add(delay);
        let Lateness { waiting, hidden: count, .. } = &mut self.lateness;
        *count += 1;
        waiting.insert((due, *count), hidden);
    }

    /// Hides a new membership, if something is late.
    pub(crate) fn hide_membership(&mut self, list: &str, profile: &str) {
        if self.is_late() {
            let key = (list.to_owned(), profile.to_owned());
            self.lateness.memberships.insert(key.clone());
            self.hide(Hidden::Membership(key.0, key.1));
        }
    }

    /// Whether readers see that a profile is on a list.
    pub(crate) fn shows_membership(&self, list: &str, profile: &str) -> bool {
        // Without a copy of both if nothing is hidden, which is usual.
        let hidden = &self.lateness.memberships;
        hidden.is_empty() || !hidden.contains(&(list.to_owned(), profile.to_owned()))
    }

    /// Shows what is due.
    pub(crate) fn show_what_was_late(&mut self) {
        let now = self.clock.now();
        while let Some(first) = self.lateness.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            match first.remove() {
                Hidden::Event(number) => self.events.show(number),
                Hidden::Membership(list, profile) => {
                    self.lateness.memberships.remove(&(list, profile));
                }
                Hidden::Change(position, number) => self.show_change(position, number),
                Hidden::Place(position) => self.place(position),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::time::SystemTime;

    /// The seconds after which each of ten memberships is visible.
    fn seconds(seed: u64) -> Vec<u64> {
        let mut account = Account::demo();
        account.clock = Clock::stopped(SystemTime::UNIX_EPOCH);
        account.set_lateness(Duration::from_secs(10), seed);
        let ids: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        ids.iter().for_each(|id| account.join("Y6nRLr", id));
        let mut seen = vec![None; ids.len()];
        for second in 0..=10 {
            account.settle();
            for (id, seen) in ids.iter().zip(&mut seen) {
                if account.shows_membership("Y6nRLr", id) {
                    seen.get_or_insert(second);
                }
            }
            account.clock.advance(Duration::from_secs(1));
        }
        seen.into_iter().map(Option::unwrap).collect()
    }

    #[test]
    fn each_has_a_delay_of_its_own_from_the_seed() {
        let delays = seconds(7);
        assert!(!delays.is_sorted(), "{delays:?} is in the order of what happened");
        assert_eq!(delays, seconds(7));
        assert_ne!(delays, seconds(8));
    }

    #[test]
    fn nothing_is_late_unless_it_is_asked_for() {
        let mut account = Account::demo();
        account.join("Y6nRLr", "a");
        assert!(account.shows_membership("Y6nRLr", "a"));
        assert!(account.lateness.waiting.is_empty());
    }
}
