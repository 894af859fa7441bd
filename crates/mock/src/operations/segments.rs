//! Reading segments and their members.

use super::{joined, sort};
use crate::answer::{Answer, ORIGIN, Refusal};
use crate::call::Call;
use crate::check::Result;
use crate::filter::{Condition, Fields, Operator};
use crate::page::Page;
use crate::segments::Segment;
use http::StatusCode;
use serde_json::{Value, json};

const PER_PAGE: usize = 10;
const FIELDS: Fields = Fields {
    texts: &["name", "id"],
    flags: &["is_active", "is_starred"],
    dates: &[("created", &[Operator::GreaterThan]), ("updated", &[Operator::GreaterThan])],
};

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    let page = Page::of(call, PER_PAGE, PER_PAGE)?;
    let conditions = FIELDS.read(call.query.get("filter"))?;
    let wanted = |segment: &&Segment| conditions.iter().all(|condition| fits(segment, condition));
    let mut segments: Vec<&Segment> = call.account.segments.values().filter(wanted).collect();
    sort(call, &mut segments, &["created", "id", "name", "updated"], |segment, field| match field {
        "id" => segment.id.clone(),
        "name" => segment.name.clone(),
        _ => segment.created.clone(),
    })?;
    let document = page.document(call, segments, |segment| call.sparse("segment", resource(segment)));
    Ok(Answer::Document(StatusCode::OK, document))
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let counted = call.wants("segment", "profile_count", &["profile_count"])?;
    let segment = find(call)?;
    let mut resource = resource(segment);
    if let Some(Value::Object(attributes)) = resource.get_mut("attributes").filter(|_| counted) {
        attributes.insert("profile_count".to_owned(), json!(segment.members.len()));
    }
    Ok(Answer::Document(StatusCode::OK, json!({ "data": call.sparse("segment", resource) })))
}

pub(crate) fn get_members(call: &mut Call<'_>) -> Result<Answer> {
    let members = &find(call)?.members;
    let document = joined::document(call, members, |_| true, &joined::OF_SEGMENT)?;
    Ok(Answer::Document(StatusCode::OK, document))
}

fn find<'a>(call: &'a Call<'_>) -> Result<&'a Segment> {
    call.account.segments.get(&call.id).ok_or_else(|| no_segment(&call.id).into())
}

pub(crate) fn no_segment(id: &str) -> Refusal {
    // Unproven: the text.
    Refusal::not_found(&format!("A segment with id `{id}` does not exist."))
}

fn fits(segment: &Segment, condition: &Condition) -> bool {
    match condition.field.as_str() {
        "id" => condition.has(|id| id == segment.id),
        "name" => condition.has(|name| name == segment.name),
        "is_active" => condition.has(|flag| flag == "true"),
        "is_starred" => condition.has(|flag| flag == segment.is_starred.to_string()),
        _ => condition.admits(&segment.created),
    }
}

pub(crate) fn resource(segment: &Segment) -> Value {
    let own = format!("{ORIGIN}/api/segments/{}", segment.id);
    let link = |what: &str| {
        let itself = format!("{own}/relationships/{what}/");
        json!({ "links": { "self": itself, "related": format!("{own}/{what}/") } })
    };
    json!({
        "type": "segment",
        "id": segment.id,
        "attributes": {
            "name": segment.name,
            "created": segment.created,
            "updated": segment.created,
            "is_active": true,
            "is_processing": false,
            "is_starred": segment.is_starred,
        },
        "relationships": { "profiles": link("profiles"), "tags": link("tags") },
        "links": { "self": format!("{own}/") },
    })
}
