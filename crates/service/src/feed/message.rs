//! The messages that tell of changes.

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A message about a change: JSON by Standard Webhooks, `{"type", "timestamp", "data"}`.
///
/// Its names are in `snake_case`. A field of a person that is null has no value in Klaviyo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The `webhook-id`: `msg_` and a digest of the body. Whoever tells the same change again sends the same id.
    pub id: String,
    /// Klaviyo's id of the person. Messages about one person keep their order.
    pub person: String,
    /// The body.
    pub body: Bytes,
}

/// The component returned something else than a change.
#[derive(Debug, thiserror::Error)]
#[error("the component returned something else than changes; report it")]
pub struct Malformed;

/// The members of `data`.
type Data<'a> = BTreeMap<&'a str, Box<RawValue>>;

impl Message {
    /// `profile.changed`: a profile as it is, of `changes.profiles` in the contract. `account` is the operator's name
    /// of the account, if there is one.
    ///
    /// # Errors
    /// When it is no profile.
    pub fn profile_changed(account: Option<&str>, profile: &Value) -> Result<Self, Malformed> {
        let data = Data::from([("profile", person(profile)?)]);
        Self::new("profile.changed", account, text(profile, "updated"), id(profile)?, data)
    }

    /// `consent.changed`: the consent of a changed profile as it is, of `consent.status` in the contract.
    ///
    /// # Errors
    /// When one of the two is something else.
    pub fn consent_changed(
        account: Option<&str>,
        profile: &Value,
        consents: &Value,
    ) -> Result<Self, Malformed> {
        let mut data = Data::from([("consent", raw(&in_snake_case(consents))?)]);
        for name in ["email", "phone-number", "external-id"] {
            data.insert(snake_case_of(name), raw(&profile.get(name))?);
        }
        Self::new("consent.changed", account, text(profile, "updated"), id(profile)?, data)
    }

    /// `list.joined` or `segment.joined`: a member of `changes.members` in the contract, and the id of the group.
    /// `group` is `list` or `segment`.
    ///
    /// # Errors
    /// When it is no member.
    pub fn joined(
        account: Option<&str>,
        group: &'static str,
        of: &str,
        member: &Value,
    ) -> Result<Self, Malformed> {
        let profile = member.get("profile").ok_or(Malformed)?;
        let data = Data::from([
            (group, raw(&of)?),
            ("profile", person(profile)?),
            ("joined", raw(&member.get("joined"))?),
        ]);
        let kind = if group == "list" { "list.joined" } else { "segment.joined" };
        Self::new(kind, account, text(member, "joined"), id(profile)?, data)
    }

    /// A message that was sent before, as it was.
    pub(super) fn again(id: String, body: Bytes) -> Self {
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        let id_at = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let person = id_at("/data/profile/id").or_else(|| id_at("/data/consent/profile_id"));
        let person = person.unwrap_or(&id).to_owned();
        Self { id, person, body }
    }

    fn new(
        kind: &str,
        account: Option<&str>,
        timestamp: Option<&str>,
        person: &str,
        mut data: Data<'_>,
    ) -> Result<Self, Malformed> {
        if let Some(account) = account {
            data.insert("account", raw(&account)?);
        }
        let body =
            BTreeMap::from([("type", raw(&kind)?), ("timestamp", raw(&timestamp)?), ("data", raw(&data)?)]);
        let body = serde_json::to_vec(&body).map_err(|_| Malformed)?;
        let digest = Sha256::digest(&body);
        let digest = digest.first_chunk::<16>().map(hex::encode).unwrap_or_default();
        Ok(Self { id: format!("msg_{digest}"), person: person.to_owned(), body: body.into() })
    }
}

fn text<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get(name)?.as_str()
}

fn id(profile: &Value) -> Result<&str, Malformed> {
    text(profile, "id").ok_or(Malformed)
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, Malformed> {
    to_raw_value(value).map_err(|_| Malformed)
}

/// A profile, with its properties as they are written, number by number.
fn person(profile: &Value) -> Result<Box<RawValue>, Malformed> {
    let mut fields = BTreeMap::new();
    for (name, value) in profile.as_object().ok_or(Malformed)? {
        let value = match name.as_str() {
            // About what Klaviyo took of a change of the connector's own.
            "warnings" => continue,
            "properties" => {
                let properties = value.as_str().ok_or(Malformed)?.to_owned();
                RawValue::from_string(properties).map_err(|_| Malformed)?
            }
            _ => raw(&in_snake_case(value))?,
        };
        fields.insert(name.replace('-', "_"), value);
    }
    raw(&fields)
}

/// The contract's names with `_` in place of `-`.
fn in_snake_case(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.replace('-', "_"), in_snake_case(value))).collect()
        }
        Value::Array(items) => items.iter().map(in_snake_case).collect(),
        other => other.clone(),
    }
}

