//! Checks the answers of the simulator against a document.

use crate::document::{Document, Operation};
use crate::schema;
use crate::simulated::Answer;
use anyhow::{Context, Result};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::HashMap;

/// Checks answers. It prepares the schema of each kind of answer once.
pub(crate) struct AnswerChecker<'a> {
    document: &'a Document,
    validators: HashMap<(&'a str, u16), Option<Validator>>,
    /// The number of checked answers.
    pub(crate) checked: usize,
}

impl<'a> AnswerChecker<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Self { document, validators: HashMap::new(), checked: 0 }
    }

    /// What is wrong with an answer of an operation.
    pub(crate) fn violations(&mut self, operation: &'a Operation, answer: &Answer) -> Result<Vec<String>> {
        self.checked = self.checked.saturating_add(1);
        let Some(schema) = operation.answer(answer.status) else {
            return Ok(vec![format!("the status {} is not documented", answer.status)]);
        };
        let key = (operation.name.as_str(), answer.status);
        if !self.validators.contains_key(&key) {
            let validator = (!schema.is_null()).then(|| schema::validator(&self.document.value, schema));
            let validator = validator.transpose();
            let validator = validator
                .with_context(|| format!("in the answer {} of {}", answer.status, operation.name))?;
            self.validators.insert(key, validator);
        }
        Ok(match self.validators.get(&key).and_then(Option::as_ref) {
            None if answer.body.is_null() => Vec::new(),
            None => vec!["the document describes no body".to_owned()],
            Some(validator) => {
                let has_links = schema::resolved(&self.document.value, schema)?.pointer("/properties/links");
                let body = as_documented(&answer.body, has_links.is_some());
                let violations = schema::violations(validator, &body).into_iter();
                violations.map(|(pointer, reason)| format!("{pointer}: {reason}")).collect()
            }
        })
    }
}

/// An answer without what Klaviyo answers beside its documents: recordings have null for the links to pages
/// that are not there, and three more members in an error. 2025-01-15 has pages of ids, but does not describe
/// their links.
fn as_documented(body: &Value, has_links: bool) -> Value {
    let mut body = body.clone();
    if let Some(page) =
        body.as_object_mut().filter(|body| !has_links && body.get("data").is_some_and(Value::is_array))
    {
        page.remove("links");
    }
    if let Some(links) = body.get_mut("links").and_then(Value::as_object_mut) {
        links.retain(|name, link| !(link.is_null() && ["next", "prev"].contains(&name.as_str())));
    }
    let errors = body.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten();
    for error in errors.filter_map(Value::as_object_mut) {
        error.retain(|name, _| !["status", "links", "meta"].contains(&name.as_str()));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_what_the_document_says_for_its_status() {
        let shoe = json!({ "type": "object", "required": ["data"], "properties": {
            "data": { "type": "string" },
            "links": { "type": "object", "properties": { "next": { "type": "string" } } },
        } });
        let answers = json!({
            "200": { "content": { "application/json": { "schema": shoe } } },
            "204": { "description": "nothing" },
            "4XX": { "$ref": "#/components/responses/Error" },
        });
        let error = json!({ "type": "object", "required": ["errors"], "properties": {
            "errors": { "type": "array", "items": { "type": "string" } },
        } });
        let document = json!({
            "openapi": "3.0.2", "info": { "version": "2025-01-15" },
            "paths": { "/api/shoes": { "get": { "operationId": "get_shoes", "responses": answers } } },
            "components": {
                "responses": { "Error": { "content": { "application/json": { "schema": error } } } },
            },
        });
        let document = Document::parse("shoes.json", document).unwrap();
        let operation = document.operation("GET", "/api/shoes").unwrap();
        let mut checker = AnswerChecker::new(&document);
        for (status, body, wrong) in [
            (200, json!({ "data": "a", "links": { "next": null } }), 0),
            (200, json!({ "data": "a", "links": { "next": 7 } }), 1),
            (200, json!({ "data": null }), 1),
            (200, json!(null), 1),
            (204, json!(null), 0),
            (204, json!({}), 1),
            (404, json!({ "errors": ["a"] }), 0),
            (404, json!({ "data": "a" }), 2),
            (500, json!({ "errors": ["a"] }), 1),
        ] {
            let answer = Answer { status, body };
            let found = checker.violations(operation, &answer).unwrap();
            assert_eq!(found.len(), wrong, "{status} {}: {found:?}", answer.body);
        }
        assert_eq!(checker.checked, 9);
    }
}
