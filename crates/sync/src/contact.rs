//! A contact as a sync sends it: the profile, the consent, and the reasons for what was left out.

mod csv_row;
mod draft;
mod identities;
mod json_object;
pub mod phone;
pub(crate) mod records;

use crate::columns::consent::Channel;
use crate::outcome::Reason;
use klaviyo_host::types::{NewProfile, Subscription};

/// The contact of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contact {
    pub(crate) profile: NewProfile,
    /// The consent of the person, if there is one.
    pub(crate) consent: Option<Given>,
    /// Reasons for what was left out.
    pub(crate) warnings: Vec<Reason>,
    /// The bytes that the profile takes in an import.
    pub(crate) bytes: usize,
    /// Why an import would refuse it, if it would.
    pub(crate) unfit: Option<Box<Reason>>,
}

/// The consent of one person.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    /// At least one channel. The profile has the address for each.
    pub(crate) channels: Vec<Channel>,
    /// When the consent was given, RFC 3339.
    pub(crate) at: Option<String>,
    /// Where and how the consent was given.
    pub(crate) source: Option<String>,
}

impl Contact {
    /// The subscription of the person; none if the person does not consent.
    pub(crate) fn subscription(&self) -> Option<Subscription> {
        let given = self.consent.as_ref()?;
        Some(Subscription {
            id: None,
            email: self.profile.email.clone(),
            phone_number: self.profile.phone_number.clone(),
            channels: given.channels.iter().copied().map(Into::into).collect(),
            transactional: Vec::new(),
            consented_at: given.at.clone(),
            date_of_birth: None,
        })
    }

    /// The warnings about a contact that is done, as one reason.
    pub(crate) fn warning(&self) -> Option<Reason> {
        (!self.warnings.is_empty()).then(|| Reason::all(&self.warnings))
    }

    /// Whether the profile has anything but an email and a phone number.
    pub(crate) fn has_more_than_addresses(&self) -> bool {
        let NewProfile {
            email: _,
            phone_number: _,
            external_id,
            first_name,
            last_name,
            organization,
            title,
            locale,
            image,
            location,
            properties,
        } = &self.profile;
        let texts = [external_id, first_name, last_name, organization, title, locale, image, properties];
        // A location without a part is none.
        location.is_some() || texts.iter().any(|text| text.is_some())
    }
}
