//! The JSON:API documents that Klaviyo reads and writes.
//!
//! Reading accepts extra, missing and null members, but no member of a wrong type that is used.

use crate::json::Json;
use crate::{
    Audience, Channel, ChannelConsent, Consents, Detail, Identifier, ImportFailure, Job, JobStatus, Profile,
    Suppression,
};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use serde::Serialize;
use serde_json::value::RawValue;

// Documents to write. The members are in the order of Klaviyo's own examples.

/// A body: everything is under `data`.
#[derive(Serialize)]
pub(crate) struct Body<T> {
    pub(crate) data: T,
}

/// A resource to create or to change.
#[derive(Serialize)]
pub(crate) struct NewResource<'a, T> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a str>,
    pub(crate) attributes: T,
}

/// A resource named by its id.
#[derive(Serialize)]
pub(crate) struct ResourceId<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) id: &'a str,
}

/// The checked attributes of a profile. Absent ones are not written, because a null clears a value.
#[derive(Debug, Serialize)]
pub(crate) struct Attributes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<&'a RawValue>,
}

impl Attributes<'_> {
    /// The identifier that the profile is looked up by: the first one.
    pub(crate) fn identifier(&self) -> Option<Identifier> {
        let email = self.email.clone().map(Identifier::Email);
        let phone_number = || self.phone_number.clone().map(Identifier::PhoneNumber);
        let external_id = || self.external_id.clone().map(Identifier::ExternalId);
        email.or_else(phone_number).or_else(external_id)
    }

    /// The names, as in the contract, of the fields that differ from those of a profile that was found by the
    /// first identifier.
    pub(crate) fn differing(&self, profile: &Profile) -> String {
        let mut names = String::new();
        let mut compare = |name: &str, given: Option<&str>, own: Option<&str>| {
            if given.is_some() && given != own {
                if !names.is_empty() {
                    names.push_str(", ");
                }
                names.push_str(name);
            }
        };
        if self.email.is_some() {
            compare("phone-number", self.phone_number.as_deref(), profile.phone_number.as_deref());
        }
        if self.email.is_some() || self.phone_number.is_some() {
            compare("external-id", self.external_id.as_deref(), profile.external_id.as_deref());
        }
        compare("first-name", self.first_name, profile.first_name.as_deref());
        compare("last-name", self.last_name, profile.last_name.as_deref());
        compare("properties", self.properties.map(RawValue::get), Some(&profile.properties));
        names
    }

    /// Whether there is more than one identifier.
    pub(crate) fn is_more_than_identifier(&self) -> bool {
        let identifiers = [&self.email, &self.phone_number, &self.external_id];
        identifiers.into_iter().flatten().count() > 1
            || self.first_name.or(self.last_name).is_some()
            || self.properties.is_some()
    }
}

/// The checked attributes of a profile whose consent changes.
#[derive(Serialize)]
pub(crate) struct Consenting<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age_gated_date_of_birth: Option<&'a str>,
    pub(crate) subscriptions: Subscriptions<'a>,
}

/// The channels whose consent changes.
#[derive(Default, Serialize)]
pub(crate) struct Subscriptions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Messages<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms: Option<Messages<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whatsapp: Option<Messages<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<Messages<'a>>,
}

#[derive(Serialize)]
struct Messages<'a> {
    marketing: Marketing<'a>,
    /// The devices to forget. Klaviyo requires the list where push is revoked, even if it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<[&'static str; 0]>,
}

/// The consent to marketing on one channel.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Marketing<'a> {
    pub(crate) consent: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consented_at: Option<&'a str>,
}

impl<'a> Subscriptions<'a> {
    pub(crate) fn set(&mut self, channel: Channel, marketing: Marketing<'a>) {
        let slot = match channel {
            Channel::Email => &mut self.email,
            Channel::Sms => &mut self.sms,
            Channel::Whatsapp => &mut self.whatsapp,
            Channel::Push => &mut self.push,
        };
        let tokens = (channel == Channel::Push && marketing.consent == UNSUBSCRIBED).then_some([]);
        *slot = Some(Messages { marketing, tokens });
    }
}

/// Klaviyo's words for granted and revoked consent.
pub(crate) const SUBSCRIBED: &str = "SUBSCRIBED";
pub(crate) const UNSUBSCRIBED: &str = "UNSUBSCRIBED";

// Documents to read.

