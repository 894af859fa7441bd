//! Converts schemas of OpenAPI 3.0 to JSON Schema. They differ:
//!
//! - JSON Schema has no `nullable`. It counts beside a `$ref` and an `enum` too: OpenAPI 3.0 ignores it
//!   there, but Klaviyo writes it there and means it.
//! - `$ref` points into the document's `#/components/schemas`; its targets become `$defs`. Other targets are
//!   errors, and nothing is fetched.
//! - `allOf` becomes one object with the members of all its parts, since each part is closed by itself.
//! - `example`, `description` and the like are dropped, since they do not restrict values.
//! - An object with `properties` has no others. Klaviyo's documents do not say so, but Klaviyo answers 400 to
//!   an unknown member. An object without `properties`, such as a profile's custom properties, may have any.
//!
//! An unknown keyword is an error, so that nobody believes that it was checked.

use anyhow::{Context, Result, bail};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";

/// A validator for a schema of a document.
pub(crate) fn validator(document: &Value, schema: &Value) -> Result<Validator> {
    let mut conversion = Conversion { document, definitions: Map::new(), waiting: Vec::new() };
    let mut root = conversion.schema(schema)?;
    while let Some(name) = conversion.waiting.pop() {
        if !conversion.definitions.contains_key(&name) {
            let target = definition(document, &name)?;
            let converted = conversion.schema(target).with_context(|| format!("in the schema {name}"))?;
            conversion.definitions.insert(name, converted);
        }
    }
    if let Value::Object(root) = &mut root {
        root.insert("$defs".to_owned(), conversion.definitions.into());
    }
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(&root).map_err(|error| anyhow::anyhow!("a schema is not one: {error}"))
}

/// A schema, or the one that it refers to.
pub(crate) fn resolved<'a>(document: &'a Value, mut schema: &'a Value) -> Result<&'a Value> {
    // A longer chain of references is a circle.
    for _ in 0..32 {
        match schema.get("$ref") {
            None => return Ok(schema),
            Some(reference) => schema = definition(document, &name(reference)?)?,
        }
    }
    bail!("a reference leads back to itself");
}

/// Whether a schema, or a reference to one, allows null.
pub(crate) fn is_nullable(document: &Value, schema: &Value) -> Result<bool> {
    let says = |schema: &Value| schema.get("nullable") == Some(&Value::Bool(true));
    Ok(says(schema) || says(resolved(document, schema)?))
}

/// Whether a keyword does not restrict values. `nullable` is read separately.
fn is_annotation(keyword: &str) -> bool {
    const KEYWORDS: [&str; 10] = [
        "default",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "externalDocs",
        "nullable",
        "readOnly",
        "title",
        "writeOnly",
    ];
    KEYWORDS.contains(&keyword) || keyword.starts_with("x-")
}

fn name(reference: &Value) -> Result<String> {
    let name = reference.as_str().and_then(|reference| reference.strip_prefix(SCHEMAS));
    name.map(str::to_owned).with_context(|| format!("{reference} is not in {SCHEMAS}"))
}

fn definition<'a>(document: &'a Value, name: &str) -> Result<&'a Value> {
    let schemas = document.pointer("/components/schemas");
    schemas.and_then(|schemas| schemas.get(name)).with_context(|| format!("{SCHEMAS}{name} is not there"))
}

struct Conversion<'a> {
    document: &'a Value,
    definitions: Map<String, Value>,
    /// The names of referenced definitions that are still to be converted.
    waiting: Vec<String>,
}

