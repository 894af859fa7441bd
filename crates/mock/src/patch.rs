//! The `meta` of a profile: changes to properties that writing attributes cannot make.

use crate::answer::Refusal;
use crate::check::Result;
use serde_json::{Map, Value};

/// Checks the `meta` of an upsert or of a row of an import.
pub(crate) fn check(resource: &Value, pointer: &str) -> Result<()> {
    let Some(meta) = resource.get("meta").and_then(Value::as_object) else { return Ok(()) };
    for (name, patch) in meta.iter().filter(|(_, patch)| !patch.is_null()) {
        let refuse = |detail: &str| Err(Refusal::invalid(detail, &format!("{pointer}/meta/{name}")).into());
        // Klaviyo also knows `patch_identifiers`. An error here is better than a change that is ignored.
        if name != "patch_properties" {
            return refuse(&format!("'{name}' is not simulated"));
        }
        let known = |(name, value): (&String, &Value)| match name.as_str() {
            "append" | "unappend" => value.is_object() || value.is_null(),
            "unset" => value.is_string() || value.is_array() || value.is_null(),
            _ => false,
        };
        if !patch.as_object().is_some_and(|patch| patch.iter().all(known)) {
            return refuse("Invalid value for 'patch_properties'");
        }
    }
    Ok(())
}

/// Changes properties as `patch_properties` says.
pub(crate) fn apply(properties: &mut Map<String, Value>, resource: &Value) {
    let Some(patch) = resource.pointer("/meta/patch_properties") else { return };
    for (name, values) in patch.get("append").and_then(Value::as_object).into_iter().flatten() {
        let own = properties.entry(name.clone()).or_insert(Value::Null);
        let mut all = listed(own.take());
        all.extend(listed(values.clone()));
        *own = Value::Array(all);
    }
    for (name, values) in patch.get("unappend").and_then(Value::as_object).into_iter().flatten() {
        let gone = listed(values.clone());
        if let Some(Value::Array(own)) = properties.get_mut(name) {
            own.retain(|value| !gone.contains(value));
        }
    }
    for name in listed(patch.get("unset").cloned().unwrap_or_default()) {
        properties.shift_remove(name.as_str().unwrap_or_default());
    }
}

/// The elements of an array; any other value is one element.
fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        value => vec![value],
    }
}
