//! Values of the contract as text.

use crate::text::{fields, warning};
use serde_json::Value;

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
