//! Consents.

use crate::json::Json;
use crate::{Channel, ChannelConsent, Consents, Suppression};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use serde::Serialize;

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
