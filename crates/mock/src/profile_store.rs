//! The profiles of an account. Each has a position that never becomes another's.

use crate::profile::Profile;

/// The profiles of an account, in the order in which they were created.
#[derive(Debug, Default)]
pub(crate) struct ProfileStore {
    present: Vec<Profile>,
    /// Where each profile is among the present ones, by its position; none if it was removed.
    places: Vec<Option<usize>>,
}

impl ProfileStore {
    /// The position of the next profile: the number of profiles that there ever were.
    pub(crate) fn next_position(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn push(&mut self, profile: Profile) {
        self.places.push(Some(self.present.len()));
        self.present.push(profile);
    }

    pub(crate) fn get(&self, position: usize) -> Option<&Profile> {
        self.present.get(self.place(position)?)
    }

    pub(crate) fn get_mut(&mut self, position: usize) -> Option<&mut Profile> {
        let place = self.place(position)?;
        self.present.get_mut(place)
    }

    pub(crate) fn remove(&mut self, position: usize) -> Option<Profile> {
        let place = self.places.get_mut(position)?.take()?;
        for later in self.places.iter_mut().skip(position).flatten() {
            *later = later.saturating_sub(1);
        }
        (place < self.present.len()).then(|| self.present.remove(place))
    }

    pub(crate) fn present(&self) -> &[Profile] {
        &self.present
    }

    fn place(&self, position: usize) -> Option<usize> {
        self.places.get(position).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    #[test]
    fn a_position_stays_when_others_are_removed() {
        let mut store = ProfileStore::default();
        for n in 0..4 {
            assert_eq!(store.next_position(), n);
            store.push(Profile::new(n, Map::new(), String::new()));
        }
        let id = |store: &ProfileStore, position| store.get(position).map(|profile| profile.id.clone());
        let ids: Vec<_> = (0..4).map(|n| id(&store, n)).collect();
        assert_eq!(store.remove(1).map(|profile| profile.id), ids[1]);
        assert!(store.remove(1).is_none() && store.get_mut(1).is_none());
        assert_eq!(store.remove(2).map(|profile| profile.id), ids[2]);
        assert_eq!([id(&store, 0), id(&store, 3), id(&store, 4)], [ids[0].clone(), ids[3].clone(), None]);
        assert_eq!((store.present().len(), store.next_position()), (2, 4));
    }
}
