//! Consent to messages.

use super::profiles::{by_filter, by_id, by_values, first, one};
use super::{Operation, REPEAT, REVISION, get};
use crate::batch::{Accepted, BulkRequest, FORM, PROFILES};
use crate::diagnosis::Advice;
use crate::encode::quoted;
use crate::jsonapi;
use crate::paging::{Page, page};
use crate::{Channel, Consents, Error, Identifier, Profile};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// The first revision that knows WhatsApp.
const WHATSAPP: &str = "2025-07-15";
/// The first revision that can subscribe to push.
const PUSH: &str = "2026-01-15";
/// The newest revision of Klaviyo's when this was written: a channel that is not known here is no older.
const NEWEST: &str = "2026-10-15";

const WRITE: &Advice = &Advice {
    scopes: &["lists:write", "profiles:write", "subscriptions:write"],
    form: FORM,
    if_uncertain: REPEAT,
};

impl Channel {
    /// Klaviyo's name for it in requests.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Push => "push",
            Self::Other(name) => name,
        }
    }

    /// The oldest revision that can change the consent to it.
    pub(crate) fn revision(&self) -> &'static str {
        match self {
            Self::Email | Self::Sms => REVISION,
            Self::Whatsapp => WHATSAPP,
            Self::Push => PUSH,
            Self::Other(_) => NEWEST,
        }
    }
}

const ADDITIONAL: &str = "additional-fields%5Bprofile%5D=subscriptions";
const READ: &Advice = &Advice::read(&["profiles:read"]);

/// Get the consents of the profile with an identifier. Every revision has push in its answer.
pub(crate) fn get_consents(identifier: &Identifier) -> Operation<Option<Consents>> {
    let url = with_consent(identifier);
    match identifier {
        Identifier::Id(_) => get(url, WHATSAPP, READ, |_, document| one(document, jsonapi::consents)),
        _ => get(url, WHATSAPP, READ, |_, document| first(document, jsonapi::consents)),
    }
}

/// The URL of the profile with an id, or of the profiles with an identifier, and of their consent.
fn with_consent(identifier: &Identifier) -> String {
    match identifier {
        Identifier::Id(id) => format!("{}?{ADDITIONAL}", by_id(id)),
        _ => format!("{}&{ADDITIONAL}", by_filter(identifier)),
    }
}

/// A profile, and the channels on which it is subscribed to marketing.
pub(crate) type Subscriber = (Profile, Vec<Channel>);

/// Get the profile with an identifier, with its consent.
pub(crate) fn get_subscriber(identifier: &Identifier) -> Operation<Option<Subscriber>> {
    let url = with_consent(identifier);
    match identifier {
        Identifier::Id(_) => get(url, WHATSAPP, READ, |_, document| one(document, jsonapi::subscriber)),
        _ => get(url, WHATSAPP, READ, |_, document| first(document, jsonapi::subscriber)),
    }
}

/// Get the profiles that have one of these values, at most 100, which are quoted, with their consent.
pub(crate) fn get_subscribers(field: &str, quoted: &[&str]) -> Operation<Page<Subscriber>> {
    get_subscribers_at(format!("{}&{ADDITIONAL}", by_values(field, quoted)))
}

/// Get profiles with their consent, the page at a link of an earlier answer.
pub(crate) fn get_subscribers_at(url: String) -> Operation<Page<Subscriber>> {
    get(url, WHATSAPP, READ, |_, document| page(document, jsonapi::subscriber))
}

/// Get the consents of profiles, at most 100, by their ids.
pub(crate) fn get_consents_of(ids: &[&str]) -> Operation<Page<Consents>> {
    let quoted: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
    get_consents_at(format!("{}&{ADDITIONAL}", by_values("id", &quoted)))
}

/// Get the consents of profiles, the page at a link of an earlier answer.
pub(crate) fn get_consents_at(url: String) -> Operation<Page<Consents>> {
    get(url, WHATSAPP, READ, |_, document| page(document, jsonapi::consents))
}

/// Bulk subscribe profiles.
pub(crate) fn bulk_subscribe(
    custom_source: Option<&str>,
    historical: bool,
    list: Option<&str>,
) -> Result<BulkRequest, Box<Error>> {
    let mut bulk =
        BulkRequest::new("profile-subscription-bulk-create-job", PROFILES, 1_000, WRITE, Accepted::unnamed);
    if let Some(source) = custom_source {
        bulk.attribute("custom_source", &source)?;
    }
    if historical {
        bulk.attribute("historical_import", &true)?;
    }
    bulk.list("list", list, false)?;
    Ok(bulk)
}

/// Bulk unsubscribe profiles.
pub(crate) fn bulk_unsubscribe(list: Option<&str>) -> Result<BulkRequest, Box<Error>> {
    let mut bulk =
        BulkRequest::new("profile-subscription-bulk-delete-job", PROFILES, 100, WRITE, Accepted::unnamed);
    bulk.list("list", list, false)?;
    Ok(bulk)
}
