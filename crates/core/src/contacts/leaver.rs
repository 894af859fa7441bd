//! A person who opts out.

use super::lookup::identity;
use super::verdict::Verdict;
use crate::{Channel, Departure, Error, Identifier, Profile, Removal, Revocation, Taken, Unsubscription};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

/// What is known of a person who opts out, and what was taken.
#[derive(Clone)]
pub(super) struct Leaver {
    key: String,
    email: Option<String>,
    phone_number: Option<String>,
    subscribed: Vec<Channel>,
    /// The lists that the person is on.
    on: Vec<String>,
    is_consent_dealt_with: bool,
    taken: Taken,
}

impl Leaver {
    /// Somebody without a profile.
    pub(super) fn unknown(identifier: &Identifier) -> Self {
        let (mut email, mut phone_number) = (None, None);
        match identifier {
            Identifier::Email(address) => email = Some(address.clone()),
            Identifier::PhoneNumber(number) => phone_number = Some(number.clone()),
            Identifier::ExternalId(_) | Identifier::Id(_) => {}
        }
        Self {
            key: identity(identifier),
            email,
            phone_number,
            subscribed: Vec::new(),
            on: Vec::new(),
            is_consent_dealt_with: false,
            taken: Taken::default(),
        }
    }

    /// Somebody with a profile, and the channels on which they are subscribed to marketing.
    pub(super) fn known(profile: &Profile, subscribed: &[Channel]) -> Self {
        Self {
            email: profile.email.clone(),
            phone_number: profile.phone_number.clone(),
            subscribed: subscribed.to_vec(),
            taken: Taken { profile_id: Some(profile.id.clone()), ..Taken::default() },
            ..Self::unknown(&Identifier::Id(profile.id.clone()))
        }
    }

    /// What tells this person from others.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The key of a profile.
    pub(super) fn key_of(id: &str) -> String {
        identity(&Identifier::Id(id.to_owned()))
    }

    /// What a list can be asked for the profile by: Klaviyo's name of the field, and the value.
    pub(super) fn address_of_profile(&self) -> Option<(&'static str, &str)> {
        self.taken.profile_id.as_ref()?;
        let number = self.phone_number.as_deref().map(|number| ("phone_number", number));
        number.or_else(|| Some(("email", self.email.as_deref()?)))
    }

    /// The id of the profile, if it has no address.
    pub(super) fn without_an_address(&self) -> Option<&str> {
        match self.address_of_profile() {
            Some(_) => None,
            None => self.taken.profile_id.as_deref(),
        }
    }

    /// Where messages on a channel would go.
    fn address(&self, channel: &Channel) -> Option<&str> {
        match channel {
            Channel::Email => self.email.as_deref(),
            Channel::Sms | Channel::Whatsapp => self.phone_number.as_deref(),
            Channel::Push | Channel::Other(_) => self.email.as_deref().or(self.phone_number.as_deref()),
        }
    }

    /// The channels that the person can leave; none if there are none. It has the addresses of these only: Klaviyo
    /// would set others on the profile.
    pub(super) fn unsubscription(&self, channels: &[Channel]) -> Option<Unsubscription> {
        let mut row = Unsubscription::default();
        for channel in channels {
            let Some(address) = self.address(channel) else { continue };
            row.channels.push(channel.clone());
            let address = Some(address.to_owned());
            if self.email == address {
                row.email = address;
            } else {
                row.phone_number = address;
            }
        }
        if row.channels.is_empty() { None } else { Some(row) }
    }

    /// The consent on the channels was dealt with.
    pub(super) fn revoked(&mut self, channels: &[Channel], refused: Verdict<'_>) {
        let revocation = |channel: &Channel| {
            let was_subscribed = self.subscribed.contains(channel);
            let reason = || {
                let name = channel.name();
                let reason =
                    format!("the profile has no email and no phone number, and {name} needs one of them");
                Error::invalid("email", &reason).reason()
            };
            let refused = match self.address(channel) {
                Some(_) => refused(channel),
                None => was_subscribed.then(reason),
            };
            Revocation { channel: channel.clone(), was_subscribed, refused }
        };
        self.taken.consent = channels.iter().map(revocation).collect();
        self.is_consent_dealt_with = true;
    }

    /// The person is on a list.
    pub(super) fn is_on(&mut self, list: &str) {
        if !self.on.iter().any(|own| own == list) {
            self.on.push(list.to_owned());
        }
    }

    /// The person is on a list no more.
    pub(super) fn is_off(&mut self, list: &str) {
        self.on.retain(|own| own != list);
    }

    /// The id of the profile, if it is on a list.
    pub(super) fn member_of(&self, list: &str) -> Option<&str> {
        self.taken.profile_id.as_deref().filter(|_| self.on.iter().any(|own| own == list))
    }

    /// The membership of a list was dealt with.
    pub(super) fn removed(&mut self, removal: Removal) {
        self.is_off(&removal.list);
        self.taken.lists.push(removal);
    }

    pub(super) fn outcome(&self) -> Departure {
        let taken = self.taken.clone();
        if self.is_consent_dealt_with && self.on.is_empty() {
            Departure::Departed(taken)
        } else {
            Departure::Pending(taken)
        }
    }
}
