//! The queries of an operation, as a document describes them: each value that a parameter can have, each filter
//! that the description names, and the parameters that the operation does not have.

use crate::document::{Document, Location, Operation, Parameter};
use crate::schema::resolved;
use anyhow::Result;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeSet;

/// A query, with its question mark.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) parameter: String,
    pub(crate) value: String,
    /// Whether the answer has all that the document requires. Sparse fieldsets leave members out.
    pub(crate) whole: bool,
}

impl Query {
    fn new(parameter: &str, value: impl Into<String>, whole: bool) -> Self {
        let value = value.into();
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let text = format!("?{}={}", encoded(parameter), encoded(&value));
        Self { text, parameter: parameter.to_owned(), value, whole }
    }
}

/// The documented queries of an operation, with one parameter each. Cursors are not among them: only answers
/// know them.
pub(crate) fn documented(document: &Document, operation: &Operation) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    for parameter in parameters(operation) {
        let name = parameter.name.as_str();
        let schema = resolved(&document.value, &parameter.schema)?;
        let words = |schema: &Value| {
            let words = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            words.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        queries.extend(words(schema).into_iter().map(|word| Query::new(name, word, true)));
        if let Some(items) = schema.get("items") {
            let words = words(resolved(&document.value, items)?);
            let sparse = name.starts_with("fields[");
            queries.extend(words.iter().map(|word| Query::new(name, word, !sparse)));
            if sparse {
                queries.push(Query::new(name, words.join(","), true));
            }
        }
        for limit in ["minimum", "maximum"] {
            let limit = schema.get(limit).and_then(Value::as_i64);
            queries.extend(limit.map(|limit| Query::new(name, limit.to_string(), true)));
        }
        if name == "filter" {
            queries.extend(filters(&parameter.description).into_iter().map(|f| Query::new(name, f, true)));
        }
    }
    Ok(queries)
}

/// Queries with a parameter of another operation, which this one does not have.
pub(crate) fn undocumented(document: &Document, operation: &Operation) -> Vec<Query> {
    let all: BTreeSet<&str> =
        document.operations.iter().flat_map(parameters).map(|parameter| parameter.name.as_str()).collect();
    let own: BTreeSet<&str> = parameters(operation).map(|parameter| parameter.name.as_str()).collect();
    all.difference(&own).map(|name| Query::new(name, "1", true)).collect()
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().filter(|parameter| parameter.location == Location::Query)
}

/// A filter for each field and operator of a description: lines such as `` `name`: `any`, `equals` ``.
fn filters(description: &str) -> Vec<String> {
    let mut filters = Vec::new();
    for line in description.split("<br>") {
        let Some((field, operators)) = line.split_once("`: `") else { continue };
        let Some(field) = field.strip_prefix('`') else { continue };
        let operators: Vec<&str> = operators.trim_end_matches('`').split("`, `").collect();
        let value = if field == "timestamp" {
            "1580457600"
        } else if operators.iter().any(|operator| operator.starts_with("greater-")) {
            "2020-01-31T08:00:00Z"
        } else if field.starts_with("is_") {
            "true"
        } else {
            "\"text\""
        };
        for operator in operators {
            let value = if operator == "any" { format!("[{value}]") } else { value.to_owned() };
            filters.push(format!("{operator}({field},{value})"));
        }
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_and_each_filter_is_tried() {
        let words = json!({ "type": "array", "items": { "type": "string", "enum": ["size", "lace"] } });
        let description = "See there<br>Allowed:<br>`name`: `any`, `equals`<br>`worn`: `greater-than`<br>`is_new`: `equals`";
        let parameter = |name: &str, schema: Value, description: &str| json!({ "name": name, "in": "query", "schema": schema, "description": description });
        let text = json!({ "type": "string" });
        let document = json!({
            "openapi": "3.0.2", "info": { "version": "2025-01-15" },
            "paths": { "/api/shoes": {
                "get": { "operationId": "get_shoes", "parameters": [
                    parameter("fields[shoe]", words.clone(), ""),
                    parameter("include", words, ""),
                    parameter("sort", json!({ "type": "string", "enum": ["size", "-size"] }), ""),
                    parameter("page[size]", json!({ "type": "integer", "minimum": 1, "maximum": 9 }), ""),
                    parameter("page[cursor]", text.clone(), ""),
                    parameter("filter", text, description),
                ] },
                "post": { "operationId": "create_shoe" },
            } },
        });
        let document = Document::parse("shoes.json", document).unwrap();
        let operation = document.operation("GET", "/api/shoes").unwrap();
        let queries = documented(&document, operation).unwrap();
        let values: Vec<&str> = queries.iter().map(|query| query.value.as_str()).collect();
        let expected = [
            "size",
            "lace",
            "size,lace",
            "size",
            "lace",
            "size",
            "-size",
            "1",
            "9",
            "any(name,[\"text\"])",
            "equals(name,\"text\")",
            "greater-than(worn,2020-01-31T08:00:00Z)",
            "equals(is_new,true)",
        ];
        assert_eq!(values, expected);
        let sparse: Vec<bool> = queries.iter().map(|query| !query.whole).collect();
        assert_eq!(sparse[..4], [true, true, false, false]);
        assert_eq!(queries[7].text, "?page%5Bsize%5D=1");

        let create = document.operation("POST", "/api/shoes").unwrap();
        assert_eq!(undocumented(&document, create).len(), 6);
        assert_eq!(undocumented(&document, operation), []);
    }
}
