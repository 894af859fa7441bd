//! Klaviyo's limits on the properties of an event.

use crate::Error;
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use serde_json::value::RawValue;

/// The most bytes of all properties. The rest of an event needs a few more, and a request may have 5 MB.
pub(crate) const BYTES: usize = 4_900_000;
/// The most properties.
const PROPERTIES: usize = 400;
/// The most lists and objects in each other, in a property.
const LEVELS: usize = 10;
/// The most elements of a list.
const ELEMENTS: usize = 4_000;
/// The most bytes of a text.
const TEXT_BYTES: usize = 100_000;
/// The most bytes of a property's name that an error repeats.
const SHOWN: usize = 255;

/// Checks the properties, which are an object. An error names the property that is more than Klaviyo takes.
pub(crate) fn check(properties: &RawValue) -> Result<(), Box<Error>> {
    let text = properties.get();
    if text.len() > BYTES {
        return Err(Error::invalid("properties", &format!("they take more than {} KB", BYTES / 1_000)));
    }
    Scan { text, at: 0, open: Vec::new(), property: None }.run()
}

/// A walk through the text of JSON that is known to be right. It needs no stack, however deep the text nests.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// The lists and objects around the place, from the outermost.
    open: Vec<Open>,
    /// The name of the property around the place, as it is written; none before a name.
    property: Option<&'a str>,
}

struct Open {
    is_list: bool,
    commas: usize,
}

