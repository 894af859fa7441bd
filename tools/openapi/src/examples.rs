//! Bodies made from a schema: those that it documents, and those that it refuses.

use crate::schema::{is_nullable, resolved};
use anyhow::{Context, Result, bail};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Deeper than any body of Klaviyo's: a schema that holds itself.
const DEEPEST: usize = 32;

/// A body, and the place in it that it is about, as a JSON pointer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) place: String,
    pub(crate) body: Value,
}

/// Times, in the ways in which they may be written.
const TIMES: [&str; 3] =
    ["2020-01-31T08:00:00+00:00", "2020-01-31t08:00:00.250z", "1969-07-20T20:17:40-05:00"];

/// Makes bodies from the schemas of a document.
pub(crate) struct Maker<'a> {
    pub(crate) document: &'a Value,
    /// An id that is somebody's, for each type of resource.
    pub(crate) ids: BTreeMap<&'static str, String>,
}

/// How much of a schema a body has.
#[derive(Clone, Copy)]
enum Extent<'a> {
    /// What is required.
    Least,
    /// Everything but these places.
    MostBut(&'a [&'a str]),
}

impl Maker<'_> {
    /// A body for each place in a schema, required or not, and for each kind of value that may stand there;
    /// beside it stands only what is required.
    pub(crate) fn each(&self, schema: &Value) -> Result<Vec<Example>> {
        self.places(schema, 0)
    }

    /// The body that has everything but these places.
    pub(crate) fn most_but(&self, schema: &Value, places: &[&str]) -> Result<Value> {
        self.value(schema, "", Extent::MostBut(places), 0)
    }

    fn places(&self, schema: &Value, depth: usize) -> Result<Vec<Example>> {
        let here = |body| Example { place: String::new(), body };
        let mut examples = Vec::new();
        if is_nullable(self.document, schema)? {
            examples.push(here(Value::Null));
        }
        let schema = self.enter(schema, depth)?;
        if let Some(branches) = branches(schema) {
            for branch in branches {
                examples.extend(self.places(branch, depth.saturating_add(1))?);
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
                None => self.places(property, depth.saturating_add(1))?,
            };
            for example in within {
                let mut body = self.value(schema, "", Extent::Least, depth)?;
                if let Value::Object(members) = &mut body {
                    members.insert(name.clone(), example.body);
                }
                examples.push(Example { place: format!("/{name}{}", example.place), body });
            }
        }
        if let Some(items) = schema.get("items") {
            for example in self.places(items, depth.saturating_add(1))? {
                examples.push(Example { place: format!("/0{}", example.place), body: json!([example.body]) });
            }
        }
        Ok(examples)
    }

    /// A sensible value; `place` is where it stands.
    fn value(&self, schema: &Value, place: &str, extent: Extent<'_>, depth: usize) -> Result<Value> {
        let schema = self.enter(schema, depth)?;
        let inner = depth.saturating_add(1);
        if let Some(value) = schema.pointer("/enum/0") {
            return Ok(value.clone());
        }
        if let Some(branch) = branches(schema).and_then(|branches| branches.first()) {
            return self.value(branch, place, extent, inner);
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
                    let place = format!("{place}/{name}");
                    let wanted = match extent {
                        Extent::Least => false,
                        Extent::MostBut(places) => !places.contains(&place.as_str()),
                    };
                    if wanted || required(name) {
                        let value = match self.id(schema, name) {
                            Some(id) => json!(id),
                            None => self.value(property, &place, extent, inner)?,
                        };
                        members.insert(name.clone(), value);
                    }
                }
                Value::Object(members)
            }
            "array" => {
                let items = schema.get("items").context("an array has no `items`")?;
                json!([self.value(items, &format!("{place}/0"), extent, inner)?])
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

    /// The id of a resource, if this is its member `id`.
    fn id(&self, resource: &Value, name: &str) -> Option<&str> {
        let kind = resource.pointer("/properties/type").filter(|_| name == "id")?;
        let kind = resolved(self.document, kind).ok()?.pointer("/enum/0")?.as_str()?;
        self.ids.get(kind).map(String::as_str)
    }

    /// The members that a schema has anywhere, and the values that each may have.
    pub(crate) fn members(&self, schema: &Value) -> Result<Vec<(String, Value)>> {
        let mut members: Vec<(String, Value)> = Vec::new();
        for example in self.each(schema)? {
            let name = example.place.rsplit_once('/').map(|(_, name)| name.to_owned());
            let member = name.zip(example.body.pointer(&example.place).cloned());
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

/// An example for each place that a body has.
pub(crate) fn each_place(body: &Value) -> Vec<Example> {
    fn places(value: &Value, place: &str, found: &mut Vec<String>) {
        found.push(place.to_owned());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| places(value, &format!("{place}/{name}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, value)| places(value, &format!("{place}/{n}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(body, "", &mut found);
    found.into_iter().map(|place| Example { place, body: body.clone() }).collect()
}

/// The bodies that a schema refuses, each with one thing wrong at the place that an example is about: another
/// kind of value, a member more (one of these, or one that there is nowhere), a member less.
pub(crate) fn faulty(validator: &Validator, example: &Example, more: &[(String, Value)]) -> Vec<Value> {
    let Some(own) = example.body.pointer(&example.place) else { return Vec::new() };
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
        if let Some(place) = body.pointer_mut(&example.place) {
            *place = value;
        }
        body
    });
    bodies.filter(|body| !validator.is_valid(body)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{faults, validator};

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

    fn maker(document: &Value) -> Maker<'_> {
        Maker { document, ids: [("shoe", "01SHOE".to_owned())].into() }
    }

    fn shoe() -> Value {
        json!({ "$ref": "#/components/schemas/Shoe" })
    }

    #[test]
    fn each_place_has_each_of_its_values() {
        let document = document();
        let examples = maker(&document).each(&shoe()).unwrap();
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
        for (place, body) in expected {
            assert!(
                examples.contains(&Example { place: place.to_owned(), body: body.clone() }),
                "{place} {body}"
            );
        }
        let validator = validator(&document, &shoe()).unwrap();
        for example in &examples {
            assert_eq!(faults(&validator, &example.body), [], "{example:?}");
        }
    }

    #[test]
    fn the_largest_body_lacks_only_what_it_may_not_have() {
        let document = document();
        let body = maker(&document).most_but(&shoe(), &["/size", "/type"]).unwrap();
        let expected = json!({
            "type": "shoe", "id": "01SHOE", "lace": "red", "worn": ["2020-01-31T08:00:00+00:00"],
            "custom": { "shoe_size": "42" },
        });
        assert_eq!(body, expected);
        let places: Vec<String> = each_place(&body).into_iter().map(|example| example.place).collect();
        assert_eq!(places.len(), 8);
        assert!(places.contains(&"/worn/0".to_owned()));
    }

    #[test]
    fn a_faulty_body_is_one_that_the_schema_refuses() {
        let document = document();
        let validator = validator(&document, &shoe()).unwrap();
        let more = [("lace".to_owned(), json!("red")), ("lid".to_owned(), json!(true))];
        let faulty =
            |place: &str, body: Value| faulty(&validator, &Example { place: place.to_owned(), body }, &more);
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
        let error = maker(&document).each(&whole).unwrap_err();
        assert_eq!(error.to_string(), "a schema holds itself");
    }
}