impl Conversion<'_> {
    fn schema(&mut self, schema: &Value) -> Result<Value> {
        let members = schema.as_object().context("a schema is an object")?;
        let converted = match members.get("$ref") {
            Some(reference) => {
                let name = name(reference)?;
                self.waiting.push(name.clone());
                json!({ "$ref": format!("#/$defs/{name}") })
            }
            None => self.members(members)?,
        };
        Ok(if is_nullable(self.document, schema)? {
            // Unlike `anyOf`, this yields a violation that says what is wrong with a value other than null.
            json!({ "if": { "type": "null" }, "then": true, "else": converted })
        } else {
            converted
        })
    }

    fn members(&mut self, members: &Map<String, Value>) -> Result<Value> {
        let mut converted = Map::new();
        for (keyword, value) in members {
            let value = match keyword.as_str() {
                // These mean the same in JSON Schema. With `format`, dates are checked.
                "enum" | "format" | "maxItems" | "maxLength" | "maxProperties" | "maximum" | "minItems"
                | "minLength" | "minProperties" | "minimum" | "pattern" | "required" | "type"
                | "uniqueItems" => value.clone(),
                "items" => self.schema(value)?,
                "properties" => {
                    let properties = value.as_object().context("`properties` is an object")?;
                    let property = |(name, schema): (&String, &Value)| {
                        let schema =
                            self.schema(schema).with_context(|| format!("in the property {name}"))?;
                        Ok((name.clone(), schema))
                    };
                    Value::Object(properties.iter().map(property).collect::<Result<_>>()?)
                }
                "oneOf" | "anyOf" => {
                    let schemas = value.as_array().with_context(|| format!("`{keyword}` is an array"))?;
                    schemas.iter().map(|schema| self.schema(schema)).collect::<Result<_>>()?
                }
                "allOf" => {
                    let whole = self.whole(value)?;
                    for (keyword, value) in self.schema(&whole)?.as_object().into_iter().flatten() {
                        converted.insert(keyword.clone(), value.clone());
                    }
                    continue;
                }
                "additionalProperties" if value.is_boolean() => value.clone(),
                "additionalProperties" => self.schema(value)?,
                said if is_annotation(said) => continue,
                unknown => bail!("this check does not know what `{unknown}` asks of a value"),
            };
            converted.insert(keyword.clone(), value);
        }
        if converted.contains_key("properties") {
            converted.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        Ok(Value::Object(converted))
    }
}

impl Conversion<'_> {
    /// One object with the members of all these. Each part by itself would refuse those of the others.
    fn whole(&self, parts: &Value) -> Result<Value> {
        let parts = parts.as_array().filter(|parts| !parts.is_empty()).context("`allOf` has no schema")?;
        let mut properties: Map<String, Value> = Map::new();
        let mut required: Vec<Value> = Vec::new();
        for part in parts {
            let mut part = resolved(self.document, part)?.clone();
            if let Some(inner) = part.get("allOf") {
                part = self.whole(inner)?;
            }
            for (keyword, value) in part.as_object().context("a schema is an object")? {
                match keyword.as_str() {
                    "type" if value == "object" => {}
                    "properties" => {
                        for (name, own) in value.as_object().context("`properties` is an object")? {
                            // Two parts may tell of one member.
                            let whole = match properties.get(name) {
                                Some(other) if other != own => json!({ "allOf": [other, own] }),
                                _ => own.clone(),
                            };
                            properties.insert(name.clone(), whole);
                        }
                    }
                    "required" => {
                        let own = value.as_array().context("`required` is an array")?;
                        let new = own.iter().filter(|name| !required.contains(*name)).cloned();
                        required.extend(new.collect::<Vec<_>>());
                    }
                    said if is_annotation(said) => {}
                    unknown => {
                        bail!("this check does not know what `{unknown}` within `allOf` asks of a value")
                    }
                }
            }
        }
        Ok(json!({ "type": "object", "properties": properties, "required": required }))
    }
}

/// The violations of a schema by a value: a JSON pointer and the reason of each.
pub(crate) fn violations(validator: &Validator, value: &Value) -> Vec<(String, String)> {
    let violation = |error: jsonschema::ValidationError<'_>| {
        let pointer = error.instance_path().as_str().to_owned();
        (pointer, error.masked_with(short(error.instance())).to_string())
    };
    validator.iter_errors(value).map(violation).collect()
}

