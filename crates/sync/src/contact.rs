//! A contact as a sync sends it: the profile, the consent, and the reasons for what was left out.

pub(crate) mod csv_row;
mod draft;
pub(crate) mod identities;
pub(crate) mod json_object;
pub mod phone;

use crate::columns::consent::Channel;
use crate::outcome::Reason;
use klaviyo_host::types::{Location, NewProfile, Subscription};

/// The contact of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contact {
    pub(crate) profile: NewProfile,
    /// The consent of the person, if there is one.
    pub(crate) consent: Option<Given>,
    /// Reasons for what was left out.
    pub(crate) warnings: Vec<Reason>,
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

    /// A lower bound of the bytes that it takes in a request.
    pub(crate) fn bytes(&self) -> usize {
        let NewProfile { email, phone_number, .. } = &self.profile;
        let at = self.consent.as_ref().and_then(|given| given.at.as_ref());
        let fields = [email, phone_number].into_iter().chain(self.more_than_addresses());
        fields.flatten().chain(at).map(String::len).sum()
    }

    /// The warnings about a contact that is done, as one reason.
    pub(crate) fn warning(&self) -> Option<Reason> {
        (!self.warnings.is_empty()).then(|| Reason::all(&self.warnings))
    }

    /// Whether the profile has anything but an email and a phone number.
    pub(crate) fn has_more_than_addresses(&self) -> bool {
        self.more_than_addresses().iter().any(|field| field.is_some())
    }

    /// The texts of the profile but its email and its phone number.
    fn more_than_addresses(&self) -> Vec<&Option<String>> {
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
        let mut fields =
            vec![external_id, first_name, last_name, organization, title, locale, image, properties];
        if let Some(place) = location {
            let Location {
                address1,
                address2,
                city,
                region,
                country,
                zip,
                latitude,
                longitude,
                timezone,
                ip,
            } = place;
            fields
                .extend([address1, address2, city, region, country, zip, latitude, longitude, timezone, ip]);
        }
        fields
    }
}
