//! Personal data that the client of the tools does not see: it gets `<email 1>` instead, and may give that back.

use klaviyo_host::actions::Actions;
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Values that are remembered. What is hidden after them cannot be given back.
const REMEMBERED: usize = 100_000;
/// Schemas within schemas. A component can say anything of itself.
const DEPTH: u32 = 64;
/// Schemas that are looked at for one value. The largest page of people takes fewer than a tenth.
const STEPS: u32 = 1_000_000;
/// Characters of a value that is looked for within texts.
const SHORTEST: usize = 4;
/// What a URL has in another form.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is hidden behind which word.
pub(crate) struct Masks {
    actions: Actions,
    known: Mutex<Known>,
    /// Stands before a text that was visited, while others are. Nobody else can know it.
    mark: String,
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
        let mark = format!("{:016x}\0", RandomState::new().build_hasher().finish());
        Self { actions, known: Mutex::default(), mark }
    }

    /// Puts the values that the client has words for in their place, where the schema says that a personal value stands,
    /// and returns both. Elsewhere a word stays one: Klaviyo would be told who it is, and might repeat it.
    pub(super) fn reveal(&self, schema: &Value, value: &mut Value) -> Revealed {
        let mut revealed = Vec::new();
        self.visit(schema, value, &mut |_, text| {
            if let Some(known) = self.known.lock().values.get(text.as_str()) {
                revealed.push((known.clone(), std::mem::replace(text, known.clone())));
            }
        });
        Revealed(revealed)
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
        self.visit(schema, value, &mut |kind, text| *text = self.known.lock().word(kind, text));
    }

    /// Visits each text once that the schema says is personal, with the name of its member.
    fn visit(&self, schema: &Value, value: &mut Value, visitor: &mut dyn FnMut(&str, &mut String)) {
        Visit { masks: self, visitor, steps: STEPS }.at(schema, "text", value, DEPTH);
        each_text(value, &mut |text| {
            if let Some(visited) = text.strip_prefix(&self.mark) {
                *text = visited.to_owned();
            }
        });
    }
}

struct Visit<'a> {
    masks: &'a Masks,
    visitor: &'a mut dyn FnMut(&str, &mut String),
    /// How many schemas may still be looked at.
    steps: u32,
}