/// A value, shortened for a sentence.
pub(crate) fn short(value: &Value) -> String {
    const MOST: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => {
            text.split_at_checked(end).map_or_else(String::new, |(start, _)| format!("{start}…"))
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pointers at which a schema of this document refuses a value.
    fn refused(schema: Value, value: Value) -> Vec<String> {
        let document = json!({ "components": { "schemas": {
            "Size": { "type": "string", "enum": ["S", "M"] },
            "Maybe": { "type": "string", "nullable": true },
            "Tree": { "type": "object", "properties": {
                "left": { "$ref": "#/components/schemas/Tree", "nullable": true },
            } },
        } } });
        let validator = validator(&document, &schema).unwrap();
        let mut places: Vec<String> =
            violations(&validator, &value).into_iter().map(|(place, _)| place).collect();
        places.dedup();
        places
    }

    fn unknown(schema: Value) -> String {
        format!("{:#}", validator(&json!({}), &schema).unwrap_err())
    }

    #[test]
    fn null_is_a_value_where_the_document_says_so() {
        let size = json!({ "$ref": "#/components/schemas/Size" });
        let nullable_size = json!({ "$ref": "#/components/schemas/Size", "nullable": true });
        for (schema, value, expected) in [
            (json!({ "type": "string" }), json!(null), vec![""]),
            (json!({ "type": "string", "nullable": true }), json!(null), vec![]),
            (json!({ "type": "string", "nullable": true }), json!(1), vec![""]),
            (json!({ "type": "string", "nullable": false }), json!(null), vec![""]),
            (json!({ "type": "string", "enum": ["a"], "nullable": true }), json!(null), vec![]),
            (size.clone(), json!(null), vec![""]),
            (size, json!("S"), vec![]),
            (nullable_size.clone(), json!(null), vec![]),
            (nullable_size, json!("L"), vec![""]),
            (json!({ "$ref": "#/components/schemas/Maybe" }), json!(null), vec![]),
        ] {
            assert_eq!(refused(schema.clone(), value.clone()), expected, "{schema} {value}");
        }
    }

    #[test]
    fn an_object_with_properties_is_closed_at_every_depth() {
        let inner = json!({ "type": "object", "properties": { "size": { "type": "string" } } });
        let outer = json!({ "type": "object", "properties": { "in": inner, "free": { "type": "object" } } });
        let tree = json!({ "$ref": "#/components/schemas/Tree" });
        let open =
            json!({ "type": "object", "properties": {}, "additionalProperties": { "type": "string" } });
        for (schema, value, expected) in [
            (outer.clone(), json!({ "in": { "size": "S" }, "free": { "a": 1 } }), vec![]),
            (outer.clone(), json!({ "out": 1 }), vec![""]),
            (outer, json!({ "in": { "color": 1 } }), vec!["/in"]),
            (tree.clone(), json!({ "left": { "left": null } }), vec![]),
            (tree, json!({ "left": { "right": null } }), vec!["/left"]),
            (open.clone(), json!({ "a": "b" }), vec![]),
            (open, json!({ "a": 1 }), vec!["/a"]),
        ] {
            assert_eq!(refused(schema.clone(), value.clone()), expected, "{schema} {value}");
        }
    }

    #[test]
    fn an_object_in_parts_has_the_members_of_all_of_them() {
        let part = |name: &str, inner: Value| json!({ "properties": { name: inner }, "required": [name] });
        let inner = |name: &str| part(name, json!({ "type": "string" }));
        let whole = json!({ "allOf": [
            part("in", inner("a")),
            { "allOf": [part("in", inner("b")), part("left", json!({ "$ref": "#/components/schemas/Size" }))] },
        ] });
        for (value, expected) in [
            (json!({ "in": { "a": "", "b": "" }, "left": "S" }), vec![]),
            (json!({ "in": { "a": "", "b": "" } }), vec![""]),
            (json!({ "in": { "a": "" }, "left": "S" }), vec!["/in"]),
            (json!({ "in": { "a": "", "b": "", "c": "" }, "left": "S" }), vec!["/in"]),
            (json!({ "in": { "a": "", "b": 1 }, "left": "L" }), vec!["/in/b", "/left"]),
        ] {
            assert_eq!(refused(whole.clone(), value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn a_date_is_a_date() {
        let time = json!({ "type": "string", "format": "date-time" });
        assert_eq!(refused(time.clone(), json!("2026-01-15T08:00:00+05:30")), [""; 0]);
        assert_eq!(refused(time.clone(), json!("2026-01-15T08:00:00Z")), [""; 0]);
        assert_eq!(refused(time.clone(), json!("2026-01-15 at eight")), [""]);
        assert_eq!(refused(time, json!("2026-02-30T08:00:00Z")), [""]);
        assert_eq!(refused(json!({ "type": "string", "format": "date" }), json!("2026-13-01")), [""]);
    }

    #[test]
    fn what_is_not_understood_is_not_passed_over() {
        assert!(unknown(json!({ "allOf": [] })).contains("`allOf`"));
        assert!(unknown(json!({ "properties": { "a": { "not": {} } } })).contains("property a: "));
        assert!(unknown(json!({ "$ref": "#/components/schemas/Nobody" })).contains("Nobody is not there"));
        assert!(unknown(json!({ "$ref": "https://example.com/schema" })).contains("is not in #/components"));
        assert!(unknown(json!({ "type": 5 })).contains("a schema is not one"));
        let circle = json!({ "components": { "schemas": { "A": { "$ref": "#/components/schemas/A" } } } });
        assert!(validator(&circle, &json!({ "$ref": "#/components/schemas/A" })).is_err());
    }

    #[test]
    fn a_fault_is_told_without_the_whole_value() {
        let validator = validator(&json!({}), &json!({ "type": "integer" })).unwrap();
        let (_, why) = violations(&validator, &json!("é".repeat(10_000))).remove(0);
        assert!(why.chars().count() < 200, "{why}");
        assert!(why.ends_with("is not of type \"integer\""), "{why}");
    }
}
