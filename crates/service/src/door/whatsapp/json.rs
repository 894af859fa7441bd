//! Reading JSON part by part. A part stays a slice of the body until it is read as a type, so an unexpected
//! part does not hide the others.

use serde::Deserialize;
use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A part of the body, if it is there.
pub(super) type Part<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Entries<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), value)) = map.next_entry()? {
            (self.0)(name, value);
        }
        Ok(())
    }
}

struct Items<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut all: A) -> Result<(), A::Error> {
        while let Some(item) = all.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }
}

/// The text of a part that begins with this character. For any other part, the error of serde would repeat
/// it, and it can be long.
fn beginning(part: Part<'_>, first: char) -> Option<&str> {
    part.map(RawValue::get).filter(|text| text.starts_with(first))
}

/// All entries of an object. None: it is no object, or a name in it is no text.
pub(super) fn entries<'a>(object: Part<'a>, each: impl FnMut(Cow<'a, str>, &'a RawValue)) -> Option<()> {
    let text = beginning(object, '{')?;
    serde_json::Deserializer::from_str(text).deserialize_map(Entries(each)).ok()
}

/// The entries of an object with these names. Of several with one name it is the last, as in other parsers.
/// None: it is no object.
pub(super) fn fields<'a, const N: usize>(object: Part<'a>, names: [&str; N]) -> Option<[Part<'a>; N]> {
    let mut found = [None; N];
    entries(object, |name, value| {
        for (slot, known) in found.iter_mut().zip(names) {
            if known == name {
                *slot = Some(value);
            }
        }
    })?;
    Some(found)
}

/// Each item of an array. None: it is no array.
pub(super) fn items<'a>(array: Part<'a>, each: impl FnMut(&'a RawValue)) -> Option<()> {
    let text = beginning(array, '[')?;
    serde_json::Deserializer::from_str(text).deserialize_seq(Items(each)).ok()
}

/// A text.
pub(super) fn text(part: Part<'_>) -> Option<Cow<'_, str>> {
    serde_json::from_str(beginning(part, '"')?).map(|Text(text)| text).ok()
}

/// A text, or a number as it is written.
pub(super) fn text_or_number(part: Part<'_>) -> Option<Cow<'_, str>> {
    let number = || part.map(RawValue::get).filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    text(part).or_else(|| number().map(Cow::Borrowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_part_is_what_it_should_be_or_none() {
        let object = raw(r#"{"a": 1, "b": "x", "\u0061": [7, {}, "y"], "c": null}"#);
        let [a, b, c, d] = fields(Some(object), ["a", "b", "c", "d"]).unwrap();
        assert_eq!(
            (a.unwrap().get(), text(b).as_deref(), text(c), d.is_none()),
            ("[7, {}, \"y\"]", Some("x"), None, true)
        );
        let mut seen = Vec::new();
        items(a, |item| seen.push(item.get())).unwrap();
        assert_eq!(seen, ["7", "{}", "\"y\""]);
        for other in ["null", "7", "\"x\"", "true"] {
            assert!(fields(Some(raw(other)), ["a"]).is_none() && items(Some(raw(other)), |_| ()).is_none());
        }
        for (written, expected) in
            [("7", Some("7")), ("7.0", Some("7.0")), ("\"7\"", Some("7")), ("-7", None)]
        {
            assert_eq!(text_or_number(Some(raw(written))).as_deref(), expected);
        }
        // Half of an emoji: a name that was cut can end like this.
        assert_eq!(text(Some(raw("\"\\ud83d\""))), None);
    }
}
