//! A contact as a sync sends it: the profile, the consent, and what was left out.

use crate::outcome::Reason;
use klaviyo_host::types::{Channel, NewProfile};

/// What a row says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contact {
    pub(crate) profile: NewProfile,
    /// What the person consents to; none is not consent.
    pub(crate) consent: Option<Given>,
    /// What was left out, and why.
    pub(crate) warnings: Vec<Reason>,
}

/// The consent of one person.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    /// At least one, of which the person has the addresses.
    pub(crate) channels: Vec<Channel>,
    /// When that was, RFC 3339.
    pub(crate) at: Option<String>,
    /// Where, and how.
    pub(crate) source: Option<String>,
}

impl Contact {
    /// About how much of a request it takes, and not more.
    pub(crate) fn bytes(&self) -> usize {
        let NewProfile { email, phone_number, external_id, first_name, last_name, properties } =
            &self.profile;
        let at = self.consent.as_ref().and_then(|given| given.at.as_ref());
        let fields = [email, phone_number, external_id, first_name, last_name, properties];
        fields.into_iter().flatten().chain(at).map(String::len).sum()
    }

    /// What there is to say of it when it is done.
    pub(crate) fn warning(&self) -> Option<Reason> {
        (!self.warnings.is_empty()).then(|| Reason::all(&self.warnings))
    }

    /// Whether it has more than addresses.
    pub(crate) fn has_more_than_addresses(&self) -> bool {
        let NewProfile { email: _, phone_number: _, external_id, first_name, last_name, properties } =
            &self.profile;
        [external_id, first_name, last_name, properties].into_iter().any(Option::is_some)
    }
}
