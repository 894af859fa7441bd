//! The file is what its sources say, its schemas take what the connector takes and returns, and whatever it points to is
//! there.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use jsonschema::{Draft, Validator};
use klaviyo_catalog::{FILE, catalog, text};
use klaviyo_corpus::Corpus;
use klaviyo_replay::native::Native;
use klaviyo_replay::replay::replay;
use klaviyo_replay::{SharedUpstream, Subject};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static CATALOG: LazyLock<Value> = LazyLock::new(|| catalog(&project()).unwrap());

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn actions() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let actions = CATALOG["actions"].as_array().unwrap().iter();
    actions.map(|action| (action["name"].as_str().unwrap(), action))
}

/// A schema of the catalogue by itself, as docs/actions.md says that it is made.
fn by_itself(schema: &Value) -> Value {
    let mut schema = schema.as_object().unwrap().clone();
    schema.insert("$defs".to_owned(), CATALOG["$defs"].clone());
    schema.into()
}

fn validator(schema: &Value, formats: bool) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(formats);
    options.build(&by_itself(schema)).unwrap()
}

fn violations(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect()
}

/// Each schema of the document, and below each.
fn schemas<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            found.push(object);
            object.values().for_each(|value| schemas(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| schemas(value, found)),
        _ => {}
    }
}

#[test]
fn the_file_is_current() {
    let file = std::fs::read_to_string(project().join(FILE)).unwrap();
    assert!(file == text(&CATALOG).unwrap(), "{FILE} is stale; `cargo xtask catalog` writes it");
}

#[test]
fn every_example_fits_its_schema() {
    for (name, action) in actions() {
        for part in ["arguments", "result"] {
            let violations = violations(&validator(&action[part], true), &action["example"][part]);
            assert!(violations.is_empty(), "{name}, {part}: {violations:?}");
        }
    }
    let mut all = Vec::new();
    schemas(&CATALOG["actions"], &mut all);
    schemas(&CATALOG["$defs"], &mut all);
    let mut examples = 0;
    for schema in all {
        let Some(Value::Array(values)) = schema.get("examples") else { continue };
        let validator = validator(&schema.clone().into(), true);
        for value in values {
            assert_eq!(violations(&validator, value), [""; 0], "{schema:?}");
            examples += 1;
        }
        if schema.get("contentMediaType").is_some() {
            let document: Value = serde_json::from_str(values[0].as_str().unwrap()).unwrap();
            assert!(document.is_object(), "{schema:?}");
        }
    }
    assert!(examples > 0);
}

/// Calls the core, and holds what it takes and returns against the schemas.
struct Checked(BTreeMap<&'static str, (Vec<&'static str>, Validator, Validator)>);

impl Checked {
    fn new() -> Self {
        let of = |(name, action): (&'static str, &'static Value)| {
            let parameters = action["arguments"]["properties"].as_object().unwrap().keys();
            let [arguments, result] = ["arguments", "result"].map(|part| validator(&action[part], false));
            (name, (parameters.map(String::as_str).collect(), arguments, result))
        };
        Self(actions().map(of).collect())
    }
}

impl Subject for Checked {
    fn call(&self, function: &str, arguments: &[Value], upstream: SharedUpstream) -> anyhow::Result<Value> {
        let returned = Native.call(function, arguments, upstream)?;
        if let Some(ok) = returned.get("ok") {
            let (parameters, takes, returns) = &self.0[function];
            let given = parameters.iter().zip(arguments);
            let given: Map<_, _> = given.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            let violations = [violations(takes, &given.into()), violations(returns, ok)].concat();
            anyhow::ensure!(violations.is_empty(), "{violations:?}");
        }
        Ok(returned)
    }
}

#[test]
fn what_the_connector_takes_and_returns_fits_the_schemas() {
    let outcome = replay(&Checked::new(), &[Corpus::default().fixtures]).unwrap();
    assert_eq!(outcome.failed, []);
}

