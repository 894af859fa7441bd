//! Consents.

use super::profile;
use crate::json::Json;
use crate::members::members;
use crate::{Channel, ChannelConsent, Consents, Profile, Suppression};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

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

/// The channels whose consent changes, each once.
#[derive(Default)]
pub(crate) struct Subscriptions<'a>(Vec<(&'a Channel, Messages<'a>)>);

#[derive(Default, Serialize)]
struct Messages<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    marketing: Option<Consent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transactional: Option<Consent<'a>>,
    /// The devices to forget. Klaviyo requires the list where push is revoked, even if it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<[&'static str; 0]>,
}

/// The consent to one kind of messages on one channel.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Consent<'a> {
    pub(crate) consent: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consented_at: Option<&'a str>,
}

impl<'a> Subscriptions<'a> {
    /// Sets the consent to marketing.
    pub(crate) fn marketing(&mut self, channel: &'a Channel, consent: Consent<'a>) {
        self.set(channel, |messages| {
            messages.marketing = Some(consent);
            messages.tokens = (*channel == Channel::Push && consent.consent == UNSUBSCRIBED).then_some([]);
        });
    }

    /// Sets the consent to transactional messages.
    pub(crate) fn transactional(&mut self, channel: &'a Channel, consent: Consent<'a>) {
        self.set(channel, |messages| messages.transactional = Some(consent));
    }

    fn set(&mut self, channel: &'a Channel, set: impl FnOnce(&mut Messages<'a>)) {
        match self.0.iter_mut().find(|(own, _)| *own == channel) {
            Some((_, messages)) => set(messages),
            None => {
                let mut messages = Messages::default();
                set(&mut messages);
                self.0.push((channel, messages));
            }
        }
    }
}

impl Serialize for Subscriptions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (channel, messages) in &self.0 {
            map.serialize_entry(channel.name(), messages)?;
        }
        map.end()
    }
}

/// Klaviyo's words for granted and revoked consent.
pub(crate) const SUBSCRIBED: &str = "SUBSCRIBED";
pub(crate) const UNSUBSCRIBED: &str = "UNSUBSCRIBED";

/// The kinds of messages, by their names in answers.
const KINDS: [&str; 3] = ["marketing", "transactional", "conversational"];
/// The member for whether a channel can receive messages of a kind, where it has no name of its own.
const CAN_RECEIVE: &str = "can_receive";
/// The most channels that are read of those that this version does not know.
const OTHERS: usize = 100;

/// The consents of a profile resource with its subscriptions.
pub(crate) fn consents(resource: &Json<'_>) -> Result<Consents, String> {
    /// The channels, their names in answers, and for each kind their members for whether they can receive.
    const CHANNELS: [(Channel, &str, [&str; 3]); 4] = [
        (Channel::Email, "email", ["can_receive_email_marketing", CAN_RECEIVE, CAN_RECEIVE]),
        (Channel::Sms, "sms", ["can_receive_sms_marketing", "can_receive_sms_transactional", CAN_RECEIVE]),
        (Channel::Whatsapp, "whatsapp", [CAN_RECEIVE; 3]),
        (Channel::Push, "mobile_push", ["can_receive_push_marketing", CAN_RECEIVE, CAN_RECEIVE]),
    ];
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let profile_id = id.string()?;
    let [subscriptions] = attributes.members(["subscriptions"])?;
    if subscriptions.is_missing() {
        return Err(format!("{subscriptions} is missing, though it was asked for"));
    }
    let mut kinds = [const { Vec::new() }; 3];
    for (channel, name, can_receive) in &CHANNELS {
        let [messages] = subscriptions.members([name])?;
        for ((kind, consents), can_receive) in
            messages.members(KINDS)?.iter().zip(&mut kinds).zip(can_receive)
        {
            if !kind.is_empty()? {
                consents.push(channel_consent(channel.clone(), kind, can_receive)?);
            }
        }
    }
    let others = subscriptions.object_text()?.and_then(members).unwrap_or_default();
    // In requests push has another name.
    let is_known =
        |name: &str| name == Channel::Push.name() || CHANNELS.iter().any(|(_, known, _)| *known == name);
    for (name, messages) in others.into_iter().filter(|(name, _)| !is_known(name)).take(OTHERS) {
        // Whatever Klaviyo adds is none of the known, and must not cost these.
        let Ok(messages) = Json::parse(messages.get().as_bytes()) else { continue };
        let Ok(members) = messages.members(KINDS) else { continue };
        for (kind, consents) in members.iter().zip(&mut kinds) {
            if let Ok(consent) = channel_consent(Channel::Other(name.clone()), kind, CAN_RECEIVE) {
                consents.push(consent);
            }
        }
    }
    let [channels, transactional, conversational] = kinds;
    Ok(Consents { profile_id, channels, transactional, conversational })
}

/// A profile resource with its subscriptions: the profile, and the channels on which it is subscribed to marketing.
pub(crate) fn subscriber(resource: &Json<'_>) -> Result<(Profile, Vec<Channel>), String> {
    let consents = consents(resource)?.channels.into_iter();
    let subscribed = consents.filter(|consent| consent.state == SUBSCRIBED).map(|consent| consent.channel);
    Ok((profile(resource)?, subscribed.collect()))
}

/// Upper bound on suppressions read; Klaviyo allows fewer lists per account.
const SUPPRESSIONS: usize = 10_000;

fn channel_consent(
    channel: Channel,
    messages: &Json<'_>,
    can_receive: &'static str,
) -> Result<ChannelConsent, String> {
    let [consent, can_receive, everywhere, lists] =
        messages.members(["consent", can_receive, "suppression", "list_suppressions"])?;
    let [consented_at, updated, method, custom_source] =
        messages.strings(["consent_timestamp", "last_updated", "method", "custom_method_detail"])?;
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
