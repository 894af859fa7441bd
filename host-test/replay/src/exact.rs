//! JSON as it is written: no number loses a digit, as it would in a tree of `serde_json`.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Compares two values; each difference is a phrase. An expected member that is missing is null; one that is not
/// expected is such that it `may_be_more`. Numbers are equal where they are written alike.
pub(crate) fn differences(
    place: &str,
    expected: &RawValue,
    got: &RawValue,
    may_be_more: fn(&RawValue) -> bool,
) -> Vec<String> {
    let same = match (Parts::of(expected), Parts::of(got)) {
        (Parts::Object(expected), Parts::Object(got)) => {
            let mut found = Vec::new();
            for (name, value) in &expected {
                let got = got.get(name).copied().unwrap_or(RawValue::NULL);
                found.extend(differences(&format!("{place}.{name}"), value, got, may_be_more));
            }
            let more =
                got.iter().filter(|(name, value)| !expected.contains_key(*name) && !may_be_more(value));
            found.extend(more.map(|(name, value)| format!("{place}.{name}: unexpected {value}")));
            return found;
        }
        (Parts::Array(expected), Parts::Array(got)) if expected.len() == got.len() => {
            let pairs = expected.into_iter().zip(got).enumerate();
            return pairs
                .flat_map(|(index, (expected, got))| {
                    differences(&format!("{place}[{index}]"), expected, got, may_be_more)
                })
                .collect();
        }
        (Parts::Array(expected), Parts::Array(got)) => {
            return vec![format!("{place}: expected {} elements, got {}", expected.len(), got.len())];
        }
        (Parts::String(expected), Parts::String(got)) => expected == got,
        (Parts::Other(expected), Parts::Other(got)) => expected == got,
        _ => false,
    };
    if same { Vec::new() } else { vec![format!("{place}: expected {expected}, got {got}")] }
}

/// Whether a value is the empty list.
pub(crate) fn is_empty_list(value: &RawValue) -> bool {
    matches!(Parts::of(value), Parts::Array(elements) if elements.is_empty())
}

/// Whether a value is null.
pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == RawValue::NULL.get()
}

/// The text of a value without white space between its parts.
pub(crate) fn compact(value: &RawValue) -> String {
    let mut text = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in value.get().chars() {
        if quoted || !c.is_ascii_whitespace() {
            text.push(c);
        }
        quoted = quoted != (c == '"' && !escaped);
        escaped = quoted && c == '\\' && !escaped;
    }
    text
}

enum Parts<'a> {
    Object(BTreeMap<String, &'a RawValue>),
    Array(Vec<&'a RawValue>),
    String(String),
    /// A number, a boolean or null, as it is written.
    Other(&'a str),
}

impl<'a> Parts<'a> {
    fn of(value: &'a RawValue) -> Self {
        let text = value.get();
        let parts = match text.bytes().next() {
            Some(b'{') => serde_json::from_str(text).map(Self::Object),
            Some(b'[') => serde_json::from_str(text).map(Self::Array),
            Some(b'"') => serde_json::from_str(text).map(Self::String),
            _ => return Self::Other(text),
        };
        // A string with half of a surrogate pair is JSON, and no text.
        parts.unwrap_or(Self::Other(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(expected: &str, got: &str) -> bool {
        let [expected, got] = [expected, got].map(|text| serde_json::from_str::<&RawValue>(text).unwrap());
        differences("x", expected, got, is_null).is_empty()
    }

    #[test]
    fn numbers_are_compared_digit_by_digit() {
        assert!(is_same("12345678901234567890", "12345678901234567890"));
        for (one, other) in [
            ("12345678901234567890", "12345678901234567891"),
            ("1499.5", "1499.50"),
            ("1", "1.0"),
            ("0", "-0"),
            ("100", "1e2"),
            ("0.1", "0.10000000000000001"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
            let nested = |number: &str| format!(r#"{{"a":[{{"b":{number}}}]}}"#);
            assert!(!is_same(&nested(one), &nested(other)), "{one} {other}");
        }
    }

    #[test]
    fn everything_else_is_compared_by_its_meaning() {
        for (one, other) in [
            (r#"{"a":1,"b":[true]}"#, r#"{ "b" : [ true ], "a" : 1 }"#),
            (r#""\u00e9\/""#, r#""é/""#),
            (r#"{"a":null}"#, "{}"),
            ("{}", r#"{"a":null}"#),
        ] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("{}", "[]"),
            ("{}", r#"{"a":1}"#),
            (r#"{"a":1}"#, "{}"),
            ("[1]", "[1,1]"),
            (r#""1""#, "1"),
            (r#""null""#, "null"),
            ("true", "false"),
            (r#""\ud800""#, r#""\ud801""#),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn white_space_between_the_parts_is_left_out_and_nothing_else() {
        let text = "{ \"a b\\\" c\\\\\" :\n[ 1 , \" \\\\\\\" \" ] ,\t\"d\": 1.50 }";
        let compacted = compact(serde_json::from_str(text).unwrap());
        assert_eq!(compacted, r#"{"a b\" c\\":[1," \\\" "],"d":1.50}"#);
    }
}