impl Scan<'_> {
    fn run(mut self) -> Result<(), Box<Error>> {
        while let Some(byte) = self.next() {
            match byte {
                b'{' | b'[' => {
                    self.open.push(Open { is_list: byte == b'[', commas: 0 });
                    // The properties themselves are no level.
                    if self.open.len() > LEVELS + 1 {
                        return self.refused("its lists and objects nest in more than", LEVELS, "levels");
                    }
                }
                b'}' | b']' => drop(self.open.pop()),
                b',' => self.comma()?,
                b'"' => self.string()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        byte
    }

    fn comma(&mut self) -> Result<(), Box<Error>> {
        let outermost = self.open.len() == 1;
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        open.commas += 1;
        let (is_list, commas) = (open.is_list, open.commas);
        if outermost {
            self.property = None;
            if commas >= PROPERTIES {
                return self.refused("there are more than", PROPERTIES, "properties");
            }
        }
        if is_list && commas >= ELEMENTS {
            return self.refused("it has a list of more than", ELEMENTS, "elements");
        }
        Ok(())
    }

    /// Passes over a string, whose first quote was read.
    fn string(&mut self) -> Result<(), Box<Error>> {
        let begin = self.at - 1;
        let mut bytes = 0;
        loop {
            bytes += match self.next() {
                None | Some(b'"') => break,
                Some(b'\\') => self.escape(),
                Some(_) => 1,
            };
        }
        if self.open.len() == 1 && self.property.is_none() {
            self.property = self.text.get(begin..self.at);
        }
        if bytes > TEXT_BYTES {
            return self.refused("it has a text of more than", TEXT_BYTES / 1_000, "KB");
        }
        Ok(())
    }

    /// Passes over an escape, whose backslash was read, and returns how many bytes it stands for.
    fn escape(&mut self) -> usize {
        if self.next() != Some(b'u') {
            return 1;
        }
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        self.at += digits.len();
        match u16::from_str_radix(digits, 16) {
            Ok(0..0x80) => 1,
            // A half of a pair stands for a half of four bytes.
            Ok(0x80..0x800 | 0xd800..=0xdfff) => 2,
            _ => 3,
        }
    }

    fn refused(&self, what: &str, most: usize, unit: &str) -> Result<(), Box<Error>> {
        let name = self.property.and_then(|name| serde_json::from_str::<String>(name).ok());
        let field = match name {
            Some(name) if name.len() <= SHOWN => format!("properties/{name}"),
            _ => "properties".to_owned(),
        };
        Err(Error::invalid(&field, &format!("{what} {most} {unit}, which is the most that Klaviyo takes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The pointer of the refusal; none where there is none.
    fn refusal(text: &str) -> Option<String> {
        let error = check(serde_json::from_str(text).unwrap()).err()?;
        error.details[0].pointer.clone()
    }

    fn list(elements: usize) -> String {
        format!("[{}]", ["0"].repeat(elements).join(","))
    }

    fn deep(levels: usize) -> String {
        format!("{}1{}", r#"[{"b":"#.repeat(levels / 2), "}]".repeat(levels / 2))
    }

    #[test]
    fn each_limit_is_kept_to_the_last_one_of_its_kind() {
        let object = |properties: usize| {
            let each: Vec<_> = (0..properties).map(|n| format!(r#""{n}":"a,b""#)).collect();
            format!("{{ {} }}", each.join(" , "))
        };
        let of = |value: &str| format!(r#"{{"first":["x",{{"y":1}}], "a\"b":{value}}}"#);
        let string = |unit: &str, times: usize| of(&format!("\"{}\"", unit.repeat(times)));
        let escapes = |unit: &str, bytes: usize| string(unit, TEXT_BYTES / bytes);
        for text in [
            "{}",
            &object(400),
            &of(&deep(10)),
            &of(&list(4_000)),
            &string("x", 100_000),
            &escapes("é", 2),
            &escapes(r"\u00e9", 2),
            &escapes(r"\ud83d\ude00", 4),
            &escapes(r"\u20aC", 4),
            &escapes(r"\n", 1),
            &escapes(r"\u0000", 1),
            &escapes(r"\\", 1),
            &escapes(r#"\""#, 1),
            // Brackets and commas in a text are none.
            &string("[", 20),
            &string(",", 5_000),
            &format!("{{{}}}", " ".repeat(BYTES - 2)),
        ] {
            assert_eq!(refusal(text), None, "{}", text.get(..200).unwrap_or(text));
        }
        let in_name = format!(r#"{{"{}":1}}"#, "x".repeat(100_001));
        for (text, pointer) in [
            (&object(401), "properties"),
            (&of(&deep(12)), r#"properties/a"b"#),
            (&of(&list(4_001)), r#"properties/a"b"#),
            (&of(&format!("[{}]", list(4_001))), r#"properties/a"b"#),
            (&string("x", 100_001), r#"properties/a"b"#),
            (&string(r"\n", 100_001), r#"properties/a"b"#),
            (&string(r"\u00e9", 50_001), r#"properties/a"b"#),
            (&string(r"\ud83d\ude00", 25_001), r#"properties/a"b"#),
            (&of(&format!(r#"{{"x":["{}"]}}"#, "y".repeat(100_001))), r#"properties/a"b"#),
            (&in_name, "properties"),
            (&format!("{{{}}}", " ".repeat(BYTES - 1)), "properties"),
        ] {
            assert_eq!(refusal(text).as_deref(), Some(pointer), "{}", text.get(..200).unwrap_or(text));
        }
    }

    #[test]
    fn eleven_levels_are_too_many() {
        let eleven = format!("{}{}", "[".repeat(11), "]".repeat(11));
        assert_eq!(refusal(&format!(r#"{{"__proto__":{eleven}}}"#)).as_deref(), Some("properties/__proto__"));
        let endless = format!(r#"{{"a":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(refusal(&endless).as_deref(), Some("properties/a"));
    }

    fn properties() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        let value = leaf.prop_recursive(16, 48, 2, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 1..3).prop_map(|map| json!(map)),
            ]
        });
        prop::collection::btree_map(any::<String>(), value, 0..4).prop_map(|map| json!(map))
    }

    fn levels(value: &Value) -> usize {
        match value {
            Value::Array(elements) => 1 + elements.iter().map(levels).max().unwrap_or_default(),
            Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or_default(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn levels_are_counted_as_in_a_tree(value in properties()) {
            prop_assert_eq!(refusal(&format!("{value}")).is_some(), levels(&value) > LEVELS + 1);
        }
    }
}
