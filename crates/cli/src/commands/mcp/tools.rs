//! The actions as tools.

use crate::failure::Failure;
use crate::near::near;
use klaviyo_host::Access;
use klaviyo_host::actions::{Action, Actions};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// It can ask for anything, so that nobody can say whether it reads.
const API_CALL: &str = "api.call";
/// The member of what a tool returns that has the action's result: only an object may be returned.
pub(super) const RESULT: &str = "result";

/// Which actions are tools.
pub(super) struct Allowed<'a> {
    pub(super) writes: bool,
    /// What writes returns a request in place of its result.
    pub(super) is_dry: bool,
    /// The names of actions or groups; empty: all.
    pub(super) only: &'a [String],
}

/// The tools by their names. Those that are not allowed are known, to say why.
pub(super) struct Tools(BTreeMap<String, ToolOf>);

/// A tool, and its action.
pub(super) struct ToolOf {
    pub(super) action: Action,
    pub(super) tool: Tool,
    /// Why it cannot be called.
    pub(super) refused: Option<String>,
}

impl Tools {
    pub(super) fn get(&self, name: &str) -> Option<&ToolOf> {
        self.0.get(name)
    }

    pub(super) fn offered(&self) -> impl Iterator<Item = &ToolOf> {
        self.0.values().filter(|tool| tool.refused.is_none())
    }

    /// What the sandbox may be called for.
    pub(super) fn access(&self) -> Access {
        Access::only(self.offered().map(|tool| tool.action.name.clone()))
    }
}

pub(super) fn of(actions: &Actions, allowed: &Allowed<'_>) -> Result<Tools, Failure> {
    for name in allowed.only {
        require_offered(actions, allowed.writes, name)
            .map_err(|reason| Failure::invalid(None, &format!("--only: {reason}")))?;
    }
    let tools = actions.all().iter().filter(|action| action.name != API_CALL).map(|action| {
        let named = allowed.only.is_empty() || allowed.only.iter().any(|name| names(action, name));
        let refused = match (named, allowed.writes || !action.writes) {
            (false, _) => Some(format!("{} is not among the actions of --only", action.name)),
            (_, false) => Some(format!(
                "{} writes, and this server only reads; whoever starts it can allow it with --write",
                action.name
            )),
            _ => None,
        };
        let tool = tool(actions, action, allowed.is_dry && action.writes);
        (tool.name.to_string(), ToolOf { action: action.clone(), tool, refused })
    });
    Ok(Tools(tools.collect()))
}

/// Whether a name of an action or a group stands for the action.
fn names(action: &Action, name: &str) -> bool {
    action.name == name || group(action) == name
}

/// Fails if a name of --only stands for no tool. A group stands for those of its actions that are tools.
fn require_offered(actions: &Actions, writes: bool, name: &str) -> Result<(), String> {
    let named: Vec<&Action> = actions.all().iter().filter(|action| names(action, name)).collect();
    if named.is_empty() {
        let near = nearest(actions, name).map_or_else(
            || "`klaviyo-connector actions` lists them".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(format!("there is no action or group {name:?}; {near}"));
    }
    let mut tools = named.iter().filter(|action| action.name != API_CALL).peekable();
    if tools.peek().is_none() {
        return Err(format!("{API_CALL} is never a tool, since it can ask for anything"));
    }
    if tools.any(|action| writes || !action.writes) {
        return Ok(());
    }
    Err(format!("{name} writes, and this server only reads; --write or --dry-run offers it"))
}

/// The action or the group whose name is most like a text, which may be the name of a tool.
fn nearest<'a>(actions: &'a Actions, text: &str) -> Option<&'a str> {
    if let Some(action) = actions.all().iter().find(|action| name(action) == text) {
        return Some(&action.name);
    }
    near(text, actions.all().iter().flat_map(|action| [action.name.as_str(), group(action)]))
}

fn group(action: &Action) -> &str {
    action.name.split('.').next().unwrap_or_default()
}

/// Clients take letters, digits, `_` and `-` in a name.
fn name(action: &Action) -> String {
    action.name.replace(['.', '-'], "_")
}

fn tool(actions: &Actions, action: &Action, is_dry: bool) -> Tool {
    let Action { title, description, details, writes, repeatable, irreversible, .. } = action;
    let annotations = ToolAnnotations::with_title(title)
        .read_only(!writes)
        .destructive(*irreversible)
        .idempotent(*repeatable)
        .open_world(true);
    let result = actions.schema(&action.result);
    let definitions = result.get("$defs").cloned();
    let mut output = object(json!({
        "type": "object",
        "properties": { RESULT: action.result },
        "required": [RESULT],
    }));
    if let Some(definitions) = definitions {
        output.insert("$defs".to_owned(), definitions);
    }
    let tool = Tool::new(
        name(action),
        format!("{description}\n\n{details}"),
        object(actions.schema(&action.arguments)),
    );
    let tool = tool.with_title(title).with_annotations(annotations);
    if is_dry { tool } else { tool.with_raw_output_schema(Arc::new(output)) }
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
