//! The catalogue of actions, which a component has in a custom section: what a platform offers its users, and the forms
//! for it. It is read from the component's bytes, and nothing is run.

use crate::sections::sections;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use wasmparser::{BinaryReaderError, Parser, Payload};

/// The name of the section.
const SECTION: &str = "klaviyo:actions";
/// The form of the document that this crate reads.
const FORM: u32 = 1;
/// The beginning of references from one schema of the document to another.
const DEFINITIONS: &str = "#/$defs/";

/// The catalogue of a component. The project's `docs/actions.md` has its form.
#[derive(Clone, Debug)]
pub struct Actions {
    document: Value,
    actions: Vec<Action>,
}

/// A function of the contract, as a platform offers it. [`Tenant::run_action`](crate::Tenant::run_action) runs it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Action {
    /// Such as `contacts.opt-in`.
    pub name: String,
    /// For a menu.
    pub title: String,
    /// A paragraph.
    pub description: String,
    /// Requests, limits and errors, in paragraphs.
    pub details: String,
    /// Whether it changes something at Klaviyo.
    pub writes: bool,
    /// Whether it can be run again after any failure without a second effect.
    pub repeatable: bool,
    /// Whether nobody can undo it.
    pub irreversible: bool,
    /// All scopes that it may need.
    pub scopes: Vec<String>,
    /// When it needs which, where it does not always need all.
    pub scopes_note: Option<String>,
    /// The requests that it may send, such as `GET /api/profiles/{id}`. None: it sends what its caller says.
    pub requests: Option<Vec<String>>,
    /// How often Klaviyo takes the slowest of them. None: it sends none, or what its caller says.
    pub rates: Option<ActionRates>,
    /// The schema of the object of its arguments. See [`Actions::schema`].
    pub arguments: Value,
    /// The schema of what it returns.
    pub result: Value,
    /// Arguments, and what came of them.
    pub example: Example,
}

/// How often Klaviyo takes an action of one account at most.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct ActionRates {
    /// In a second.
    pub second: u32,
    /// In a minute.
    pub minute: u32,
    /// In a day; none: as often as the other two allow.
    pub day: Option<u32>,
}

/// A call of an action.
#[derive(Clone, Debug, Deserialize)]
pub struct Example {
    /// By their names.
    pub arguments: Value,
    /// What it returned.
    pub result: Value,
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum ActionsError {
    /// The bytes are something else.
    #[error("this is not a WebAssembly component")]
    NoComponent,
    /// It ends too early, or cannot be read for another reason.
    #[error("the component cannot be read")]
    Damaged(#[source] BinaryReaderError),
    /// The component has no such section.
    #[error(
        "the component has no catalogue of actions (the custom section {SECTION}); klaviyo.wasm and klaviyo-wasi.wasm have \
         one, their parts and what is composed of them have none"
    )]
    Missing,
    /// It is something else.
    #[error("the catalogue of actions cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// It is of a later version.
    #[error("the catalogue of actions has the form {0}; this program reads {FORM}: update it")]
    Form(u64),
}

impl Actions {
    /// Reads the catalogue of a component.
    ///
    /// # Errors
    /// When the bytes are no component, or it has no catalogue that this version can read.
    pub fn of_component(component: &[u8]) -> Result<Self, ActionsError> {
        Self::of_json(section(component)?.ok_or(ActionsError::Missing)?)
    }

    /// Reads the document by itself, `klaviyo.actions.json`.
    ///
    /// # Errors
    /// When this version cannot read it.
    pub fn of_json(document: &[u8]) -> Result<Self, ActionsError> {
        let document: Value = serde_json::from_slice(document).map_err(ActionsError::Unreadable)?;
        match document.get("form").and_then(Value::as_u64) {
            Some(form) if form != u64::from(FORM) => return Err(ActionsError::Form(form)),
            _ => {}
        }
        let actions = document.get("actions").unwrap_or(&Value::Null);
        let actions = Vec::deserialize(actions).map_err(ActionsError::Unreadable)?;
        Ok(Self { document, actions })
    }

    /// The whole document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The actions, in the order of the contract.
    #[must_use]
    pub fn all(&self) -> &[Action] {
        &self.actions
    }

    /// An action by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// What a schema of the catalogue refers to, if it does: a definition that several have in common.
    #[must_use]
    pub fn definition(&self, schema: &Value) -> Option<&Value> {
        self.definitions()?.get(name_of_definition(schema)?)
    }

