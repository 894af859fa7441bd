//! Personal data that the client of the tools does not see: it gets `<email 1>` instead, and may give that back.

use klaviyo_host::actions::Actions;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;

/// Values that are remembered. What is hidden after them cannot be given back.
const REMEMBERED: usize = 100_000;
/// Schemas within schemas. A component can say anything of itself.
const DEPTH: u32 = 64;

/// What is hidden behind which word.
pub(crate) struct Masks {
    actions: Actions,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The word for a value, and the value behind a word.
    words: HashMap<String, String>,
    values: HashMap<String, String>,
    /// How many words there are of each kind.
    counts: HashMap<String, usize>,
}

impl Known {
    fn word(&mut self, kind: &str, value: &str) -> String {
        if let Some(word) = self.words.get(value) {
            return word.clone();
        }
        if self.words.len() >= REMEMBERED {
            return format!("<{kind}>");
        }
        let count = self.counts.entry(kind.to_owned()).or_default();
        *count += 1;
        let word = format!("<{kind} {count}>");
        self.words.insert(value.to_owned(), word.clone());
        self.values.insert(word.clone(), value.to_owned());
        word
    }
}

impl Masks {
    pub(super) fn new(actions: Actions) -> Self {
        Self { actions, known: Mutex::default() }
    }

    /// Puts the values that the client has words for in their place.
    pub(super) fn reveal(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(known) = self.known.lock().values.get(text.as_str()) {
                    text.clone_from(known);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.reveal(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.reveal(value)),
            _ => {}
        }
    }

    /// Hides in a sentence what is known, and what looks like it. No schema says what a sentence is about.
    pub(super) fn hide_in_text(&self, text: &str) -> String {
        let mut known = self.known.lock();
        let is_part = |c: char| c.is_alphanumeric() || "@._-+%'".contains(c);
        let mut hidden = String::new();
        for piece in text.split_inclusive(|c| !is_part(c)) {
            let whole = piece.trim_end_matches(|c| !is_part(c));
            // The full stop of the sentence.
            let word = whole.trim_end_matches('.');
            let found = known.words.get(word).cloned();
            let found = found.or_else(|| kind_of(word).map(|kind| known.word(kind, word)));
            hidden.push_str(found.as_deref().unwrap_or(word));
            hidden.push_str(piece.get(word.len()..).unwrap_or_default());
        }
        hidden
    }

    /// The word for a value.
    pub(super) fn word(&self, kind: &str, value: &str) -> String {
        self.known.lock().word(kind, value)
    }

    /// Hides what the schema says is personal.
    pub(super) fn hide(&self, schema: &Value, value: &mut Value) {
        self.hide_in(schema, "text", value, DEPTH);
    }

    fn hide_in(&self, schema: &Value, kind: &str, value: &mut Value, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            // What is so deep is of no schema of ours.
            *value = Value::Null;
            return;
        };
        if let Some(definition) = self.actions.definition(schema) {
            self.hide_in(definition, kind, value, depth);
        }
        for branch in ["anyOf", "oneOf"].iter().filter_map(|name| schema.get(*name)?.as_array()).flatten() {
            self.hide_in(branch, kind, value, depth);
        }
        match value {
            Value::String(text) if schema.get("x-personal").is_some() => {
                let mut known = self.known.lock();
                // Another branch has hidden it already.
                if !known.values.contains_key(text.as_str()) {
                    *text = known.word(kind, text);
                }
            }
            Value::Array(values) => {
                if let Some(items) = schema.get("items") {
                    values.iter_mut().for_each(|value| self.hide_in(items, kind, value, depth));
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if let Some(schema) = schema.get("properties").and_then(|properties| properties.get(name))
                    {
                        self.hide_in(schema, name, member, depth);
                    }
                }
            }
            _ => {}
        }
    }
}

/// What a word of a sentence looks like, if it may tell of a person: emails, phone numbers, Klaviyo's ids of profiles.
fn kind_of(word: &str) -> Option<&'static str> {
    const ID: usize = 26;
    let digits = word.chars().filter(char::is_ascii_digit).count();
    match word {
        _ if word.contains('@') => Some("email"),
        _ if word.starts_with('+') && digits >= 7 => Some("phone-number"),
        _ if word.len() == ID && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) => {
            Some("id")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masks() -> Masks {
        let definitions = json!({
            "person": {
                "properties": {
                    "email": { "anyOf": [{ "type": "string", "x-personal": true }, { "type": "null" }] },
                    "list": { "type": "string" },
                    "friends": { "items": { "$ref": "#/$defs/person" } },
                },
            },
            "loop": { "$ref": "#/$defs/loop" },
        });
        let document = json!({ "form": 1, "actions": [], "$defs": definitions });
        Masks::new(Actions::of_json(document.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn what_is_personal_has_a_word_by_which_it_is_known_again() {
        let masks = masks();
        let person = |email: &str, list: &str| json!({ "email": email, "list": list });
        let mut value = json!({ "email": "a@example.com", "list": "L", "friends": [person("b@example.com", "a@example.com")] });
        let schema = json!({ "$ref": "#/$defs/person" });
        masks.hide(&schema, &mut value);
        let hidden =
            json!({ "email": "<email 1>", "list": "L", "friends": [person("<email 2>", "a@example.com")] });
        assert_eq!(value, hidden);
        // Hidden twice, it is hidden once.
        masks.hide(&schema, &mut value);
        assert_eq!(value, hidden);
        let mut arguments = json!({ "by": { "email": "<email 2>" }, "list": "<email 3>" });
        masks.reveal(&mut arguments);
        assert_eq!(arguments, json!({ "by": { "email": "b@example.com" }, "list": "<email 3>" }));
    }

    #[test]
    fn a_schema_without_an_end_hides_all() {
        let mut value = json!("a@example.com");
        masks().hide(&json!({ "$ref": "#/$defs/loop" }), &mut value);
        assert_eq!(value, Value::Null);
    }

    #[test]
    fn sentences_have_words_too() {
        let masks = masks();
        masks.word("first-name", "Priya");
        let sentence = "Priya (priya@example.com, +14155550132) is 01GMTZY2TEKN4KFRP30JZ59KGB: `01GMTZY2TEKN4KFRP30JZ59KGB`.";
        let hidden = masks.hide_in_text(sentence);
        assert_eq!(hidden, "<first-name 1> (<email 1>, <phone-number 1>) is <id 1>: `<id 1>`.");
        assert_eq!(masks.hide_in_text(&hidden), hidden);
    }
}
