//! Completes bodies by what Klaviyo's prose says and its schemas do not.

use crate::events::{self, EMAIL, PHONE, identify};
use crate::examples::Ids;
use serde_json::{Map, Value, json};

/// Adds what Klaviyo's prose requires, unless it is there: identifiers, a channel to subscribe to, together
/// `historical_import` and the time of each consent, one source of a merge, people to suppress. Of the
/// identifiers of somebody to delete, it leaves one.
pub(crate) fn complete(mut body: Value, ids: &Ids) -> Value {
    let kind = body.pointer("/data/type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.starts_with("event") {
        events::complete(&mut body);
        return body;
    }
    if kind == "profile-merge" {
        merge(&mut body, ids);
    }
    let in_a_group = ["list", "segment"]
        .iter()
        .any(|group| body.pointer(&format!("/data/relationships/{group}/data")).is_some());
    let Some(attributes) = body.pointer_mut("/data/attributes").and_then(Value::as_object_mut) else {
        return body;
    };
    if kind == "profile" {
        identify(attributes);
    }
    if kind == "data-privacy-deletion-job" {
        delete(attributes);
    }
    if kind.starts_with("profile-suppression-") {
        let profiles = json!({ "data": [{ "type": "profile", "attributes": { "email": EMAIL } }] });
        let profiles_there = attributes.get("profiles").is_some_and(|profiles| !profiles.is_null());
        if !profiles_there && !in_a_group {
            attributes.insert("profiles".to_owned(), profiles);
        }
        return body;
    }
    let historical = attributes.get("historical_import") == Some(&Value::Bool(true));
    let consent = if kind.contains("delete") { "UNSUBSCRIBED" } else { "SUBSCRIBED" };
    let mut dated = false;
    let rows = attributes.get_mut("profiles").and_then(|profiles| profiles.get_mut("data")?.as_array_mut());
    for row in rows.into_iter().flatten().filter_map(|row| row.get_mut("attributes")?.as_object_mut()) {
        identify(row);
        ask(row, consent);
        for consent in consents(row) {
            if historical {
                consent.entry("consented_at").or_insert_with(|| json!("2020-01-31T08:00:00+00:00"));
            }
            dated |= consent.get("consented_at").is_some_and(Value::is_string);
        }
    }
    if dated {
        attributes.insert("historical_import".to_owned(), Value::Bool(true));
    }
    body
}

fn merge(body: &mut Value, ids: &Ids) {
    let profiles = body.pointer_mut("/data/relationships/profiles").and_then(Value::as_object_mut);
    if let Some(profiles) = profiles {
        profiles.entry("data").or_insert_with(|| json!([{ "type": "profile", "id": ids.get("profile") }]));
    }
}

fn delete(attributes: &mut Map<String, Value>) {
    let Some(profile) = attributes.get_mut("profile").and_then(|profile| profile.get_mut("data")) else {
        return;
    };
    let id = profile.get("id").is_some_and(Value::is_string);
    let Some(own) = profile.get_mut("attributes").and_then(Value::as_object_mut) else { return };
    let mut named = id;
    for name in ["email", "phone_number"] {
        if own.get(name).is_some_and(Value::is_string) {
            if named {
                own.remove(name);
            }
            named = true;
        }
    }
    if !named {
        let name = if own.contains_key("email") { "phone_number" } else { "email" };
        own.insert(name.to_owned(), json!(if name == "email" { EMAIL } else { PHONE }));
    }
}

/// Adds a consent, if there is none.
fn ask(attributes: &mut Map<String, Value>, consent: &str) {
    let channel = if attributes.get("email") == Some(&Value::Null) { "sms" } else { "email" };
    let Some(Value::Object(channels)) = attributes.get_mut("subscriptions") else { return };
    let asks =
        |channel: &Value| channel.as_object().is_some_and(|messages| messages.values().any(Value::is_object));
    if !channels.values().any(asks) {
        channels.insert(channel.to_owned(), json!({ "marketing": { "consent": consent } }));
    }
}

