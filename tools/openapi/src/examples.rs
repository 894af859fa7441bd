//! Makes bodies from a schema: bodies that it accepts, and bodies that it refuses.

use crate::schema::{is_nullable, resolved};
use anyhow::{Context, Result, bail};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The greatest depth of a schema. A deeper one contains itself.
const DEEPEST: usize = 32;

/// A body, and the JSON pointer to the part of it that it is an example of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) pointer: String,
    pub(crate) body: Value,
}

/// Times in all permitted notations.
const TIMES: [&str; 3] =
    ["2020-01-31T08:00:00+00:00", "2020-01-31t08:00:00.250z", "1969-07-20T20:17:40-05:00"];

/// An existing id for each type of resource.
pub(crate) type Ids = BTreeMap<&'static str, String>;

/// Makes bodies from the schemas of a document.
pub(crate) struct ExampleGenerator<'a> {
    pub(crate) document: &'a Value,
    pub(crate) ids: Ids,
}

/// The members that a body has.
#[derive(Clone, Copy)]
enum Extent<'a> {
    /// Only the required ones.
    Least,
    /// All but those at these pointers.
    MostBut(&'a [&'a str]),
}

impl ExampleGenerator<'_> {
    /// A body for each pointer of a schema, required or not, and for each kind of value there. It has no
    /// other members than required ones.
    pub(crate) fn each(&self, schema: &Value) -> Result<Vec<Example>> {
        self.pointers(schema, 0)
    }

    /// The body with all members except those at these pointers.
    pub(crate) fn most_but(&self, schema: &Value, pointers: &[&str]) -> Result<Value> {
        self.value(schema, "", Extent::MostBut(pointers), 0)
    }

    fn pointers(&self, schema: &Value, depth: usize) -> Result<Vec<Example>> {
        let here = |body| Example { pointer: String::new(), body };
        let mut examples = Vec::new();
        if is_nullable(self.document, schema)? {
            examples.push(here(Value::Null));
        }
        let schema = self.enter(schema, depth)?;
        if let Some(branches) = branches(schema) {
            for branch in branches {
                examples.extend(self.pointers(branch, depth.saturating_add(1))?);
            }
            return Ok(examples);
        }
        let is_time = schema.get("format").and_then(Value::as_str) == Some("date-time");
        match schema.get("enum").and_then(Value::as_array) {
            Some(values) => examples.extend(values.iter().cloned().map(here)),
            None if is_time => examples.extend(TIMES.map(|time| here(json!(time)))),
            None => examples.push(here(self.value(schema, "", Extent::Least, depth)?)),
        }
        for (name, property) in properties(schema) {
            let within = match self.id(schema, name) {
                Some(id) => vec![here(json!(id))],
                None => self.pointers(property, depth.saturating_add(1))?,
            };
            for example in within {
                let mut body = self.value(schema, "", Extent::Least, depth)?;
                if let Value::Object(members) = &mut body {
                    members.insert(name.clone(), example.body);
                }
                examples.push(Example { pointer: format!("/{name}{}", example.pointer), body });
            }
        }
        if let Some(items) = schema.get("items") {
            for example in self.pointers(items, depth.saturating_add(1))? {
                examples
                    .push(Example { pointer: format!("/0{}", example.pointer), body: json!([example.body]) });
            }
        }
        Ok(examples)
    }

    /// A sensible value for this pointer.
    fn value(&self, schema: &Value, pointer: &str, extent: Extent<'_>, depth: usize) -> Result<Value> {
        let schema = self.enter(schema, depth)?;
        let inner = depth.saturating_add(1);
        if let Some(value) = schema.pointer("/enum/0") {
            return Ok(value.clone());
        }
        if let Some(branch) = branches(schema).and_then(|branches| branches.first()) {
            return self.value(branch, pointer, extent, inner);
        }
        if let (Some(example), None) = (schema.get("example"), schema.get("properties")) {
            return Ok(example.clone());
        }
        let value = match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
            "object" if schema.get("properties").is_none() => json!({ "shoe_size": "42" }),
            "object" => {
                let required = |name: &str| {
                    let required = schema.get("required").and_then(Value::as_array);
                    required.is_some_and(|required| required.iter().any(|own| own == name))
                };
                let mut members = Map::new();
                for (name, property) in properties(schema) {
                    let pointer = format!("{pointer}/{name}");
                    let wanted = match extent {
                        Extent::Least => false,
                        Extent::MostBut(pointers) => !pointers.contains(&pointer.as_str()),
                    };
                    if wanted || required(name) {
                        let value = match self.id(schema, name) {
                            Some(id) => json!(id),
                            None => self.value(property, &pointer, extent, inner)?,
                        };
                        members.insert(name.clone(), value);
                    }
                }
                Value::Object(members)
            }
            "array" => {
                let items = schema.get("items").context("an array has no `items`")?;
                json!([self.value(items, &format!("{pointer}/0"), extent, inner)?])
            }
            "integer" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "number" => json!(40.7128),
            "boolean" => json!(true),
            "string" => match schema.get("format").and_then(Value::as_str) {
                Some("date-time") => json!(TIMES.first()),
                Some("date") => json!("1990-01-31"),
                _ => json!("text"),
            },
            other => bail!("no value can be made of the type {other:?}"),
        };
        Ok(value)
    }

    fn enter<'b>(&'b self, schema: &'b Value, depth: usize) -> Result<&'b Value> {
        if depth > DEEPEST {
            bail!("a schema holds itself");
        }
        resolved(self.document, schema)
    }

    /// An existing id, if this is the member `id` of a resource.
    fn id(&self, resource: &Value, name: &str) -> Option<&str> {
        let kind = resource.pointer("/properties/type").filter(|_| name == "id")?;
        let kind = resolved(self.document, kind).ok()?.pointer("/enum/0")?.as_str()?;
        self.ids.get(kind).map(String::as_str)
    }

    /// All members of a schema at any depth, and values of each.
    pub(crate) fn members(&self, schema: &Value) -> Result<Vec<(String, Value)>> {
        let mut members: Vec<(String, Value)> = Vec::new();
        for example in self.each(schema)? {
            let name = example.pointer.rsplit_once('/').map(|(_, name)| name.to_owned());
            let member = name.zip(example.body.pointer(&example.pointer).cloned());
            members.extend(member.filter(|(name, value)| name != "0" && !value.is_null()));
        }
        members.dedup();
        Ok(members)
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn branches(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("oneOf").or(schema.get("anyOf"))?.as_array()
}

/// An example for each pointer of a body.
pub(crate) fn each_pointer(body: &Value) -> Vec<Example> {
    fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
        found.push(pointer.to_owned());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| pointers(value, &format!("{pointer}/{name}"), found));
            }
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(n, value)| pointers(value, &format!("{pointer}/{n}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    pointers(body, "", &mut found);
    found.into_iter().map(|pointer| Example { pointer, body: body.clone() }).collect()
}

/// Bodies that a schema refuses. Each has one error at the pointer of an example: another kind of value, an
/// extra member (one of these, or an unknown one), or a missing member.
pub(crate) fn faulty(validator: &Validator, example: &Example, more: &[(String, Value)]) -> Vec<Value> {
    let Some(own) = example.body.pointer(&example.pointer) else { return Vec::new() };
    let mut values = vec![
        json!(null),
        json!(true),
        json!(7),
        json!(7.5),
        json!("no such value"),
        json!("2020-02-30T08:00:00Z"),
        json!("2020-01-31T08:00:00"),
        json!("1999-12-31T23:59:60+05:30"),
        json!([]),
        json!([null]),
        json!(["no such value"]),
        json!({}),
        json!({ "no_such_member": "text" }),
    ];
    if let Some(members) = own.as_object() {
        let nowhere = ("no_such_member".to_owned(), json!("text"));
        let others = more.iter().chain([&nowhere]).filter(|(name, _)| !members.contains_key(name));
        values.extend(others.map(|(name, value)| {
            let mut members = members.clone();
            members.insert(name.clone(), value.clone());
            Value::Object(members)
        }));
        values.extend(members.keys().map(|name| {
            let mut members = members.clone();
            members.remove(name);
            Value::Object(members)
        }));
    }
    let bodies = values.into_iter().map(|value| {
        let mut body = example.body.clone();
        if let Some(pointer) = body.pointer_mut(&example.pointer) {
            *pointer = value;
        }
        body
    });
    bodies.filter(|body| !validator.is_valid(body)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{validator, violations};

    fn document() -> Value {
        json!({ "components": { "schemas": {
            "Kind": { "type": "string", "enum": ["shoe"] },
            "Shoe": { "type": "object", "required": ["type"], "properties": {
                "type": { "$ref": "#/components/schemas/Kind" },
                "id": { "type": "string" },
                "lace": { "type": "string", "enum": ["red", "blue"], "nullable": true },
                "size": { "oneOf": [{ "type": "integer", "minimum": 30 }, { "type": "string" }] },
                "worn": { "type": "array", "items": { "type": "string", "format": "date-time" } },
                "custom": { "type": "object" },
            } },
            "Box": { "type": "object", "properties": { "in": { "$ref": "#/components/schemas/Box" } } },
        } } })
    }

    fn generator(document: &Value) -> ExampleGenerator<'_> {
        ExampleGenerator { document, ids: [("shoe", "01SHOE".to_owned())].into() }
    }

    fn shoe() -> Value {
        json!({ "$ref": "#/components/schemas/Shoe" })
    }

    #[test]
    fn each_place_has_each_of_its_values() {
        let document = document();
        let examples = generator(&document).each(&shoe()).unwrap();
        let expected = [
            ("", json!({ "type": "shoe" })),
            ("/type", json!({ "type": "shoe" })),
            ("/id", json!({ "type": "shoe", "id": "01SHOE" })),
            ("/lace", json!({ "type": "shoe", "lace": null })),
            ("/lace", json!({ "type": "shoe", "lace": "red" })),
            ("/lace", json!({ "type": "shoe", "lace": "blue" })),
            ("/size", json!({ "type": "shoe", "size": 30 })),
            ("/size", json!({ "type": "shoe", "size": "text" })),
            ("/worn", json!({ "type": "shoe", "worn": ["2020-01-31T08:00:00+00:00"] })),
            ("/worn/0", json!({ "type": "shoe", "worn": ["2020-01-31T08:00:00+00:00"] })),
            ("/worn/0", json!({ "type": "shoe", "worn": ["2020-01-31t08:00:00.250z"] })),
            ("/worn/0", json!({ "type": "shoe", "worn": ["1969-07-20T20:17:40-05:00"] })),
            ("/custom", json!({ "type": "shoe", "custom": { "shoe_size": "42" } })),
        ];
        assert_eq!(examples.len(), expected.len());
        for (pointer, body) in expected {
            assert!(
                examples.contains(&Example { pointer: pointer.to_owned(), body: body.clone() }),
                "{pointer} {body}"
            );
        }
        let validator = validator(&document, &shoe()).unwrap();
        for example in &examples {
            assert_eq!(violations(&validator, &example.body), [], "{example:?}");
        }
    }

    #[test]
    fn the_largest_body_lacks_only_what_it_may_not_have() {
        let document = document();
        let body = generator(&document).most_but(&shoe(), &["/size", "/type"]).unwrap();
        let expected = json!({
            "type": "shoe", "id": "01SHOE", "lace": "red", "worn": ["2020-01-31T08:00:00+00:00"],
            "custom": { "shoe_size": "42" },
        });
        assert_eq!(body, expected);
        let pointers: Vec<String> = each_pointer(&body).into_iter().map(|example| example.pointer).collect();
        assert_eq!(pointers.len(), 8);
        assert!(pointers.contains(&"/worn/0".to_owned()));
    }

    #[test]
    fn a_faulty_body_is_one_that_the_schema_refuses() {
        let document = document();
        let validator = validator(&document, &shoe()).unwrap();
        let more = [("lace".to_owned(), json!("red")), ("lid".to_owned(), json!(true))];
        let faulty = |pointer: &str, body: Value| {
            faulty(&validator, &Example { pointer: pointer.to_owned(), body }, &more)
        };
        let whole = faulty("", json!({ "type": "shoe", "size": 42 }));
        for expected in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "size": 42 }),
            json!({ "type": "shoe", "size": 42, "lid": true }),
            json!({ "type": "shoe", "size": 42, "no_such_member": "text" }),
        ] {
            assert!(whole.contains(&expected), "{expected}");
        }
        assert!(!whole.contains(&json!({ "type": "shoe" })));
        assert!(!whole.contains(&json!({ "type": "shoe", "size": 42, "lace": "red" })));

        let laces = faulty("/lace", json!({ "type": "shoe", "lace": "red" }));
        assert!(laces.contains(&json!({ "type": "shoe", "lace": "no such value" })));
        assert!(!laces.contains(&json!({ "type": "shoe", "lace": null })));
    }

    #[test]
    fn a_schema_that_holds_itself_has_no_end() {
        let document = document();
        let whole = json!({ "$ref": "#/components/schemas/Box" });
        let error = generator(&document).each(&whole).unwrap_err();
        assert_eq!(error.to_string(), "a schema holds itself");
    }
}
