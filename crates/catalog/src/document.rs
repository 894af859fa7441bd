//! The catalogue as one document.

use crate::contract::{Contract, Shape};
use crate::prose::{self, Scopes, label, paragraphs};
use crate::schema::Schemas;
use crate::table::{Action, Table};
use crate::traffic::{Endpoint, Success, Traffic};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wit_parser::{Docs, Function, Type, TypeDefKind};

/// The form of the document. A member may be added to it; another number says that a member means something else.
const FORM: u32 = 1;
/// The error of all functions.
const ERROR: &str = "types.error";

/// Makes the document.
pub(crate) fn document(contract: &Contract, traffic: &Traffic, table: &Table) -> Result<Value> {
    let schemas = Schemas::new(contract, table)?;
    let mut problems = Vec::new();
    let mut actions = Vec::new();
    let mut reached = BTreeSet::new();
    let has: BTreeMap<String, &Function> = contract.functions().collect();
    for action in table.actions.iter().filter(|action| !has.contains_key(action.function)) {
        problems.push(format!(
            "the contract has no {}: take it out of crates/catalog/src/table/actions.rs",
            action.function
        ));
    }
    for (name, function) in contract.functions() {
        let Some(facts) = table.actions.iter().find(|action| action.function == name) else {
            problems.push(format!(
                "the table lacks {name}, a function of the contract: add it to crates/catalog/src/table/actions.rs, with a \
                 title and the fixture that is its example"
            ));
            continue;
        };
        for parameter in &function.params {
            schemas.reach(&parameter.ty, &mut reached)?;
        }
        if let Some(ty) = contract.success(function)? {
            schemas.reach(ty, &mut reached)?;
        }
        let action = action(contract, traffic, &schemas, facts, function);
        actions.push(action.with_context(|| name)?);
    }
    let mut definitions = Map::new();
    for (name, id) in contract.types() {
        if reached.contains(&id) || name == ERROR || is_of_the_error(&name) {
            definitions.insert(name.clone(), schemas.definition(&name, id)?);
        }
    }
    problems.extend(schemas.problems());
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    let groups = contract.interfaces().filter(|(_, interface)| !interface.functions.is_empty());
    let group = |(name, interface): (&str, &wit_parser::Interface)| {
        (name.to_owned(), json!({ "title": label(name), "description": first(&interface.docs) }))
    };
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Klaviyo",
        "form": FORM,
        "contract": contract.package,
        "connection": connection(),
        "groups": groups.map(group).collect::<Map<_, _>>(),
        "actions": actions,
        "error": { "$ref": format!("#/$defs/{ERROR}") },
        "$defs": definitions,
    }))
}

/// Whether a type is a part of the error, which no function's result need have.
fn is_of_the_error(name: &str) -> bool {
    ["types.code", "types.detail"].contains(&name)
}

/// What a platform asks a person for who connects an account.
fn connection() -> Value {
    json!({
        "type": "object",
        "properties": {
            "key": {
                "title": "Private API key",
                "description": "A private key of the Klaviyo account, from Settings > API keys, with the scopes of the actions \
                                that are used. It begins with pk_.",
                "type": "string",
                "minLength": 1,
                "x-secret": true,
            },
        },
        "required": ["key"],
        "additionalProperties": false,
    })
}

/// One function.
fn action(
    contract: &Contract,
    traffic: &Traffic,
    schemas: &Schemas<'_>,
    facts: &Action,
    function: &Function,
) -> Result<Value> {
    let Action { function: name, title, irreversible, open, .. } = *facts;
    let endpoints = traffic.endpoints(name);
    let others = traffic.others(name);
    ensure!(open || others.is_empty(), "it sends requests for which the host has no endpoint: {others:?}");
    let writes = open || endpoints.iter().any(|endpoint| endpoint.method != "GET");
    let repeatable = !open && endpoints.iter().all(|endpoint| endpoint.repeatable);
    let (scopes, scopes_note) = scopes(contract, name, function)?;
    let mut details = paragraphs(&function.docs);
    let description = if details.is_empty() { String::new() } else { details.remove(0) };

    let mut action = Map::new();
    let mut add = |name: &str, value: Value| drop(action.insert(name.to_owned(), value));
    add("name", json!(name));
    add("title", json!(title));
    add("description", json!(description));
    add("details", json!(details.join("\n\n")));
    add("writes", json!(writes));
    add("repeatable", json!(repeatable));
    add("irreversible", json!(irreversible));
    add("scopes", json!(scopes));
    if let Some(note) = scopes_note {
        add("scopes-note", json!(note));
    }
    if !open {
        add("requests", endpoints.iter().map(|endpoint| json!(endpoint.name())).collect());
    }
    if let Some(rates) = rates(&endpoints).filter(|_| !open) {
        add("rates", rates);
    }
    add("arguments", schemas.arguments(name, function)?);
    add("result", schemas.result(function)?);
    add("example", example(contract, traffic, facts, function)?);
    Ok(action.into())
}

fn first(docs: &Docs) -> String {
    paragraphs(docs).into_iter().next().unwrap_or_default()
}

