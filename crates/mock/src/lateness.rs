//! Lateness: what has happened, but is not visible to readers yet.

use crate::account::Account;
use crate::faults::draw;
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
}

/// The delays of an account, and what they hide.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    /// The longest delay; nought: nothing is late.
    most: Duration,
    seed: u64,
    /// The number of delays so far.
    drawn: u64,
    /// By the time at which it becomes visible.
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
    pub fn set_lateness(&mut self, most: Duration, seed: u64) {
        self.lateness.most = most;
        self.lateness.seed = seed;
    }

    pub(crate) fn is_late(&self) -> bool {
        !self.lateness.most.is_zero()
    }

    /// Hides something until its time has come; its number among all delays.
    pub(crate) fn hide(&mut self, hidden: impl FnOnce(u64) -> Hidden) -> u64 {
        let now = self.clock.now();
        let Lateness { most, seed, drawn, waiting, .. } = &mut self.lateness;
        *drawn += 1;
        let delay = most.as_secs_f64() * draw(*seed, 0, *drawn);
        let delay = Duration::try_from_secs_f64(delay).unwrap_or(*most);
        waiting.insert((now.saturating_add(delay), *drawn), hidden(*drawn));
        *drawn
    }

    /// Hides a new membership, if something is late.
    pub(crate) fn hide_membership(&mut self, list: &str, profile: &str) {
        if self.is_late() {
            let key = (list.to_owned(), profile.to_owned());
            self.lateness.memberships.insert(key.clone());
            self.hide(|_| Hidden::Membership(key.0, key.1));
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
