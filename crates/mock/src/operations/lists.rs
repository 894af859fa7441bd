//! Reading lists.

use super::{no_list, sort};
use crate::account::List;
use crate::answer::{Answer, ORIGIN, Refusal};
use crate::call::Call;
use crate::check::Result;
use crate::filter::{Condition, Fields, Operator};
use crate::page::Page;
use crate::revision::Revision;
use http::StatusCode;
use serde_json::{Value, json};

const PER_PAGE: usize = 10;
const FIELDS: Fields = Fields { texts: &["name", "id"], dates: &[Operator::GreaterThan] };

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    if call.revision < Revision::APRIL_2026 && call.query.get("page[size]").is_some() {
        let detail = "'page[size]' is not a valid parameter for this operation";
        return Err(Refusal::invalid_parameter(detail, "page[size]").into());
    }
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

fn fits(list: &List, condition: &Condition) -> bool {
    match condition.field.as_str() {
        "id" => condition.has(|id| id == list.id),
        "name" => condition.has(|name| name == list.name),
        _ => condition.admits(&list.created),
    }
}

fn resource(list: &List) -> Value {
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
