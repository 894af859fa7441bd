//! Reads JSON objects member by member, and keeps values as they are written, so that no number loses a
//! digit.

use crate::outcome::Reason;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

impl Members {
    /// Reads an object.
    ///
    /// # Errors
    /// The text is not an object; the sentence says where.
    pub(crate) fn read(text: &str) -> Result<Self, Reason> {
        let mut json = serde_json::Deserializer::from_str(text);
        let wrong = |error: serde_json::Error| {
            // The parser's message may repeat the input, and counts lines of its own.
            let what = if error.is_data() { "it is not a JSON object" } else { "it is not JSON" };
            Reason::new("", format!("{what}, at character {}", error.column()))
        };
        let members = json.deserialize_map(Object).map_err(wrong)?;
        json.end().map_err(wrong)?;
        for (name, value) in &members.0 {
            sound(name, value)?;
        }
        Ok(members)
    }

    /// Takes the members of the object `properties`, if there is one. It may be the text of an object, as the connector
    /// itself returns it.
    ///
    /// # Errors
    /// `properties` is something else.
    pub(crate) fn take_properties(&mut self) -> Result<Vec<(String, Box<RawValue>)>, Reason> {
        let index = self.0.iter().position(|(name, _)| name == "properties");
        let Some(value) = index.map(|index| self.0.remove(index).1).filter(|value| value.get() != "null")
        else {
            return Ok(Vec::new());
        };
        let text =
            value.get().starts_with('"').then(|| serde_json::from_str::<String>(value.get()).ok()).flatten();
        Self::read(text.as_deref().unwrap_or(value.get()))
            .map(|Self(members)| members)
            .map_err(|_| Reason::new("properties", "they are not a JSON object"))
    }

    /// Puts the members of the object `location` beside the others, as they are in a file that has no objects. A text
    /// stays as it is.
    ///
    /// # Errors
    /// The object cannot be read.
    pub(crate) fn splice_location(&mut self) -> Result<(), Reason> {
        let is_location =
            |(name, value): &(String, Box<RawValue>)| name == "location" && value.get().starts_with('{');
        if let Some(index) = self.0.iter().position(is_location) {
            let (_, value) = self.0.remove(index);
            self.0.extend(Self::read(value.get())?.0);
        }
        Ok(())
    }
}

/// The custom properties of a record, as the text of a JSON object.
#[derive(Debug, Default)]
pub(crate) struct Properties(String);

impl Properties {
    /// Adds a property whose value is JSON.
    pub(crate) fn add(&mut self, name: &str, json: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&json_string(name));
        self.0.push(':');
        self.0.push_str(json);
    }

    /// Adds the value of a cell that is written as JSON.
    ///
    /// # Errors
    /// It is not JSON.
    pub(crate) fn add_cell(&mut self, name: &str, value: &str) -> Result<(), Reason> {
        let json: Result<&RawValue, _> = serde_json::from_str(value.trim());
        let json = json.map_err(|_| {
            Reason::new("properties", format!("{name} is no JSON; text has to be in quotation marks"))
        })?;
        sound("properties", json)?;
        self.add(name, json.get());
        Ok(())
    }

    /// The object; none without a property.
    pub(crate) fn object(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("{{{}}}", self.0))
    }
}

/// Refuses JSON that other programs cannot read: half of a character, a number too large for any type,
/// nesting without end. Klaviyo would refuse all contacts of its request.
fn sound(name: &str, value: &RawValue) -> Result<(), Reason> {
    match serde_json::from_str::<serde_json::Value>(value.get()) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Reason::new(name, "it has a character, a number or a nesting in it that cannot be read"))
        }
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// The text of a field; none if it is empty.
pub(crate) fn field_text(field: &str, value: &str) -> Result<Option<String>, Reason> {
    let text = match value.bytes().next() {
        Some(b'"') => serde_json::from_str(value).map_err(|error| Reason::new(field, error.to_string()))?,
        Some(b'n') => return Ok(None),
        // A number stays text, or it would lose digits.
        Some(b'0'..=b'9' | b'-') => value.to_owned(),
        _ => return Err(Reason::new(field, "it is not text")),
    };
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// A text as a JSON string.
pub(crate) fn json_string(value: &str) -> String {
    // Writing text as JSON does not fail.
    serde_json::to_string(value).unwrap_or_default()
}
