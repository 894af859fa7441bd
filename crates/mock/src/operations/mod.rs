//! The operations.

pub(crate) mod account;
pub(crate) mod deletions;
pub(crate) mod event_reports;
pub(crate) mod events;
pub(crate) mod imports;
mod joined;
pub(crate) mod lists;
pub(crate) mod members;
pub(crate) mod memberships;
pub(crate) mod merges;
pub(crate) mod metrics;
pub(crate) mod profiles;
pub(crate) mod segments;
pub(crate) mod subscriptions;
pub(crate) mod suppressions;

use crate::answer::Refusal;
use crate::call::Call;
use crate::check::Result;
use crate::clock;
use crate::filter::{Condition, Operator};
use crate::keyset::Span;
use serde_json::Value;

/// Sorts a collection by the field in `sort`, one of these; in descending order after a minus sign.
fn sort<T>(call: &Call<'_>, items: &mut [T], known: &[&str], key: impl Fn(&T, &str) -> String) -> Result<()> {
    let (field, descending) = order(call, known)?;
    if let Some(field) = field {
        items.sort_by_cached_key(|item| key(item, field));
    }
    if descending {
        items.reverse();
    }
    Ok(())
}

/// The field in `sort`, one of these, and whether the order is descending.
fn order<'a>(call: &'a Call<'_>, known: &[&str]) -> Result<(Option<&'a str>, bool)> {
    let Some(sort) = call.query.get("sort") else { return Ok((None, false)) };
    let field = sort.strip_prefix('-').unwrap_or(sort);
    if !known.contains(&field) {
        let detail = format!("'{sort}' is not a valid sort field");
        return Err(Refusal::invalid_parameter(&detail, "sort").into());
    }
    Ok((Some(field), sort.starts_with('-')))
}

/// The part of a collection in the order of a date in which all items that fit are.
fn since(conditions: &[Condition], date: &str) -> Span {
    let is_least = |c: &&Condition| {
        c.field == date && matches!(c.operator, Operator::GreaterThan | Operator::GreaterOrEqual)
    };
    let values = conditions.iter().filter(is_least).filter_map(|c| c.values.first());
    let least = values.filter_map(|value| clock::parse(value.text())).max();
    Span { from: least.map(|time| (clock::timestamp(time), 0)), to: None }
}

/// The ids of linked resources: an array of objects with this type and an id.
fn ids<'a>(data: &'a Value, kind: &str, pointer: &str) -> Result<Vec<&'a str>> {
    let data = data.as_array().ok_or_else(|| Refusal::invalid("'data' must be an array", pointer))?;
    let id = |resource: &'a Value| {
        let id = resource.get("id").and_then(Value::as_str);
        id.filter(|_| resource.get("type").and_then(Value::as_str) == Some(kind))
    };
    let ids: Option<Vec<&str>> = data.iter().map(id).collect();
    ids.ok_or_else(|| Refusal::invalid("'type' and 'id' are required properties", pointer).into())
}

fn no_list(id: &str) -> Refusal {
    Refusal::not_found(&format!("A list with id `{id}` does not exist."))
}
