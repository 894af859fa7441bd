//! Reads members of JSON by name, without building a tree.
//!
//! A [`Json`] is a slice of the text and its path. Members and elements are searched in the text when they
//! are needed. Other values are skipped: they take no memory, may nest to any depth and lose no digit. An
//! error names its path, as in `data[0].attributes.email is a number, not a string`.

use alloc::{borrow::ToOwned, format, string::String, vec};
use core::fmt;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value in its text, or the path of a missing one.
pub(crate) struct Json<'a> {
    text: Option<&'a str>,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Document,
    Member(&'a Json<'a>, &'static str),
    Element(&'a Json<'a>, usize),
}

impl<'a> Json<'a> {
    /// Reads a whole document and checks its syntax to the last byte. An empty text is a missing value.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let mut text = None;
        if !bytes.iter().all(u8::is_ascii_whitespace) {
            let bytes = core::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
            let value: &RawValue = serde_json::from_str(bytes).map_err(|e| syntax(&e))?;
            text = Some(value.get());
        }
        Ok(Self { text, place: Place::Document })
    }

    /// The members of an object, by name. Null, `[]` and a missing value stand for an empty object, because
    /// Klaviyo sometimes writes it so.
    pub(crate) fn members<'s, const N: usize>(
        &'s self,
        names: [&'static str; N],
    ) -> Result<[Json<'s>; N], String> {
        let mut texts = [None; N];
        self.find(&names, &mut texts)?;
        let mut texts = texts.into_iter();
        Ok(names.map(|name| Json { text: texts.next().flatten(), place: Place::Member(self, name) }))
    }

    /// The members of an object that are strings, by name; none where one is missing or null.
    pub(crate) fn strings<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Option<String>; N], String> {
        let mut strings = [const { None }; N];
        self.fill(&names, &mut strings)?;
        Ok(strings)
    }

    /// As [`strings`](Self::strings). It is compiled once for all numbers of names.
    #[inline(never)]
    fn fill(&self, names: &[&'static str], strings: &mut [Option<String>]) -> Result<(), String> {
        let mut texts = vec![None; names.len()];
        self.find(names, &mut texts)?;
        for ((string, text), name) in strings.iter_mut().zip(texts).zip(names) {
            *string = Json { text, place: Place::Member(self, name) }.optional_string()?;
        }
        Ok(())
    }

    fn find(&self, names: &[&'static str], texts: &mut [Option<&'a str>]) -> Result<(), String> {
        match self.kind() {
            Kind::Object => {
                let mut json = serde_json::Deserializer::from_str(self.text.unwrap_or_default());
                json.deserialize_map(Members { names, texts }).map_err(|e| self.unreadable(&e))
            }
            Kind::Missing | Kind::Null => Ok(()),
            Kind::Array if self.has_nothing_between('[', ']') => Ok(()),
            kind => Err(self.unexpected(kind, "an object")),
        }
    }

    /// As [`strings`](Self::strings), and none where the value has another type.
    pub(crate) fn strings_if_any<const N: usize>(&self, names: [&'static str; N]) -> [Option<String>; N] {
        let mut strings = [const { None }; N];
        if let Ok(members) = self.members(names) {
            for (string, member) in strings.iter_mut().zip(members) {
                *string = member.optional_string().ok().flatten();
            }
        }
        strings
    }

    /// Gives the elements of an array to `take` until it fails. They are not collected, because an answer of
    /// a few megabytes can have a few million.
    pub(crate) fn each<'s>(
        &'s self,
        mut take: impl FnMut(&Json<'s>) -> Result<(), String>,
    ) -> Result<(), String> {
        match self.kind() {
            Kind::Array => {
                let mut failure = None;
                let mut json = serde_json::Deserializer::from_str(self.text.unwrap_or_default());
                let elements = Elements { array: self, take: &mut take, failure: &mut failure };
                let read = json.deserialize_seq(elements);
                failure.map_or_else(|| read.map_err(|e| self.unreadable(&e)), Err)
            }
            kind => Err(self.unexpected(kind, "an array")),
        }
    }

    /// As [`each`](Self::each); null and a missing array have no elements.
    pub(crate) fn each_if_any<'s>(
        &'s self,
        take: impl FnMut(&Json<'s>) -> Result<(), String>,
    ) -> Result<(), String> {
        if matches!(self.kind(), Kind::Missing | Kind::Null) { Ok(()) } else { self.each(take) }
    }

    /// A required string, not empty.
    pub(crate) fn string(&self) -> Result<String, String> {
        match self.optional_string()? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(format!("{self} is empty")),
            None => Err(self.unexpected(self.kind(), "a string")),
        }
    }

    /// A string, or none where it is missing or null.
    pub(crate) fn optional_string(&self) -> Result<Option<String>, String> {
        match self.kind() {
            Kind::String => {
                serde_json::from_str(self.text.unwrap_or_default()).map(Some).map_err(|e| self.unreadable(&e))
            }
            Kind::Missing | Kind::Null => Ok(None),
            kind => Err(self.unexpected(kind, "a string")),
        }
    }

    /// A string, or the text of a number; none where it is missing or null.
    pub(crate) fn optional_text(&self) -> Result<Option<String>, String> {
        match self.kind() {
            Kind::Number => Ok(self.text.map(str::to_owned)),
            _ => self.optional_string(),
        }
    }

    /// A boolean, or none where it is missing or null.
    pub(crate) fn optional_boolean(&self) -> Result<Option<bool>, String> {
        match self.kind() {
            Kind::Boolean => Ok(Some(self.text == Some("true"))),
            Kind::Missing | Kind::Null => Ok(None),
            kind => Err(self.unexpected(kind, "a boolean")),
        }
    }

    /// A count; 0 where it is missing or null.
    pub(crate) fn count(&self) -> Result<u32, String> {
        match self.kind() {
            Kind::Number => {
                let count = self.text.and_then(|text| text.parse().ok());
                count.ok_or_else(|| format!("{self} is not a count"))
            }
            Kind::Missing | Kind::Null => Ok(0),
            kind => Err(self.unexpected(kind, "a number")),
        }
    }

    /// The text of a number; none where the value has another type.
    pub(crate) fn number_text(&self) -> Option<&'a str> {
        self.text.filter(|_| matches!(self.kind(), Kind::Number))
    }

    /// The text of an object; none where [`members`](Self::members) reads an empty one.
    pub(crate) fn object_text(&self) -> Result<Option<&'a str>, String> {
        match self.kind() {
            Kind::Object => Ok(self.text),
            _ => self.find(&[], &mut []).map(|()| None),
        }
    }

    /// Its text; empty where it is missing.
    pub(crate) fn text(&self) -> &'a str {
        self.text.unwrap_or_default()
    }

    /// Bytes of its text.
    pub(crate) fn bytes(&self) -> usize {
        self.text().len()
    }

    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.kind(), Kind::Missing)
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind(), Kind::Null)
    }

    /// Whether an object is empty, or a value stands for an empty one.
    pub(crate) fn is_empty(&self) -> Result<bool, String> {
        Ok(self.object_text()?.is_none() || self.has_nothing_between('{', '}'))
    }

    fn has_nothing_between(&self, open: char, close: char) -> bool {
        let inner = self.text.and_then(|text| text.strip_prefix(open)?.strip_suffix(close));
        inner.is_some_and(|inner| inner.bytes().all(|b| b.is_ascii_whitespace()))
    }

    /// The text is known to be one JSON value, so its first byte tells the type.
    fn kind(&self) -> Kind {
        match self.text.and_then(|text| text.bytes().next()) {
            None => Kind::Missing,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Boolean,
            Some(_) => Kind::Number,
        }
    }

    fn unreadable(&self, error: &serde_json::Error) -> String {
        format!("{self}: {}", syntax(error))
    }

    fn unexpected(&self, kind: Kind, expected: &str) -> String {
        let found = match kind {
            Kind::Missing => "missing",
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        };
        format!("{self} is {found}, not {expected}")
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Document => f.write_str("the document"),
            Place::Member(Json { place: Place::Document, .. }, name) => f.write_str(name),
            Place::Member(parent, name) => write!(f, "{parent}.{name}"),
            Place::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A sentence about the syntax error of a text. The library's own sentence says no more and takes more code.
pub(crate) fn syntax(error: &serde_json::Error) -> String {
    let what = if error.is_eof() { "it ends too early" } else { "it is not JSON" };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

enum Kind {
    Missing,
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// Keeps the texts of the members with these names. If a name is repeated, the last counts.
struct Members<'n, 'a> {
    names: &'n [&'static str],
    texts: &'n mut [Option<&'a str>],
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(index) = map.next_key_seed(Position(self.names))? {
            match index.and_then(|i| self.texts.get_mut(i)) {
                Some(slot) => *slot = Some(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Gives the elements to `take`, until it fails.
struct Elements<'v, 's> {
    array: &'s Json<'s>,
    take: &'v mut dyn FnMut(&Json<'s>) -> Result<(), String>,
    failure: &'v mut Option<String>,
}

impl<'s> Visitor<'s> for Elements<'_, 's> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'s>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            if self.failure.is_none() {
                let element = Json { text: Some(raw.get()), place: Place::Element(self.array, index) };
                *self.failure = (self.take)(&element).err();
            }
            index += 1;
        }
        Ok(())
    }
}