#[test]
fn what_the_connector_cannot_read_does_not_fit() {
    let schema =
        |name: &str| validator(&actions().find(|(known, _)| *known == name).unwrap().1["arguments"], true);
    for (name, arguments) in [
        ("contacts.lookup", json!({})),
        ("contacts.lookup", json!({ "by": null })),
        ("contacts.lookup", json!({ "by": "email" })),
        ("contacts.lookup", json!({ "by": { "email": "a@example.com", "id": "1" } })),
        ("contacts.lookup", json!({ "by": { "email": "no address" } })),
        ("contacts.lookup", json!({ "by": { "mail": "a@example.com" } })),
        ("contacts.lookup", json!({ "by": { "id": "1" }, "more": 1 })),
        ("contacts.create", json!({ "profile": { "phone_number": "+919820000001" } })),
        ("contacts.create", json!({ "profile": { "first-name": 1 } })),
        ("contacts.opt-in", json!({ "contact": {}, "list": "Y6nRLr", "consent": { "channels": [] } })),
        ("contacts.opt-in", json!({ "contact": {}, "list": "Y6nRLr", "consent": { "channels": ["fax"] } })),
        ("events.history", json!({ "by": { "id": "1" }, "period": { "limit": -1 } })),
        ("events.history", json!({ "by": { "id": "1" }, "period": { "limit": 4_294_967_296_u64 } })),
        ("api.call", json!({ "request": { "method": "GET", "path": "/api/lists" } })),
    ] {
        assert!(!schema(name).is_valid(&arguments), "{name} {arguments}");
    }
}

#[test]
fn no_two_actions_have_a_name_or_a_title() {
    let names: BTreeSet<_> = actions().map(|(name, _)| name).collect();
    let titles: BTreeSet<_> = actions().map(|(_, action)| action["title"].as_str()).collect();
    assert_eq!((names.len(), titles.len()), (actions().count(), actions().count()));
}

#[test]
fn every_choice_is_there() {
    let mut all = Vec::new();
    schemas(&CATALOG, &mut all);
    let mut choices = 0;
    for (schema, choice) in
        all.iter().filter_map(|schema| schema.get("x-choices").map(|choice| (schema, choice)))
    {
        let action =
            actions().find(|(name, _)| choice["action"] == **name).expect("a choice is of an action").1;
        // It is run without a question to a person.
        assert!(action["arguments"].get("required").is_none(), "{choice}");
        assert_eq!(action["writes"], false, "{choice}");
        let item = action["result"]["items"]["$ref"].as_str().unwrap().strip_prefix("#/$defs/").unwrap();
        let properties = &CATALOG["$defs"][item]["properties"];
        let value = &properties[choice["value"].as_str().unwrap()];
        assert_eq!(value["type"], "string", "{choice}");
        assert!(properties.get(choice["label"].as_str().unwrap()).is_some(), "{choice}");
        assert!(schema["type"] == "string" || schema["type"] == json!(["string", "null"]), "{schema:?}");
        choices += 1;
    }
    assert!(choices > 0);
}

#[test]
fn the_document_says_nothing_in_a_keyword_that_is_not_documented() {
    let documented = std::fs::read_to_string(project().join("docs/actions.md")).unwrap();
    let mut all = Vec::new();
    schemas(&CATALOG, &mut all);
    let own: BTreeSet<_> =
        all.iter().flat_map(|schema| schema.keys()).filter(|key| key.starts_with("x-")).collect();
    for keyword in
        own.iter().copied().chain(actions().flat_map(|(_, action)| action.as_object().unwrap().keys()))
    {
        assert!(
            documented.contains(&format!("`{keyword}`")),
            "docs/actions.md does not say what {keyword} is"
        );
    }
}

#[test]
fn what_is_personal_or_secret_is_marked() {
    let definition = |name: &str, field: &str| &CATALOG["$defs"][name]["properties"][field];
    for (name, field) in
        [("types.new-profile", "email"), ("types.location", "ip"), ("types.event", "properties")]
    {
        assert_eq!(definition(name, field)["x-personal"], true, "{name}.{field}");
    }
    assert!(definition("lists.audience", "name").get("x-personal").is_none());
    assert_eq!(CATALOG["connection"]["properties"]["key"]["x-secret"], true);
}

#[test]
fn what_an_action_does_follows_from_its_requests() {
    let of = |name: &str| actions().find(|(known, _)| *known == name).unwrap().1;
    for (name, writes, repeatable, irreversible) in [
        ("contacts.lookup", false, true, false),
        ("contacts.opt-in", true, true, false),
        ("bulk.check", false, true, false),
        ("privacy.delete", true, true, true),
        ("api.call", true, false, false),
    ] {
        let action = of(name);
        assert_eq!(
            [&action["writes"], &action["repeatable"], &action["irreversible"]],
            [writes, repeatable, irreversible],
            "{name}"
        );
    }
    // Those of which the contract says so at `unavailable`.
    let once: BTreeSet<_> =
        actions().filter(|(_, action)| action["repeatable"] == false).map(|(name, _)| name).collect();
    let known = ["api.call", "bulk.submit", "contacts.merge", "contacts.update", "lists.create"];
    assert_eq!(once, known.into());
    assert_eq!(of("lists.create")["rates"], json!({ "second": 10, "minute": 150, "day": 150 }));
    assert_eq!(of("contacts.opt-in-many")["scopes"], of("contacts.opt-in")["scopes"]);
}