/// The consents of a row, except open tracking, which has no time.
fn consents(attributes: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let channels = attributes.get_mut("subscriptions").and_then(Value::as_object_mut).into_iter().flatten();
    let messages = channels.filter_map(|(_, channel)| channel.as_object_mut()).flatten();
    let consents = messages
        .filter(|(name, _)| *name != "open_tracking")
        .filter_map(|(_, message)| message.as_object_mut());
    consents.filter(|message| message.contains_key("consent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attributes: Value, kind: &str, more: Value) -> Value {
        let mut own = json!({ "profiles": { "data": [{ "type": "profile", "attributes": attributes }] } });
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        complete(json!({ "data": { "type": kind, "attributes": own } }), &Ids::new())
    }

    #[test]
    fn a_body_gets_what_prose_asks_for_and_keeps_what_it_has() {
        let profile = |attributes: Value| {
            let body =
                complete(json!({ "data": { "type": "profile", "attributes": attributes } }), &Ids::new());
            body["data"]["attributes"].clone()
        };
        assert_eq!(
            profile(json!({})),
            json!({ "email": "priya@example.com", "phone_number": "+919876543210" })
        );
        assert_eq!(profile(json!({ "email": null }))["email"], Value::Null);
        assert_eq!(complete(json!({ "data": [] }), &Ids::new()), json!({ "data": [] }));
    }

    #[test]
    fn a_subscription_has_a_channel_and_consent_of_old_its_time() {
        let at = "/data/attributes/profiles/data/0/attributes/subscriptions";
        let create = "profile-subscription-bulk-create-job";
        let body = row(json!({ "subscriptions": {} }), create, json!({}));
        assert_eq!(body.pointer(at), Some(&json!({ "email": { "marketing": { "consent": "SUBSCRIBED" } } })));
        let body = row(json!({ "email": null, "subscriptions": { "push": null } }), create, json!({}));
        assert!(body.pointer(&format!("{at}/sms/marketing")).is_some());
        let body = row(json!({ "subscriptions": {} }), "profile-subscription-bulk-delete-job", json!({}));
        assert_eq!(body.pointer(&format!("{at}/email/marketing/consent")).unwrap(), "UNSUBSCRIBED");

        let body = row(json!({ "subscriptions": {} }), create, json!({ "historical_import": true }));
        assert!(body.pointer(&format!("{at}/email/marketing/consented_at")).is_some());
        let dated = json!({ "consent": "SUBSCRIBED", "consented_at": "2020-01-31T08:00:00Z" });
        let body = row(json!({ "subscriptions": { "sms": { "marketing": dated } } }), create, json!({}));
        assert_eq!(body.pointer("/data/attributes/historical_import"), Some(&json!(true)));
    }

    #[test]
    fn who_is_merged_deleted_or_suppressed_is_named_once() {
        let ids = Ids::from([("profile", "01A".to_owned())]);
        let profiles = json!({ "profiles": {} });
        let merge = json!({ "data": { "type": "profile-merge", "id": "01B", "relationships": profiles } });
        let merge = complete(merge, &ids);
        assert_eq!(merge.pointer("/data/relationships/profiles/data/0/id"), Some(&json!("01A")));

        let delete = |profile: Value| {
            let attributes = json!({ "profile": { "data": profile } });
            let body = json!({ "data": { "type": "data-privacy-deletion-job", "attributes": attributes } });
            complete(body, &ids).pointer("/data/attributes/profile/data").cloned().unwrap()
        };
        let both = json!({ "email": "a@example.com", "phone_number": "+14155550100" });
        assert_eq!(delete(json!({ "attributes": both }))["attributes"], json!({ "email": "a@example.com" }));
        assert_eq!(delete(json!({ "id": "01A", "attributes": both }))["attributes"], json!({}));
        assert_eq!(delete(json!({ "attributes": {} }))["attributes"], json!({ "email": EMAIL }));
        let null = delete(json!({ "attributes": { "email": null } }));
        assert_eq!(null["attributes"], json!({ "email": null, "phone_number": PHONE }));

        let suppress = |more: Value| {
            let mut body =
                json!({ "data": { "type": "profile-suppression-bulk-create-job", "attributes": {} } });
            body["data"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            complete(body, &ids).pointer("/data/attributes/profiles").is_some()
        };
        assert!(suppress(json!({})));
        assert!(!suppress(json!({ "relationships": { "list": { "data": { "type": "list", "id": "L" } } } })));
    }
}
