//! `klaviyo-connector actions`: the actions of the component, as platforms see them. Nothing is run.

use crate::component;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{self, cell, field, wrapped};
use clap::Args;
use klaviyo_host::actions::{Action, ActionRates, Actions};
use serde_json::Value;

/// Show the actions of the component: its functions, as a platform offers them to its users
#[derive(Args)]
#[command(after_help = "\
It needs no key and asks Klaviyo for nothing: the component describes itself. An action that
`writes` changes something at Klaviyo. One to run `once` may have a second effect when it is run
again.

With --json, VALUE is the whole catalogue, klaviyo.actions.json, as docs/actions.md describes it;
with NAME the action, its schemas with the definitions that they refer to.")]
pub(crate) struct ShowActions {
    /// Only this action, such as contacts.opt-in, with its arguments
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl ShowActions {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let actions = Actions::of_component(&component::bytes(&context.options)?)?;
        let Some(name) = &self.name else {
            return Ok(Output::new(actions.document().clone(), table(actions.all())));
        };
        let Some(action) = actions.get(name) else {
            let reason = format!("there is no action {name:?}; `klaviyo-connector actions` lists them");
            return Err(Failure::invalid(None, &reason));
        };
        Ok(Output::new(by_itself(&actions, action), one(&actions, action)))
    }
}

/// An action of the document, with schemas that need nothing else.
fn by_itself(actions: &Actions, action: &Action) -> Value {
    let all = actions.document().get("actions").and_then(Value::as_array).into_iter().flatten();
    let mut found = all.filter(|value| value.get("name").is_some_and(|name| *name == action.name)).cloned();
    let mut value = found.next().unwrap_or_default();
    for (member, schema) in [("arguments", &action.arguments), ("result", &action.result)] {
        if let Some(member) = value.get_mut(member) {
            *member = actions.schema(schema);
        }
    }
    value
}

fn does(action: &Action) -> &'static str {
    if action.writes { "writes" } else { "reads" }
}

fn repeat(action: &Action) -> &'static str {
    if action.repeatable { "again" } else { "once" }
}

fn table(actions: &[Action]) -> String {
    let row = |action: &Action| {
        let (does, repeat) = (does(action).to_owned(), repeat(action).to_owned());
        [cell(&action.name), cell(&action.title), does, repeat, cell(&action.scopes.join(" "))]
    };
    text::table(["ACTION", "TITLE", "DOES", "REPEAT", "SCOPES"], &actions.iter().map(row).collect::<Vec<_>>())
}

/// An action with its arguments.
fn one(actions: &Actions, action: &Action) -> String {
    let mut out = format!("{}\n\n", cell(&action.title));
    for line in wrapped(&text::clean(&action.description), 2) {
        out.push_str(&format!("  {line}\n"));
    }
    out.push('\n');
    field(&mut out, "does", does(action));
    let repeat =
        if action.repeatable { "it can be run again" } else { "run again, it may have a second effect" };
    field(&mut out, "repeat", repeat);
    if action.irreversible {
        field(&mut out, "undo", "nobody can undo it");
    }
    let scopes = action.scopes_note.clone().unwrap_or_else(|| action.scopes.join(", "));
    field(&mut out, "scopes", &scopes);
    if let Some(requests) = &action.requests {
        field(&mut out, "requests", &requests.join(", "));
    }
    if let Some(ActionRates { second, minute, day }) = action.rates {
        let day = day.map_or(String::new(), |day| format!(", {day} a day"));
        field(&mut out, "rates", &format!("{second} a second, {minute} a minute{day}"));
    }
    field(&mut out, "example", &action.example.arguments.to_string());
    let mut arguments = Arguments { actions, rows: Vec::new() };
    arguments.object("", &action.arguments, false, 0);
    if !arguments.rows.is_empty() {
        out.push('\n');
        out.push_str(&text::table(["ARGUMENT", "TYPE", "NEEDED", "ABOUT"], &arguments.rows));
    }
    out
}

/// How far arguments are shown within arguments.
const DEPTH: usize = 4;

/// The rows of the table of arguments.
struct Arguments<'a> {
    actions: &'a Actions,
    rows: Vec<[String; 4]>,
}

impl<'a> Arguments<'a> {
    /// The members of an object, each below this path. Of cases one is given, so that none is needed.
    fn object(&mut self, path: &str, schema: &'a Value, is_case: bool, depth: usize) {
        let required = schema.get("required").and_then(Value::as_array).filter(|_| !is_case);
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_required = required.is_some_and(|names| names.iter().any(|needed| needed == name));
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.member(path, member, is_required, depth);
        }
    }

    fn member(&mut self, mut path: String, schema: &'a Value, is_required: bool, depth: usize) {
        let (mut kind, mut value) = (String::new(), not_null(schema));
        while let Some(items) = value.get("items") {
            kind.push_str("list of ");
            path.push_str("[]");
            value = items;
        }
        let definition = self.definition(value);
        let cases = definition.get("oneOf").and_then(Value::as_array);
        kind.push_str(match cases {
            Some(_) => "one of these",
            None if definition.get("enum").is_some() => "a word",
            None => type_of(definition),
        });
        self.row(&path, kind, is_required, &about(schema, value, definition));
        if depth >= DEPTH {
            return;
        }
        let depth = depth.saturating_add(1);
        for case in cases.into_iter().flatten() {
            match case.get("const").and_then(Value::as_str) {
                Some(word) => {
                    let about = first_sentence(text::text_of(case, "description"));
                    self.row(&format!("{path} {word:?}"), "a word".to_owned(), false, about);
                }
                None => self.object(&path, case, true, depth),
            }
        }
        self.object(&path, definition, false, depth);
    }

    fn row(&mut self, path: &str, kind: String, is_required: bool, about: &str) {
        let needed = if is_required { "yes" } else { "-" };
        self.rows.push([cell(path), kind, needed.to_owned(), cell(about)]);
    }

    /// A schema, or what it refers to.
    fn definition(&self, schema: &'a Value) -> &'a Value {
        self.actions.definition(schema).unwrap_or(schema)
    }
}

/// The schema of a value that is given, of one for a value or null.
fn not_null(schema: &Value) -> &Value {
    let either = schema.get("anyOf").and_then(Value::as_array);
    either.and_then(|schemas| schemas.first()).unwrap_or(schema)
}

fn type_of(schema: &Value) -> &str {
    let ty = schema.get("type");
    let ty = ty.and_then(|ty| ty.as_array().map_or(Some(ty), |types| types.first())).and_then(Value::as_str);
    match (ty, schema.get("contentMediaType")) {
        (Some("string"), Some(_)) => "JSON text",
        (Some("string"), None) => "text",
        (Some("integer"), _) => "number",
        (Some("boolean"), _) => "true or false",
        (Some("object"), _) => "object",
        _ => "value",
    }
}

/// Where a value comes from, or what it is.
fn about(member: &Value, value: &Value, definition: &Value) -> String {
    if let Some(choices) = value.get("x-choices") {
        return format!("{} of {}", text::text_of(choices, "value"), text::text_of(choices, "action"));
    }
    if let Some(words) = definition.get("enum").and_then(Value::as_array) {
        return words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    }
    let description = [member, definition].map(|schema| text::text_of(schema, "description"));
    match (
        description.into_iter().find(|text| !text.is_empty()),
        value.get("examples").and_then(|all| all.get(0)),
    ) {
        (Some(text), _) => first_sentence(text).to_owned(),
        (None, Some(Value::String(example))) => format!("such as {example}"),
        (None, _) => String::new(),
    }
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.')
}
