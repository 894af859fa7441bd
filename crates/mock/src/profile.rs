//! Profiles, and how an answer shows them.

use crate::answer::ORIGIN;
use crate::consent::{Channel, Consent, Message, State, Suppression};
use crate::revision::Revision;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The attributes that identify a profile.
pub(crate) const IDENTIFIERS: [&str; 3] = ["email", "phone_number", "external_id"];

/// The attributes that can be written.
pub(crate) const ATTRIBUTES: [&str; 13] = [
    "email",
    "phone_number",
    "external_id",
    "anonymous_id",
    "_kx",
    "first_name",
    "last_name",
    "organization",
    "locale",
    "title",
    "image",
    "location",
    "properties",
];

/// The parts of an address.
const LOCATION: [&str; 10] =
    ["address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip"];

/// The digits of Klaviyo's profile ids (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A profile as the account holds it.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Klaviyo's id.
    pub id: String,
    /// The attributes of the requests, by Klaviyo's names. A number in custom properties that a [`Value`]
    /// cannot hold exactly is the text `\0#` and the number; answers and the state over HTTP have the number.
    pub attributes: Map<String, Value>,
    pub(crate) created: String,
    /// When it changed last, as answers have it.
    pub updated: String,
    /// When the newest of its events happened.
    pub last_event_date: Option<String>,
    pub(crate) consents: BTreeMap<(Channel, Message), Consent>,
    pub(crate) suppressions: Vec<(Suppression, String)>,
    /// The lists from which the person unsubscribed, and when.
    pub(crate) list_suppressions: Vec<(String, String)>,
    /// The lists that wait for the person to confirm.
    pub(crate) unconfirmed: Vec<String>,
}

impl Profile {
    pub(crate) fn new(n: usize, attributes: Map<String, Value>, now: String) -> Self {
        Self {
            id: profile_id(n),
            attributes,
            created: now.clone(),
            updated: now,
            last_event_date: None,
            consents: BTreeMap::new(),
            suppressions: Vec::new(),
            list_suppressions: Vec::new(),
            unconfirmed: Vec::new(),
        }
    }

    /// Whether the person agreed to marketing on a channel.
    #[must_use]
    pub fn consent(&self, channel: Channel) -> Consent {
        self.consents.get(&(channel, Message::Marketing)).cloned().unwrap_or_default()
    }

    /// The reasons why Klaviyo sends no email to this person in spite of consent.
    #[must_use]
    pub fn suppressions(&self) -> Vec<Suppression> {
        self.suppressions.iter().map(|(reason, _)| *reason).collect()
    }

    /// Whether an identifier of this profile has this value.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        match (name, self.attributes.get(name).and_then(Value::as_str)) {
            ("id", _) => self.id == value,
            ("email", Some(own)) => own.eq_ignore_ascii_case(value),
            (_, own) => own == Some(value),
        }
    }

    pub(crate) fn set(&mut self, channel: Channel, message: Message, consent: Consent) {
        self.consents.insert((channel, message), consent);
    }

    /// Whether a consent waits for the person to confirm it.
    pub(crate) fn waits(&self) -> bool {
        self.consents.values().any(|consent| consent.state == State::Unconfirmed)
    }

    /// The profile as a resource, with its subscriptions if the request wants them.
    pub(crate) fn resource(&self, revision: Revision, subscriptions: bool) -> Value {
        let mut attributes: Map<String, Value> = ATTRIBUTES
            .iter()
            .filter(|name| !["anonymous_id", "_kx", "location", "properties"].contains(name))
            .map(|&name| (name.to_owned(), Value::Null))
            .collect();
        let empty = LOCATION.map(|part| (part.to_owned(), Value::Null));
        attributes.insert("location".to_owned(), Value::Object(empty.into_iter().collect()));
        attributes.insert("properties".to_owned(), json!({}));
        for (name, value) in &self.attributes {
            merge(&mut attributes, name, value.clone());
        }
        attributes.insert("created".to_owned(), json!(self.created));
        attributes.insert("updated".to_owned(), json!(self.updated));
        attributes.insert("last_event_date".to_owned(), json!(self.last_event_date));
        if subscriptions {
            attributes.insert("subscriptions".to_owned(), self::subscriptions(self, revision));
        }
        json!({
            "type": "profile",
            "id": self.id,
            "attributes": attributes,
            "links": { "self": format!("{ORIGIN}/api/profiles/{}/", self.id) },
        })
    }
}

