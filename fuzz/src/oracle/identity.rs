//! The strings that a request may say of an argument.

use klaviyo_core::identifiers::{email, external_id, phone_number};
use klaviyo_core::{intake, text};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether a value is one of these texts: as it is, or cleaned as the contract says.
#[must_use]
pub fn is_one_of(value: &str, texts: &BTreeSet<String>) -> bool {
    let cleans = |from: &str| {
        let cleaned = [phone_number(from), email(from), external_id(from), email(intake::address(from))];
        text::trimmed(from) == value || cleaned.into_iter().flatten().any(|cleaned| cleaned == value)
    };
    texts.contains(value) || texts.iter().any(|text| cleans(text))
}

/// All strings of a value, names of members left out.
pub fn strings(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(elements) => elements.iter().for_each(|element| strings(element, found)),
        Value::Object(members) => members.values().for_each(|member| strings(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_that_of_an_argument_or_a_cleaned_one() {
        let mut texts = BTreeSet::new();
        strings(&json!([{ "phone-number": "+91 98200 00001" }, [" priya@example.com"], 7, null]), &mut texts);
        for value in ["+91 98200 00001", "+919820000001", "priya@example.com"] {
            assert!(is_one_of(value, &texts), "{value}");
        }
        for value in ["", "phone-number", "919820000001", "+91982000000", "riya@example.com", "7"] {
            assert!(!is_one_of(value, &texts), "{value}");
        }
    }
}