/// Reads a member's name as its position among those that are wanted.
struct Position<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for Position<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Position<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn email(text: &str) -> Result<Option<String>, String> {
        let document = Json::parse(text.as_bytes())?;
        let [data] = document.members(["data"])?;
        let mut emails = Vec::new();
        data.each(|element| {
            let [attributes] = element.members(["attributes"])?;
            let [email] = attributes.strings(["email"])?;
            emails.push(email);
            Ok(())
        })?;
        Ok(emails.into_iter().next().flatten())
    }

    #[test]
    fn a_member_is_found_whatever_stands_around_it() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        let text = format!(
            r#" {{ "x":{deep}, "data" : [ {{"attributes":{{"n":1e999,"em\u0061il":"a\n\"b","y":{{}}}}}}, {{}} ]}} "#
        );
        assert_eq!(email(&text), Ok(Some("a\n\"b".to_owned())));
        assert_eq!(email(r#"{"data":[{"attributes":{"email":null}}]}"#), Ok(None));
        assert_eq!(email(r#"{"data":[{"attributes":[]}]}"#), Ok(None));
        assert_eq!(email(r#"{"data":[null]}"#), Ok(None));
    }

    #[test]
    fn an_error_names_its_place() {
        for (text, error) in [
            (
                r#"{"data":[{"attributes":{"email":7}}]}"#,
                "data[0].attributes.email is a number, not a string",
            ),
            (r#"{"data":[{"attributes":"x"}]}"#, "data[0].attributes is a string, not an object"),
            (r#"{"data":[{},null,[1]]}"#, "data[2] is an array, not an object"),
            (r#"{"data":{}}"#, "data is an object, not an array"),
            (r#"{}"#, "data is missing, not an array"),
            ("true", "the document is a boolean, not an object"),
            (r#"{"data":[}"#, "it is not JSON (line 1, column 10)"),
            (r#"{"data":"#, "it ends too early (line 1, column 8)"),
            (
                r#"{"data":[{"attributes":{"email":"\ud800"}}]}"#,
                "data[0].attributes.email: it is not JSON (line 1, column 8)",
            ),
        ] {
            assert_eq!(email(text), Err(error.to_owned()));
        }
    }

    #[test]
    fn bytes_that_are_no_document_are_refused() {
        for bytes in [&b"{"[..], b"{}{}", b"\xff", b"{\"data\":[}", b"<html>", b"\xef\xbb\xbf{}"] {
            assert!(Json::parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