/// The value of `subscriptions`, which a request asks for by `additional-fields[profile]=subscriptions`.
fn subscriptions(profile: &Profile, revision: Revision) -> Value {
    let mut channels = Map::new();
    // Push is read by every revision, though only later ones write it.
    for channel in Channel::known(Revision::JANUARY_2026) {
        if channel == Channel::WhatsApp && revision < Revision::JULY_2025 {
            continue;
        }
        let known =
            |message: &&Message| **message != Message::OpenTracking || revision >= Revision::APRIL_2026;
        let messages = channel.messages().iter().filter(known);
        let consents =
            messages.map(|&message| (message.into_str().to_owned(), subscription(profile, channel, message)));
        let name = if channel == Channel::Push { "mobile_push" } else { channel.as_ref() };
        channels.insert(name.to_owned(), Value::Object(consents.collect()));
    }
    Value::Object(channels)
}

/// The consent to one kind of message on one channel.
fn subscription(profile: &Profile, channel: Channel, message: Message) -> Value {
    let consent = profile.consents.get(&(channel, message)).cloned().unwrap_or_default();
    let subscribed = consent.state == State::Subscribed;
    let method = consent.since.is_some().then_some("API");
    let mut document = json!({
        "consent": consent.state.name(),
        "consent_timestamp": if subscribed { json!(consent.since) } else { Value::Null },
    });
    let can_receive = match (channel, message) {
        (Channel::Email, Message::OpenTracking) => "can_receive",
        (Channel::Email, _) => "can_receive_email_marketing",
        (Channel::Sms, Message::Transactional) => "can_receive_sms_transactional",
        (Channel::Sms, _) => "can_receive_sms_marketing",
        (Channel::WhatsApp, _) => "can_receive",
        (Channel::Push, _) => "can_receive_push_marketing",
    };
    // Email may go to everybody who has not refused it. Unproven: that the same holds for open tracking.
    let may = match (channel, message) {
        (Channel::Email, Message::OpenTracking) => consent.state != State::Unsubscribed,
        (Channel::Email, _) => profile.suppressions.is_empty(),
        _ => subscribed,
    };
    let Value::Object(members) = &mut document else { return document };
    members.insert(can_receive.to_owned(), json!(may));
    if channel != Channel::Push {
        members.insert("last_updated".to_owned(), json!(consent.since));
    }
    if channel == Channel::WhatsApp || message == Message::OpenTracking {
        members.insert("created_timestamp".to_owned(), json!(consent.since));
        members.insert("metadata".to_owned(), Value::Null);
        members.insert("valid_until".to_owned(), Value::Null);
    }
    if channel == Channel::WhatsApp {
        members.insert("phone_number".to_owned(), json!(profile.attributes.get("phone_number")));
    }
    if message == Message::OpenTracking {
        return document;
    }
    if matches!(channel, Channel::Email | Channel::Sms) {
        members.insert("method".to_owned(), json!(method));
        members.insert("method_detail".to_owned(), json!(""));
    }
    if channel == Channel::Email {
        let suppression = profile.suppressions.iter();
        let suppression: Vec<Value> =
            suppression.map(|(reason, at)| json!({ "reason": reason.as_ref(), "timestamp": at })).collect();
        let lists = profile.list_suppressions.iter();
        let lists: Vec<Value> = lists
            .map(|(list, at)| json!({ "list_id": list, "reason": "UNSUBSCRIBE", "timestamp": at }))
            .collect();
        members.insert("custom_method_detail".to_owned(), json!(consent.source.unwrap_or_default()));
        members.insert("double_optin".to_owned(), json!(consent.confirmed));
        members.insert("suppression".to_owned(), Value::Array(suppression));
        members.insert("list_suppressions".to_owned(), Value::Array(lists));
    }
    document
}

/// Sets an attribute. The members of an object are set one by one.
pub(crate) fn merge(attributes: &mut Map<String, Value>, name: &str, value: Value) {
    match (attributes.get_mut(name), value) {
        (Some(Value::Object(own)), Value::Object(given)) => own.extend(given),
        (_, value) => {
            attributes.insert(name.to_owned(), value);
        }
    }
}

/// The id of the n-th profile. The first is the one in the README's example.
fn profile_id(n: usize) -> String {
    const PREFIX: &str = "01GMTZY2TEKN4KFRP30J";
    // "Z59KGB"
    const FIRST: usize = 1_045_745_163;
    let digit = |position: u32| {
        let digit = (FIRST + n) >> (5 * position) & 31;
        DIGITS.get(digit).copied().map_or('0', char::from)
    };
    PREFIX.chars().chain((0..6).rev().map(digit)).collect()
}
