//! Which call a contact goes to Klaviyo by, and how many go in one.

use crate::contact::Contact;
use crate::lookahead::Position;
use crate::settings::Settings;
use klaviyo_host::types::{ConsentOptions, Historical, Subscription};
use sha2::{Digest, Sha256};

/// How contacts get to Klaviyo.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// In bulk imports: profiles, and members of a list.
    Members,
    /// With consent to marketing.
    Consent(Terms),
    /// One by one, in the steps of `opt-in`.
    OneByOne,
}

/// What all consents have in common.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) options: ConsentOptions,
}

/// Which of the imports of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The only one; with consent, what is more than the addresses of those who consent.
    Contacts,
    /// Who does not consent, where others do.
    Members,
}

impl Part {
    pub(crate) const ALL: [Self; 2] = [Self::Contacts, Self::Members];
}

/// A sync, as far as it does not change while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) mode: Mode,
    /// The list's id.
    pub(crate) list: Option<String>,
    /// The most contacts of one import.
    most: usize,
    /// What the sizes of imports are drawn by, beside the input.
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
            Mode::Consent(Terms { options: ConsentOptions { custom_source, historical_import } })
        };
        let [one, other, ..] = <[u8; 32]>::from(Sha256::digest(format!("{at} {list:?}")));
        Self { mode, list, most: settings.batch, seed: u16::from_be_bytes([one, other]) }
    }

    /// The list that an import adds to. Who consents joins the list by that.
    pub(crate) fn import_list(&self, part: Part) -> Option<&str> {
        match (&self.mode, part) {
            (Mode::Consent(_), Part::Contacts) => None,
            _ => self.list.as_deref(),
        }
    }

    /// The import that a contact belongs into, if into one.
    pub(crate) fn part(&self, contact: &Contact) -> Option<Part> {
        match self.mode {
            Mode::Consent(_) if contact.consent.is_none() => Some(Part::Members),
            Mode::Consent(_) => contact.has_more_than_addresses().then_some(Part::Contacts),
            _ => Some(Part::Contacts),
        }
    }

    /// How many good rows a batch has at most whose first row is at this place.
    ///
    /// Not simply 10,000, as with everybody: when an answer is lost, an import is recognised by how many contacts it
    /// has. One that somebody else makes at that time, of the same input maybe, has hardly as many. The same sync has the
    /// same batches whenever it goes on.
    pub(crate) fn size(&self, first: &Position) -> usize {
        let spread = self.most / 40;
        if spread == 0 {
            return self.most.max(1);
        }
        let [one, other, ..] = first.digest;
        self.most - 1 - usize::from(u16::from_be_bytes([one, other]) ^ self.seed) % spread
    }
}

impl Terms {
    /// What is sent of a contact; none if the person does not consent.
    pub(crate) fn subscription(&self, contact: &Contact) -> Option<Subscription> {
        let given = contact.consent.as_ref()?;
        Some(Subscription {
            id: None,
            email: contact.profile.email.clone(),
            phone_number: contact.profile.phone_number.clone(),
            channels: given.channels.clone(),
            consented_at: given.at.clone(),
            date_of_birth: None,
        })
    }

    /// What is said of all consents of one source.
    pub(crate) fn options(&self, source: Option<&str>) -> ConsentOptions {
        let mut options = self.options.clone();
        if let Some(source) = source {
            options.custom_source = Some(source.to_owned());
        }
        options
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