    fn definitions(&self) -> Option<&Map<String, Value>> {
        self.document.get("$defs").and_then(Value::as_object)
    }

    /// A schema of the catalogue, such as [`Action::arguments`], by itself: with the definitions that it refers to, and
    /// no others. It is what other programs take, such as clients of the Model Context Protocol.
    #[must_use]
    pub fn schema(&self, schema: &Value) -> Value {
        let all = self.definitions();
        let mut names = BTreeSet::new();
        let mut left = vec![schema];
        while let Some(value) = left.pop() {
            match value {
                Value::Array(values) => left.extend(values),
                Value::Object(object) => {
                    left.extend(object.values());
                    if let Some(name) = name_of_definition(value)
                        && names.insert(name)
                    {
                        left.extend(self.definition(value));
                    }
                }
                _ => {}
            }
        }
        let mut schema = schema.clone();
        if let (Value::Object(schema), Some(all)) = (&mut schema, all)
            && !names.is_empty()
        {
            let needed = all.iter().filter(|(name, _)| names.contains(name.as_str()));
            let needed: Map<_, _> = needed.map(|(name, value)| (name.clone(), value.clone())).collect();
            schema.insert("$defs".to_owned(), json!(needed));
        }
        schema
    }
}

fn name_of_definition(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(DEFINITIONS)
}

/// The section of a component, not that of a component within it.
fn section(component: &[u8]) -> Result<Option<&[u8]>, ActionsError> {
    if !Parser::is_component(component) {
        return Err(ActionsError::NoComponent);
    }
    for payload in sections(component) {
        match payload.map_err(ActionsError::Damaged)? {
            Payload::CustomSection(section) if section.name() == SECTION => return Ok(Some(section.data())),
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with a custom section.
    fn component(name: &str, data: &[u8]) -> Vec<u8> {
        // Both lengths have to fit one byte.
        let lengths = [data.len() + name.len() + 1, name.len()].map(|length| u8::try_from(length).unwrap());
        assert!(lengths[0] < 0x80);
        let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
        bytes.extend(lengths);
        bytes.extend(name.as_bytes());
        bytes.extend(data);
        bytes
    }

    /// A component that has another one within.
    fn around(inner: &[u8]) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0\x04".to_vec();
        bytes.push(u8::try_from(inner.len()).unwrap());
        bytes.extend(inner);
        bytes
    }

    fn error(bytes: &[u8]) -> ActionsError {
        Actions::of_component(bytes).unwrap_err()
    }

    #[test]
    fn a_component_without_a_catalogue_is_told_apart_from_a_catalogue_that_cannot_be_read() {
        let none = component(SECTION, br#"{"form":1,"actions":[]}"#);
        assert!(Actions::of_component(&none).unwrap().all().is_empty());
        assert!(matches!(error(b"no component"), ActionsError::NoComponent));
        assert!(matches!(error(&none[..none.len() - 1]), ActionsError::Damaged(_)));
        assert!(matches!(error(&component("klaviyo:action", b"{}")), ActionsError::Missing));
        // What a tenant's code says of itself is not the connector's.
        assert!(matches!(error(&around(&none)), ActionsError::Missing));
        assert!(matches!(error(&component(SECTION, b"{")), ActionsError::Unreadable(_)));
        assert!(matches!(error(&component(SECTION, b"{}")), ActionsError::Unreadable(_)));
        assert!(matches!(
            error(&component(SECTION, br#"{"form":1,"actions":[{}]}"#)),
            ActionsError::Unreadable(_)
        ));
        assert!(matches!(error(&component(SECTION, br#"{"form":2}"#)), ActionsError::Form(2)));
    }

    #[test]
    fn a_schema_by_itself_has_what_it_refers_to_and_no_more() {
        let document = json!({
            "form": 1,
            "actions": [],
            "$defs": {
                "a": { "properties": { "b": { "$ref": "#/$defs/b" } } },
                "b": { "items": { "$ref": "#/$defs/a" } },
                "c": { "type": "string" },
            },
        });
        let actions = Actions { document, actions: Vec::new() };
        let schema = actions.schema(&json!({ "anyOf": [{ "$ref": "#/$defs/a" }] }));
        let names: Vec<_> = schema["$defs"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(actions.schema(&json!({ "type": "null" })), json!({ "type": "null" }));
    }
}