/// A profile resource. An empty id is an error: in a path it would name another resource.
pub(crate) fn profile(resource: &Json<'_>) -> Result<Profile, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [properties] = attributes.members(["properties"])?;
    let properties = properties.object_text()?.unwrap_or("{}").to_owned();
    let [email, phone_number, external_id, first_name, last_name, created, updated] = attributes
        .strings(["email", "phone_number", "external_id", "first_name", "last_name", "created", "updated"])?;
    let warnings = Vec::new();
    Ok(Profile {
        id,
        email,
        phone_number,
        external_id,
        first_name,
        last_name,
        created,
        updated,
        properties,
        warnings,
    })
}

/// A list resource.
pub(crate) fn list(resource: &Json<'_>) -> Result<Audience, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [name, created, updated, opt_in] =
        attributes.strings(["name", "created", "updated", "opt_in_process"])?;
    // A list without a name must not hide the other lists.
    let name = name.unwrap_or_default();
    Ok(Audience { id, name, created, updated, opt_in })
}

/// The consents of a profile resource with its subscriptions.
pub(crate) fn consents(resource: &Json<'_>) -> Result<Consents, String> {
    /// The channels, their names in answers, and their members for whether they can receive.
    const CHANNELS: [(Channel, &str, &str); 4] = [
        (Channel::Email, "email", "can_receive_email_marketing"),
        (Channel::Sms, "sms", "can_receive_sms_marketing"),
        (Channel::Whatsapp, "whatsapp", "can_receive"),
        (Channel::Push, "mobile_push", "can_receive_push_marketing"),
    ];
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let profile_id = id.string()?;
    let [subscriptions] = attributes.members(["subscriptions"])?;
    if subscriptions.is_missing() {
        return Err(format!("{subscriptions} is missing, though it was asked for"));
    }
    let mut channels = Vec::new();
    for (channel, name, can_receive) in CHANNELS {
        let [messages] = subscriptions.members([name])?;
        let [marketing] = messages.members(["marketing"])?;
        if !marketing.is_empty()? {
            channels.push(channel_consent(channel, &marketing, can_receive)?);
        }
    }
    Ok(Consents { profile_id, channels })
}

/// Upper bound on suppressions read; Klaviyo allows fewer lists per account.
const SUPPRESSIONS: usize = 10_000;

fn channel_consent(
    channel: Channel,
    marketing: &Json<'_>,
    can_receive: &'static str,
) -> Result<ChannelConsent, String> {
    let [consent, can_receive, everywhere, lists] =
        marketing.members(["consent", can_receive, "suppression", "list_suppressions"])?;
    let [consented_at, updated, method, custom_source] =
        marketing.strings(["consent_timestamp", "last_updated", "method", "custom_method_detail"])?;
    let mut suppressions = Vec::new();
    for kind in [everywhere, lists] {
        kind.each_if_any(|suppression| {
            if suppressions.len() >= SUPPRESSIONS {
                return Err("it has more than 10,000 suppressions".to_owned());
            }
            let [reason] = suppression.members(["reason"])?;
            let reason = reason.string()?;
            let [since, list] = suppression.strings(["timestamp", "list_id"])?;
            suppressions.push(Suppression { reason, since, list });
            Ok(())
        })?;
    }
    Ok(ChannelConsent {
        channel,
        state: consent.string()?,
        can_receive: can_receive.optional_boolean()?,
        consented_at,
        updated,
        method,
        // Klaviyo returns an empty text if there is none.
        custom_source: custom_source.filter(|source| !source.is_empty()),
        suppressions,
    })
}

/// An import job resource.
pub(crate) fn job(resource: &Json<'_>) -> Result<Job, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [status, total, completed, failed] =
        attributes.members(["status", "total_count", "completed_count", "failed_count"])?;
    let status = status.string()?;
    let [created, started, finished, expires] =
        attributes.strings(["created_at", "started_at", "completed_at", "expires_at"])?;
    Ok(Job {
        id,
        status: match status.as_str() {
            "queued" => JobStatus::Queued,
            "processing" => JobStatus::Processing,
            "complete" => JobStatus::Complete,
            "cancelled" => JobStatus::Cancelled,
            _ => JobStatus::Other(status),
        },
        total: total.count()?,
        completed: completed.count()?,
        failed: failed.count()?,
        created,
        started,
        finished,
        expires,
    })
}

