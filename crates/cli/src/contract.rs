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

// Each value is taken apart by name, so that a new field of the contract does not compile before it is here.

/// A list.
pub(crate) fn list_json(list: &Audience) -> Value {
    let Audience { id, name, created, updated, opt_in } = list;
    json!({ "id": id, "name": name, "created": created, "updated": updated, "opt-in": opt_in })
}

/// A profile.
pub(crate) fn profile_json(profile: &Profile) -> Value {
    let Profile {
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
    } = profile;
    json!({
        "id": id,
        "email": email,
        "phone-number": phone_number,
        "external-id": external_id,
        "first-name": first_name,
        "last-name": last_name,
        "created": created,
        "updated": updated,
        "properties": properties,
        "warnings": warnings,
    })
}

/// A receipt of an opt-in.
pub(crate) fn receipt_json(receipt: &Receipt) -> Value {
    let Receipt { profile_id, profile_name, list_id, created, warnings } = receipt;
    json!({
        "profile-id": profile_id,
        "profile-name": profile_name,
        "list-id": list_id,
        "created": created,
        "warnings": warnings,
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
