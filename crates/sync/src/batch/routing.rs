//! Decides by which call a contact goes to Klaviyo, and how many go in one batch.

use crate::contact::Contact;
use crate::decode::lookahead::Position;
use crate::settings::Settings;
use klaviyo_core::bulk;
use klaviyo_host::types::{ConsentOptions, Historical};
use sha2::{Digest, Sha256};

/// How contacts get to Klaviyo.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// In bulk imports: as profiles, and members of the list.
    Members,
    /// With consent to marketing, by options that all consents of the sync share. More than addresses, and people who do not consent, go in bulk imports.
    Consent(ConsentOptions),
    /// One by one, in the steps of `opt-in`.
    OneByOne,
}

/// One of the two imports of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Without consent, all contacts. With consent, those who consent and have more than addresses.
    Contacts,
    /// With consent, those who do not consent.
    Members,
}

impl Part {
    pub(crate) const ALL: [Self; 2] = [Self::Contacts, Self::Members];
}

/// How contacts go to Klaviyo, throughout a sync.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) mode: Mode,
    /// The list's id.
    pub(crate) list: Option<String>,
    /// The most contacts of one import.
    most: usize,
    /// Varies the sizes of imports from sync to sync.
    seed: u16,
}

impl Routing {
    /// `at` is the present, RFC 3339.
    pub(crate) fn new(settings: &Settings, list: Option<String>, at: &str) -> Self {
        let mode = if settings.one_by_one {
            Mode::OneByOne
        } else if !settings.gives_consent() {
            Mode::Members
        } else {
            let historical_import = settings.historical.then(|| Historical { now: at.to_owned() });
            let custom_source = settings.consent_source.clone();
            Mode::Consent(ConsentOptions { custom_source, historical_import })
        };
        let [one, other, ..] = <[u8; 32]>::from(Sha256::digest(format!("{at} {list:?}")));
        Self { mode, list, most: settings.batch, seed: u16::from_be_bytes([one, other]) }
    }

    /// The list that an import adds to. People who consent join the list by that.
    pub(crate) fn import_list(&self, part: Part) -> Option<&str> {
        match (&self.mode, part) {
            (Mode::Consent(_), Part::Contacts) => None,
            _ => self.list.as_deref(),
        }
    }

    /// The import that a contact goes into, if it goes into one.
    pub(crate) fn part(&self, contact: &Contact) -> Option<Part> {
        match self.mode {
            Mode::Consent(_) if contact.consent.is_none() => Some(Part::Members),
            Mode::Consent(_) => contact.has_more_than_addresses().then_some(Part::Contacts),
            _ => Some(Part::Contacts),
        }
    }

    /// The most bytes of the imports of a batch: they fit into one request each.
    pub(crate) fn room(&self) -> usize {
        bulk::room(self.list.as_deref())
    }

    /// The most good rows of a batch whose first row ends at this position.
    ///
    /// When the answer to an import is lost, the sync recognises the import by its number of contacts. With
    /// 10,000 in each, another program's import could look the same, so each batch has an odd size. It
    /// depends on the input and the beginning of the sync only, so that a sync that goes on has the same
    /// batches.
    pub(crate) fn size(&self, first: &Position) -> usize {
        let spread = self.most / 40;
        if spread == 0 {
            return self.most.max(1);
        }
        let [one, other, ..] = first.digest;
        self.most - 1 - usize::from(u16::from_be_bytes([one, other]) ^ self.seed) % spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn batches_have_sizes_of_their_own() {
        let routing = Routing { mode: Mode::Members, list: None, most: 10_000, seed: 0 };
        let size = |seed: u8| {
            let mut digest = [0; 32];
            digest[1] = seed;
            routing.size(&Position { bytes: 0, digest })
        };
        let sizes: BTreeSet<usize> = (0..=255).map(size).collect();
        assert_eq!((sizes.len(), sizes.first(), sizes.last()), (250, Some(&9_750), Some(&9_999)));
        let few = Routing { most: 20, ..routing };
        assert_eq!(few.size(&Position::default()), 20);
    }
}