/// The scopes that a function may need, and what else the contract says of them.
fn scopes(contract: &Contract, name: &str, function: &Function) -> Result<(Vec<String>, Option<String>)> {
    match prose::scopes(&function.docs) {
        Scopes::None => Ok((Vec::new(), None)),
        Scopes::Named { scopes, note } => Ok((scopes, note)),
        Scopes::As(other) => {
            let interface = name.split('.').next().unwrap_or_default();
            let other = format!("{interface}.{other}");
            match contract.functions().find(|(name, _)| *name == other) {
                Some((_, function)) if other != name => scopes(contract, &other, function),
                _ => bail!("its scopes are those of {other}, which the contract does not have"),
            }
        }
    }
}

/// The lowest rates of the requests: how often Klaviyo takes the action at most.
fn rates(endpoints: &[&Endpoint]) -> Option<Value> {
    let slowest = endpoints.iter().min_by_key(|endpoint| (endpoint.steady, endpoint.burst))?;
    let mut rates = json!({ "second": slowest.burst, "minute": slowest.steady });
    let daily = endpoints.iter().filter_map(|endpoint| endpoint.daily).min();
    if let (Some(daily), Some(rates)) = (daily, rates.as_object_mut()) {
        rates.insert("day".to_owned(), json!(daily));
    }
    Some(rates)
}

/// The arguments and the result of a fixture.
fn example(contract: &Contract, traffic: &Traffic, facts: &Action, function: &Function) -> Result<Value> {
    let fixture = format!("{}/{}", facts.function.replace('.', "/"), facts.example);
    let success = traffic.success(&fixture);
    let Success { function: called, arguments, result } =
        success.with_context(|| format!("its example, {fixture}, is no fixture in which a call succeeds"))?;
    ensure!(called == facts.function, "its example, {fixture}, is of {called}");
    let named = function.params.iter().zip(arguments).filter(|(_, value)| !value.is_null());
    let arguments: Map<_, _> =
        named.map(|(parameter, value)| (parameter.name.clone(), value.clone())).collect();
    let result = match contract.success(function)? {
        Some(ty) => whole(contract, ty, result)?,
        None => Value::Null,
    };
    Ok(json!({ "arguments": arguments, "result": result }))
}

/// A result with the members that fixtures leave out: null, or the empty list.
fn whole(contract: &Contract, ty: &Type, value: &Value) -> Result<Value> {
    Ok(match (contract.shape(ty)?, value) {
        (Shape::Option(_), Value::Null) => Value::Null,
        (Shape::Option(inner), value) => whole(contract, inner, value)?,
        (Shape::List(_), Value::Null) => json!([]),
        (Shape::List(inner), Value::Array(values)) => {
            values.iter().map(|value| whole(contract, inner, value)).collect::<Result<_>>()?
        }
        (Shape::Named(id), Value::Object(object)) => match &contract.definition(id)?.kind {
            TypeDefKind::Record(record) => {
                let field = |field: &wit_parser::Field| {
                    let value = object.get(&field.name).unwrap_or(&Value::Null);
                    Ok((field.name.clone(), whole(contract, &field.ty, value)?))
                };
                Value::Object(record.fields.iter().map(field).collect::<Result<_>>()?)
            }
            TypeDefKind::Variant(variant) => {
                let case = |(name, value): (&String, &Value)| {
                    let case = variant.cases.iter().find(|case| case.name == *name);
                    let ty =
                        case.and_then(|case| case.ty.as_ref()).context("a fixture has an unknown case")?;
                    Ok((name.clone(), whole(contract, ty, value)?))
                };
                Value::Object(object.iter().map(case).collect::<Result<_>>()?)
            }
            _ => value.clone(),
        },
        _ => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::TABLE;
    use klaviyo_corpus::Corpus;
    use std::path::Path;
    use tempfile::TempDir;

    /// The contract with other words in one of its files.
    fn changed(file: &str, from: &str, to: &str) -> Contract {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = TempDir::new().unwrap();
        for entry in std::fs::read_dir(project.join("wit")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            let mut text = std::fs::read_to_string(&path).unwrap();
            if name == file {
                assert!(text.contains(from), "{file} has no {from}");
                text = text.replace(from, to);
            }
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Contract::read(folder.path()).unwrap()
    }

    #[test]
    fn the_contract_and_the_table_have_the_same_functions_and_texts() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let endpoints = project.join("examples/node/src/endpoints.json");
        let traffic = Traffic::read(&Corpus::default(), &endpoints).unwrap();
        let problems = |contract: &Contract| document(contract, &traffic, &TABLE).unwrap_err().to_string();

        let get = "get: func() -> result<details, error>;";
        let more = format!("{get}\n    pay: func() -> result<_, error>;");
        let problem = problems(&changed("account.wit", get, &more));
        assert!(problem.starts_with("the table lacks account.pay,") && !problem.contains('\n'), "{problem}");

        let problem = problems(&changed("account.wit", "get:", "read:"));
        assert!(problem.contains("the contract has no account.get:"), "{problem}");

        let problem = problems(&changed("account.wit", "industry:", "trade:"));
        let (lacks, useless) = problem.split_once('\n').unwrap();
        assert!(lacks.starts_with("the table lacks account.details.trade,"), "{problem}");
        assert!(useless.starts_with("the contract has no industry,"), "{problem}");

        // Only a text may be about a person.
        let contract = changed("account.wit", "test: option<bool>", "tests: option<u32>");
        assert!(document(&contract, &traffic, &TABLE).is_ok());
    }
}
