//! Consent to messages.

use super::profiles::{by_filter, by_id, first, one};
use super::{Operation, REPEAT, REVISION, get};
use crate::batch::{Accepted, BulkRequest, FORM, PROFILES};
use crate::diagnosis::Advice;
use crate::encode::{any_of, percent_encode, quoted};
use crate::jsonapi;
use crate::paging::{Page, page};
use crate::{Channel, Consents, Error, Identifier, ORIGIN};
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
    match identifier {
        Identifier::Id(id) => {
            let url = format!("{}?{ADDITIONAL}", by_id(id));
            get(url, WHATSAPP, READ, |_, document| one(document, jsonapi::consents))
        }
        _ => {
            let url = format!("{}&{ADDITIONAL}", by_filter(identifier));
            get(url, WHATSAPP, READ, |_, document| first(document, jsonapi::consents))
        }
    }
}

/// Get the consents of profiles, at most 100, by their ids.
pub(crate) fn get_consents_of(ids: &[&str]) -> Operation<Page<Consents>> {
    let quoted: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
    let filter = percent_encode(&any_of("id", &quoted));
    get_consents_at(format!("{ORIGIN}/api/profiles/?filter={filter}&page%5Bsize%5D=100&{ADDITIONAL}"))
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
