//! What was told: the other system that the reader keeps in sync, which survives its kills.

use super::feed::{ByFeed, Feed, Item};
use std::collections::HashSet;

/// What was told, of each feed.
pub(super) type Ledger = ByFeed<Told>;

/// What was told of a feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    keys: HashSet<String>,
    /// Told after the cursor that was kept last.
    since_kept: Vec<String>,
    /// Told after the cursor that was kept last before a kill: may be told again.
    lost: HashSet<String>,
    /// How many there were of those.
    pub(super) exposed: usize,
    /// How many of them were told again.
    pub(super) again: usize,
    /// Told again without such a reason.
    pub(super) twice: Vec<String>,
    /// Told after a later one of the same round, though both were visible before the round.
    pub(super) disordered: Vec<String>,
}

impl Told {
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn tell(&mut self, item: &Item) {
        if !self.keys.insert(item.key.clone()) {
            if self.lost.remove(&item.key) {
                self.again += 1;
            } else {
                self.twice.push(item.key.clone());
            }
        }
        self.since_kept.push(item.key.clone());
    }

    /// From here on nothing that was lost is told again: all of it was passed.
    pub(super) fn passed(&mut self) {
        self.lost.clear();
    }
}

impl Ledger {
    /// The cursors were kept.
    pub(super) fn kept(&mut self) {
        for feed in Feed::ALL {
            self.of_mut(feed).since_kept.clear();
        }
    }

    /// The reader was killed.
    pub(super) fn killed(&mut self) {
        for feed in Feed::ALL {
            let told = self.of_mut(feed);
            let before = told.lost.len();
            told.lost.extend(told.since_kept.drain(..));
            told.exposed += told.lost.len() - before;
        }
    }
}
