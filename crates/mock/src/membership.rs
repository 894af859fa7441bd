//! The members of a list or a segment, in the order in which they joined.

use crate::keyset::Key;
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};

/// Members, by the ids of their profiles.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// The time at which each joined, and its number among all that ever joined.
    joined: HashMap<String, Key>,
    /// The same, in that order.
    order: BTreeSet<Key>,
    /// The id of each, by its number.
    ids: IndexMap<usize, String>,
    /// How many have ever joined.
    count: usize,
}

impl Members {
    /// Adds a member, unless it is one; whether it was added.
    pub(crate) fn join(&mut self, id: &str, now: String) -> bool {
        if self.has(id) {
            return false;
        }
        let key = (now, self.count);
        self.count += 1;
        self.order.insert(key.clone());
        self.ids.insert(key.1, id.to_owned());
        self.joined.insert(id.to_owned(), key);
        true
    }

    /// Removes a member; whether it was one.
    pub(crate) fn leave(&mut self, id: &str) -> bool {
        let Some(key) = self.joined.remove(id) else { return false };
        self.order.remove(&key);
        self.ids.swap_remove(&key.1);
        true
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.joined.contains_key(id)
    }

    /// The key of a member.
    pub(crate) fn key(&self, id: &str) -> Option<&Key> {
        self.joined.get(id)
    }

    /// When a member joined.
    pub(crate) fn joined(&self, id: &str) -> Option<&str> {
        self.joined.get(id).map(|key| key.0.as_str())
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The ids, and the times at which they joined.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.order.iter().filter_map(|key| Some((self.id(key)?, key.0.as_str())))
    }

    /// The keys, in the order in which they joined.
    pub(crate) fn order(&self) -> &BTreeSet<Key> {
        &self.order
    }

    /// The id of the member with a key.
    pub(crate) fn id(&self, key: &Key) -> Option<&str> {
        self.ids.get(&key.1).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_and_joins_again_is_the_last() {
        let mut members = Members::default();
        for id in ["a", "b", "c"] {
            assert!(members.join(id, "2026-01-15T12:00:00+00:00".to_owned()));
        }
        assert!(!members.join("a", "2026-01-15T12:00:01+00:00".to_owned()));
        assert!(members.leave("a") && !members.leave("a"));
        assert!(members.join("a", "2026-01-15T12:00:00+00:00".to_owned()));
        assert_eq!(members.iter().map(|(id, _)| id).collect::<Vec<_>>(), ["b", "c", "a"]);
        assert_eq!((members.len(), members.has("a"), members.has("d")), (3, true, false));
    }
}
