//! Values of the contract as JSON, with the contract's names, and as text.

use crate::text::{fields, warning};
use klaviyo_host::types::{Audience, Profile, Receipt};
use serde_json::{Value, json};

const PROFILE: [&str; 9] = [
    "id",
    "email",
    "phone-number",
    "external-id",
    "first-name",
    "last-name",
    "created",
    "updated",
    "properties",
];

/// A list.
pub(crate) fn list_json(list: &Audience) -> Value {
    json!({
        "id": list.id,
        "name": list.name,
        "created": list.created,
        "updated": list.updated,
        "opt-in": list.opt_in,
    })
}

/// A profile.
pub(crate) fn profile_json(profile: &Profile) -> Value {
    json!({
        "id": profile.id,
        "email": profile.email,
        "phone-number": profile.phone_number,
        "external-id": profile.external_id,
        "first-name": profile.first_name,
        "last-name": profile.last_name,
        "created": profile.created,
        "updated": profile.updated,
        "properties": profile.properties,
        "warnings": profile.warnings,
    })
}

/// A receipt of an opt-in.
pub(crate) fn receipt_json(receipt: &Receipt) -> Value {
    json!({
        "profile-id": receipt.profile_id,
        "profile-name": receipt.profile_name,
        "list-id": receipt.list_id,
        "created": receipt.created,
        "warnings": receipt.warnings,
    })
}

/// The fields of a profile that are not empty.
pub(crate) fn profile_text(out: &mut String, profile: &Value) {
    fields(out, profile, &PROFILE);
}

/// What Klaviyo did not take as given, one warning each.
pub(crate) fn warnings_text(warnings: &[String]) -> String {
    let mut out = String::new();
    warnings.iter().for_each(|sentence| warning(&mut out, sentence));
    out
}