impl Visit<'_> {
    fn at(&mut self, schema: &Value, kind: &str, value: &mut Value, depth: u32) {
        self.steps = self.steps.saturating_sub(1);
        let Some(depth) = depth.checked_sub(1).filter(|_| self.steps > 0) else {
            // What is so deep, or has so many branches, is of no schema of ours.
            *value = Value::Null;
            return;
        };
        let masks = self.masks;
        if let Some(definition) = masks.actions.definition(schema) {
            self.at(definition, kind, value, depth);
        }
        for branch in ["anyOf", "oneOf"].iter().filter_map(|name| schema.get(*name)?.as_array()).flatten() {
            self.at(branch, kind, value, depth);
        }
        match value {
            // Another branch may have been here.
            Value::String(text)
                if schema.get("x-personal").is_some() && !text.starts_with(masks.mark.as_str()) =>
            {
                (self.visitor)(kind, text);
                text.insert_str(0, &masks.mark);
            }
            Value::Array(values) => {
                if let Some(items) = schema.get("items") {
                    values.iter_mut().for_each(|value| self.at(items, kind, value, depth));
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    if let Some(schema) = schema.get("properties").and_then(|properties| properties.get(name))
                    {
                        self.at(schema, name, member, depth);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The values that a call was given in place of words, each with its word.
pub(super) struct Revealed(Vec<(String, String)>);

impl Revealed {
    /// Hides the values wherever they came back, whole or within a text, as they are and as a URL or JSON has them.
    pub(super) fn hide(&self, value: &mut Value) {
        each_text(value, &mut |text| *text = self.hide_in_text(text));
    }

    /// Hides the values in a text.
    pub(super) fn hide_in_text(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for (value, word) in &self.0 {
            if hidden == *value {
                hidden.clone_from(word);
            }
            // Within a text a shorter one may be a part of anything.
            if value.chars().count() < SHORTEST {
                continue;
            }
            let in_url = utf8_percent_encode(value, IN_URL).to_string();
            let in_json = Value::from(value.as_str()).to_string();
            for form in [value.as_str(), &in_url, in_json.trim_matches('"')] {
                hidden = hidden.replace(form, word);
            }
        }
        hidden
    }
}

fn each_text(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(members) => members.values_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

/// What a word of a sentence looks like, if it may tell of a person: emails, phone numbers, Klaviyo's ids of profiles.
fn kind_of(word: &str) -> Option<&'static str> {
    const ID: usize = 26;
    let digits = word.chars().filter(char::is_ascii_digit).count();
    match word {
        // An address has something on both sides: sentences name the `@` itself, too.
        _ if word.trim_matches('@').contains('@') => Some("email"),
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
            "bomb": { "anyOf": [{ "$ref": "#/$defs/bomb" }, { "$ref": "#/$defs/bomb" }] },
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
        let mut arguments =
            json!({ "email": "<email 2>", "list": "<email 1>", "friends": [{ "email": "<email 3>" }] });
        let revealed = masks.reveal(&schema, &mut arguments);
        // Only where a personal value stands.
        let expected =
            json!({ "email": "b@example.com", "list": "<email 1>", "friends": [{ "email": "<email 3>" }] });
        assert_eq!(arguments, expected);
        assert_eq!(revealed.0, [("b@example.com".to_owned(), "<email 2>".to_owned())]);
    }

    #[test]
    fn a_value_is_hidden_once_however_many_branches_have_it() {
        let masks = masks();
        let email = json!({ "type": "string", "x-personal": true });
        let mut value = json!("a@example.com");
        masks.hide(&json!({ "anyOf": [email, email], "x-personal": true }), &mut value);
        assert_eq!(value, "<text 1>");
    }

    #[test]
    fn a_value_that_looks_like_a_word_gets_one_of_its_own() {
        let masks = masks();
        masks.word("email", "a@example.com");
        let schema = json!({ "$ref": "#/$defs/person" });
        let mut value = json!({ "email": "<email 1>" });
        masks.hide(&schema, &mut value);
        assert_eq!(value, json!({ "email": "<email 2>" }));
        masks.reveal(&schema, &mut value);
        assert_eq!(value, json!({ "email": "<email 1>" }));
    }

    #[test]
    fn what_was_revealed_is_hidden_wherever_it_comes_back() {
        let masks = masks();
        masks.word("email", "12 \"Elm\" Street");
        masks.word("first-name", "Li");
        let schema = json!({ "$ref": "#/$defs/person" });
        let mut arguments = json!({ "email": "<email 1>", "friends": [{ "email": "<first-name 1>" }] });
        let revealed = masks.reveal(&schema, &mut arguments);
        for (text, hidden) in [
            ("A list with id `12 \"Elm\" Street` is not there", "A list with id `<email 1>` is not there"),
            ("/api/lists/12%20%22Elm%22%20Street/", "/api/lists/<email 1>/"),
            ("{\"id\":\"12 \\\"Elm\\\" Street\"}", "{\"id\":\"<email 1>\"}"),
            ("Li", "<first-name 1>"),
            ("List", "List"),
        ] {
            assert_eq!(revealed.hide_in_text(text), hidden);
        }
        let mut value = json!([{ "name": "12 \"Elm\" Street" }]);
        revealed.hide(&mut value);
        assert_eq!(value, json!([{ "name": "<email 1>" }]));
    }

    #[test]
    fn a_schema_without_an_end_hides_all() {
        let mut value = json!("a@example.com");
        masks().hide(&json!({ "$ref": "#/$defs/loop" }), &mut value);
        assert_eq!(value, Value::Null);
        let mut value = json!("a@example.com");
        masks().hide(&json!({ "$ref": "#/$defs/bomb" }), &mut value);
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
        for none in ["it has no `@`", "write to @shop", "@@"] {
            assert_eq!(masks.hide_in_text(none), none);
        }
        for address in ["a@b", "@a@b", "a@b@"] {
            assert!(!masks.hide_in_text(address).contains('@'), "{address}");
        }
    }
}