/// An import error resource.
pub(crate) fn failure(resource: &Json<'_>) -> Result<ImportFailure, String> {
    let [attributes] = resource.members(["attributes"])?;
    let reason = detail(&attributes);
    let row = reason.pointer.as_deref().and_then(row_of).map(|(row, _)| row);
    let [payload] = attributes.members(["original_payload"])?;
    let payload = payload.object_text()?.map(str::to_owned);
    Ok(ImportFailure { row, reason, payload })
}

/// One entry of an error document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorObject {
    pub(crate) id: Option<String>,
    pub(crate) detail: Detail,
    pub(crate) duplicate: Option<String>,
}

/// The most entries that are kept.
const ERRORS: usize = 100;
/// The most bytes that are kept of each text of an entry.
const WORDS: usize = 1_024;

/// The first entries of an error document.
pub(crate) fn errors(body: &[u8]) -> Vec<ErrorObject> {
    let mut entries = Vec::new();
    each_error(body, &mut |object| {
        if entries.len() < ERRORS {
            entries.push(error_object(object));
        }
    });
    entries
}

/// The rows of a bulk request that an error document names, with the reasons. A row that is named twice is
/// returned twice.
pub(crate) fn refused_rows(body: &[u8]) -> Vec<(u32, Detail)> {
    /// Klaviyo's limit on the rows of a request.
    const ROWS: usize = 10_000;
    let mut rows = Vec::new();
    each_error(body, &mut |object| {
        let mut reason = detail(object);
        if let Some((row, member)) = reason.pointer.as_deref().and_then(row_of).filter(|_| rows.len() < ROWS)
        {
            // The field of the contract, if it is one.
            let field = member.strip_prefix("attributes/").unwrap_or(member).replace('_', "-");
            reason.pointer = Some(field).filter(|field| !field.is_empty());
            rows.push((row, reason));
        }
    });
    rows
}

/// Gives the entries of an error document to `take`. Unreadable members are absent: a member of an unexpected
/// type must not hide the others.
fn each_error(body: &[u8], take: &mut dyn FnMut(&Json<'_>)) {
    let read = |document: Json<'_>| {
        let [errors] = document.members(["errors"])?;
        errors.each(|object| {
            take(object);
            Ok(())
        })
    };
    // The entries before a failure are kept.
    let _ = Json::parse(body).and_then(read);
}

/// The number of the row of a bulk request that a pointer points at, and the member of the row.
fn row_of(pointer: &str) -> Option<(u32, &str)> {
    let row = pointer.strip_prefix("/data/attributes/profiles/data/")?;
    let (number, member) = row.split_once('/').unwrap_or((row, ""));
    Some((number.parse().ok()?, member))
}

fn error_object(object: &Json<'_>) -> ErrorObject {
    let [id] = object.strings_if_any(["id"]);
    let mut error = ErrorObject { id, detail: detail(object), duplicate: None };
    if let Ok([meta]) = object.members(["meta"]) {
        let [duplicate] = meta.strings_if_any(["duplicate_profile_id"]);
        error.duplicate = duplicate.filter(|id| !id.is_empty());
    }
    error
}

fn detail(object: &Json<'_>) -> Detail {
    let [code, title, detail] = object.strings_if_any(["code", "title", "detail"]);
    let mut pointer = None;
    if let Ok([source]) = object.members(["source"]) {
        let [member, parameter] = source.strings_if_any(["pointer", "parameter"]);
        pointer = member.or(parameter);
    }
    let cut = |words: Option<String>| {
        let mut words = words.unwrap_or_default();
        if words.len() > WORDS {
            words.truncate(words.floor_char_boundary(WORDS));
            words.shrink_to_fit();
        }
        words
    };
    Detail {
        code: cut(code),
        title: cut(title),
        detail: cut(detail),
        pointer: pointer.map(|pointer| cut(Some(pointer))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_a_row_or_none() {
        for (pointer, row) in [
            ("/data/attributes/profiles/data/0", Some((0, ""))),
            ("/data/attributes/profiles/data/17/attributes/email", Some((17, "attributes/email"))),
            ("/data/attributes/profiles/data", None),
            ("/data/attributes/profiles/data/", None),
            ("/data/attributes/profiles/data/-1", None),
            ("/data/attributes/profiles/data/x/0", None),
            ("/data/attributes/profiles/data/4294967296", None),
            ("/data/attributes/email", None),
            ("", None),
        ] {
            assert_eq!(row_of(pointer), row, "{pointer}");
        }
    }
}
