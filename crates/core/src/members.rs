//! Objects of JSON whose members have names that callers choose: custom properties.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde_json::value::RawValue;

/// The members of an object by name, each as it is written; none if the text is no object. Of a name that is
/// repeated the last counts.
pub(crate) fn members(object: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(object).ok()
}

/// How deep two values are compared. Below, they are equal if they are written alike.
const DEPTH: usize = 16;

/// Whether an object has each member of another with an equal value. The order of members and white space do not
/// count.
pub(crate) fn has_members(object: &str, others: &str) -> bool {
    let (Some(own), Some(others)) = (members(object), members(others)) else { return false };
    others.iter().all(|(name, value)| own.get(name).is_some_and(|own| same(own.get(), value.get(), DEPTH)))
}

fn same(a: &str, b: &str, depth: usize) -> bool {
    if a == b {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (a.bytes().next(), b.bytes().next()) {
        (Some(b'{'), Some(b'{')) => match (members(a), members(b)) {
            (Some(a), Some(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(name, value)| b.get(name).is_some_and(|b| same(value.get(), b.get(), depth)))
            }
            _ => false,
        },
        (Some(b'['), Some(b'[')) => match (elements(a), elements(b)) {
            (Some(a), Some(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a.get(), b.get(), depth))
            }
            _ => false,
        },
        (Some(b'"'), Some(b'"')) => match (string(a), string(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
        _ => false,
    }
}

fn elements(array: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(array).ok()
}

fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn values_are_equal_however_they_are_written() {
        let own = r#"{"b":{"y":[1,"\u00e9"],"x":null},"a":1,"more":2}"#;
        assert!(has_members(own, r#"{ "a": 1, "b": { "x": null, "y": [1, "é"] } }"#));
        assert!(has_members(own, "{}"));
        for other in
            [r#"{"a":2}"#, r#"{"c":1}"#, r#"{"b":{"y":[1,"e"],"x":null}}"#, r#"{"b":{"x":null}}"#, "[]"]
        {
            assert!(!has_members(own, other), "{other}");
        }
    }

    #[test]
    fn deep_values_are_compared_as_text() {
        let deep = |inner: &str| format!("{{\"a\":{}{inner}{}}}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(has_members(&deep("1"), &deep("1")));
        assert!(!has_members(&deep("1"), &deep("2")));
    }
}