fn snake_case_of(name: &'static str) -> &'static str {
    match name {
        "phone-number" => "phone_number",
        "external-id" => "external_id",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profile() -> Value {
        json!({
            "id": "01", "email": "priya@example.com", "phone-number": null, "external-id": "wa-1",
            "location": { "region-code": null, "zip": "400001" },
            "updated": "2026-11-01T00:00:00+00:00", "properties": "{\"n-1\":1.10,\"big\":12345678901234567890123}",
            "warnings": [],
        })
    }

    #[test]
    fn a_change_is_told_in_the_names_of_the_service_and_with_its_own_numbers() {
        let message = Message::profile_changed(Some("shop-1"), &profile()).unwrap();
        assert_eq!(
            String::from_utf8(message.body.to_vec()).unwrap(),
            "{\"data\":{\"account\":\"shop-1\",\"profile\":{\"email\":\"priya@example.com\",\"external_id\":\"wa-1\",\
             \"id\":\"01\",\"location\":{\"region_code\":null,\"zip\":\"400001\"},\"phone_number\":null,\
             \"properties\":{\"n-1\":1.10,\"big\":12345678901234567890123},\
             \"updated\":\"2026-11-01T00:00:00+00:00\"}},\
             \"timestamp\":\"2026-11-01T00:00:00+00:00\",\"type\":\"profile.changed\"}"
        );
        assert_eq!(message.person, "01");
        let consents =
            json!({ "profile-id": "01", "channels": [{ "channel": "email", "can-receive": true }] });
        let consent = Message::consent_changed(None, &profile(), &consents).unwrap();
        let body: Value = serde_json::from_slice(&consent.body).unwrap();
        assert_eq!(body["data"]["consent"]["channels"][0]["can_receive"], true);
        assert_eq!(
            (&body["data"]["external_id"], &body["data"]["phone_number"]),
            (&json!("wa-1"), &Value::Null)
        );
        assert_eq!(body["data"]["account"], Value::Null);
        let member = json!({ "profile": profile(), "joined": "2026-11-02T00:00:00+00:00" });
        let joined = Message::joined(None, "list", "Y6nRLr", &member).unwrap();
        let body: Value = serde_json::from_slice(&joined.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["list"]), (&json!("list.joined"), &json!("Y6nRLr")));
        assert_eq!((&body["timestamp"], &body["data"]["joined"]), (&member["joined"], &member["joined"]));
    }

    #[test]
    fn an_id_is_the_same_for_the_same_change_only() {
        let id = |account, profile: &Value| Message::profile_changed(account, profile).unwrap().id;
        let one = id(Some("shop-1"), &profile());
        assert_eq!(one, id(Some("shop-1"), &profile()));
        assert_ne!(one, id(Some("shop-2"), &profile()));
        let mut later = profile();
        later["updated"] = json!("2026-11-01T00:00:01+00:00");
        assert_ne!(one, id(Some("shop-1"), &later));
        assert_ne!(one, Message::consent_changed(Some("shop-1"), &profile(), &json!({})).unwrap().id);
    }

    #[test]
    fn a_message_again_is_the_same_about_the_same_person() {
        let consents = json!({ "profile-id": "01", "channels": [] });
        let member = json!({ "profile": profile(), "joined": "2026-11-02T00:00:00+00:00" });
        for message in [
            Message::profile_changed(Some("shop-1"), &profile()).unwrap(),
            Message::consent_changed(Some("shop-1"), &profile(), &consents).unwrap(),
            Message::joined(Some("shop-1"), "list", "Y6nRLr", &member).unwrap(),
        ] {
            assert_eq!(Message::again(message.id.clone(), message.body.clone()), message);
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for wrong in [json!(null), json!({}), json!({ "id": 1 }), json!({ "id": "01", "properties": "{" })] {
            assert!(Message::profile_changed(None, &wrong).is_err(), "{wrong}");
            assert!(Message::joined(None, "list", "Y6nRLr", &wrong).is_err(), "{wrong}");
        }
    }
}
