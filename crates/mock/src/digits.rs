//! Keeps the numbers in custom properties exactly as they were written.
//!
//! A [`Value`] holds a machine's number: `1.10` loses its zero, and an id of 20 digits its last ones.
//! Klaviyo's answers keep them. So the simulator holds a number that would change as a marked text, from the
//! body to the answer.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::fmt;

/// The beginning of a text that stands for a number, and that of other texts that begin with a null
/// character.
const NUMBER: &str = "\0#";
const TEXT: &str = "\0\"";
/// The depth to which numbers are kept, which is the depth that [`serde_json`] reads.
const MOST_DEEP: u8 = 128;
/// The members whose numbers are kept.
const KEPT: [&str; 2] = ["properties", "patch_properties"];

/// Reads a body.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = Lossy.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Writes a document with the kept numbers.
pub(crate) fn written(value: &Value) -> String {
    // It holds only strings and JSON that was read, so writing cannot fail.
    serde_json::to_string(&WithDigits(value)).unwrap_or_default()
}

/// Reads numbers as a machine's, outside the members whose numbers are kept.
struct Lossy;

impl<'de> DeserializeSeed<'de> for Lossy {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lossy {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = if KEPT.contains(&name.as_str()) {
                kept(map.next_value()?, MOST_DEEP).map_err(A::Error::custom)?
            } else {
                map.next_value_seed(Self)?
            };
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

/// Reads a value whose numbers are kept, to this depth.
fn kept(raw: &RawValue, levels: u8) -> serde_json::Result<Value> {
    let text = raw.get();
    let inner = || levels.checked_sub(1).ok_or_else(|| serde_json::Error::custom("it is nested too deep"));
    Ok(match text.bytes().next() {
        Some(b'{') => {
            let members: indexmap::IndexMap<String, &RawValue> = serde_json::from_str(text)?;
            let inner = inner()?;
            let members = members.into_iter().map(|(name, value)| Ok((name, kept(value, inner)?)));
            Value::Object(members.collect::<serde_json::Result<_>>()?)
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(text)?;
            let inner = inner()?;
            let values = values.into_iter().map(|value| kept(value, inner));
            Value::Array(values.collect::<serde_json::Result<_>>()?)
        }
        Some(b'-' | b'0'..=b'9') => {
            let number: Number = serde_json::from_str(text)?;
            if number.to_string() == text {
                Value::Number(number)
            } else {
                Value::String(format!("{NUMBER}{text}"))
            }
        }
        _ => match serde_json::from_str(text)? {
            Value::String(text) if text.starts_with('\0') => Value::String(format!("{TEXT}{text}")),
            value => value,
        },
    })
}

struct WithDigits<'a>(&'a Value);

impl Serialize for WithDigits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => match (text.strip_prefix(NUMBER), text.strip_prefix(TEXT)) {
                (Some(number), _) => match RawValue::from_string(number.to_owned()) {
                    Ok(number) => number.serialize(serializer),
                    Err(error) => Err(serde::ser::Error::custom(error)),
                },
                (None, text_again) => serializer.serialize_str(text_again.unwrap_or(text)),
            },
            Value::Array(values) => {
                let mut seq = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(&WithDigits(value))?;
                }
                seq.end()
            }
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, &WithDigits(value))?;
                }
                map.end()
            }
            value => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        for depth in [200, 20_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                for body in [deep.clone(), format!("{{\"properties\":{deep}}}")] {
                    assert!(read(body.as_bytes()).is_err(), "{depth}");
                }
            }
        }
    }

    #[test]
    fn numbers_in_properties_keep_their_digits() {
        let body = r#"{"data":[1.5,{"properties":{"order":36893488147419103232,"price":1.10,"deep":[{"n":-0.0,"e":1e5}],"text":"1.10","null":"\u0000#7","none":null,"yes":true}}]}"#;
        let value = read(body.as_bytes()).unwrap();
        assert_eq!(written(&value), body);
        assert_eq!(value.pointer("/data/0"), Some(&Value::from(1.5)));
        assert_eq!(read(b" {\"n\": 1.10} ").unwrap(), serde_json::json!({ "n": 1.1 }));
        for wrong in ["", "{", "{}x", r#"{"properties":{"a":}}"#, r#"{"properties":{"a":1e999}}"#] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
