//! Reading lists, and creating them.

use super::{no_list, sort};
use crate::account::List;
use crate::answer::{Answer, ORIGIN};
use crate::bodies;
use crate::call::Call;
use crate::check::{self, Result, member, object};
use crate::consent::OptIn;
use crate::filter::{Condition, Fields, Operator};
use crate::page::Page;
use http::StatusCode;
use serde_json::{Value, json};

const PER_PAGE: usize = 10;
const FIELDS: Fields = Fields {
    texts: &["name", "id"],
    flags: &[],
    dates: &[("created", &[Operator::GreaterThan]), ("updated", &[Operator::GreaterThan])],
};

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    let page = Page::of(call, PER_PAGE, PER_PAGE)?;
    let conditions = FIELDS.read(call.query.get("filter"))?;
    let wanted = |list: &&List| conditions.iter().all(|condition| fits(list, condition));
    let mut lists: Vec<&List> = call.account.lists.values().filter(wanted).collect();
    sort(call, &mut lists, &["created", "id", "name", "updated"], |list, field| match field {
        "id" => list.id.clone(),
        "name" => list.name.clone(),
        _ => list.created.clone(),
    })?;
    let document = page.document(call, lists, |list| call.sparse("list", resource(list)));
    Ok(Answer::Document(StatusCode::OK, document))
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let counted = call.wants("list", "profile_count", &["profile_count"])?;
    let list = call.account.lists.get(&call.id).ok_or_else(|| no_list(&call.id))?;
    let mut resource = resource(list);
    if let Some(Value::Object(attributes)) = resource.get_mut("attributes").filter(|_| counted) {
        attributes.insert("profile_count".to_owned(), json!(list.members.len()));
    }
    Ok(Answer::Document(StatusCode::OK, json!({ "data": call.sparse("list", resource) })))
}

/// Creates a list. Unproven: that people join it as they subscribe without a list, unless the request says
/// how; and that two lists may have one name.
pub(crate) fn create(call: &mut Call<'_>) -> Result<Answer> {
    let document = call.document()?;
    let data = member(&document, "data", "/data")?;
    check::resource(data, "list", "/data")?;
    let attributes = object(data, "attributes", "/data")?;
    bodies::NEW_LIST.check(&document, call.revision)?;
    let name = attributes.get("name").and_then(Value::as_str).unwrap_or_default();
    let opt_in = match attributes.get("opt_in_process").and_then(Value::as_str) {
        Some("single_opt_in") => OptIn::Single,
        Some(_) => OptIn::Double,
        None => call.account.opt_in,
    };
    let id = (call.account.lists.len()..).map(|n| format!("N{n:05}"));
    let id = id.into_iter().find(|id| !call.account.lists.contains_key(id)).unwrap_or_default();
    call.account.add_list_with(&id, name, opt_in);
    let list = call.account.lists.get(&id).map(resource).unwrap_or_default();
    Ok(Answer::Document(StatusCode::CREATED, json!({ "data": call.sparse("list", list) })))
}

fn fits(list: &List, condition: &Condition) -> bool {
    match condition.field.as_str() {
        "id" => condition.has(|id| id == list.id),
        "name" => condition.has(|name| name == list.name),
        _ => condition.admits(&list.created),
    }
}

pub(crate) fn resource(list: &List) -> Value {
    let own = format!("{ORIGIN}/api/lists/{}", list.id);
    let link = |what: &str| {
        let itself = format!("{own}/relationships/{what}/");
        json!({ "links": { "self": itself, "related": format!("{own}/{what}/") } })
    };
    json!({
        "type": "list",
        "id": list.id,
        "attributes": {
            "name": list.name,
            "created": list.created,
            "updated": list.created,
            "opt_in_process": list.opt_in.as_ref(),
        },
        "relationships": { "profiles": link("profiles"), "tags": link("tags") },
        "links": { "self": format!("{own}/") },
    })
}
