//! Reads the members of a list or a segment, with the time at which each joined.

use super::sort;
use crate::call::Call;
use crate::check::Result;
use crate::filter::{Condition, Fields, Operator};
use crate::page::Page;
use crate::profile::Profile;
use serde_json::{Value, json};

const TIMES: &[Operator] =
    &[Operator::GreaterOrEqual, Operator::GreaterThan, Operator::LessOrEqual, Operator::LessThan];
const JOINED: &str = "joined_group_at";

/// The conditions for members of a list.
pub(crate) const OF_LIST: Fields =
    Fields { texts: &["email", "phone_number"], flags: &[], dates: &[(JOINED, TIMES)] };
/// The conditions for members of a segment.
pub(crate) const OF_SEGMENT: Fields = Fields { texts: &["email", "phone_number", "profile_id"], ..OF_LIST };

/// A member, and when it joined.
#[derive(Clone, Copy)]
struct Joined<'a> {
    profile: &'a Profile,
    at: &'a str,
}

/// The page of members that a request asks for.
pub(crate) fn document<'a>(
    call: &'a Call<'_>,
    members: impl Iterator<Item = (&'a String, &'a String)>,
    fields: &Fields,
) -> Result<Value> {
    let subscriptions = call.wants("profile", "subscriptions", &["subscriptions"])?;
    page(call, members, fields, |joined| {
        let mut resource = joined.profile.resource(call.revision, subscriptions);
        if let Some(Value::Object(attributes)) = resource.get_mut("attributes") {
            attributes.insert(JOINED.to_owned(), json!(joined.at));
        }
        call.sparse("profile", resource)
    })
}

/// The same page, with nothing but the ids.
pub(crate) fn ids<'a>(
    call: &'a Call<'_>,
    members: impl Iterator<Item = (&'a String, &'a String)>,
    fields: &Fields,
) -> Result<Value> {
    page(call, members, fields, |joined| json!({ "type": "profile", "id": joined.profile.id }))
}

fn page<'a>(
    call: &'a Call<'_>,
    members: impl Iterator<Item = (&'a String, &'a String)>,
    fields: &Fields,
    resource: impl Fn(Joined<'_>) -> Value,
) -> Result<Value> {
    let page = Page::of(call, 20, 100)?;
    let conditions = fields.read(call.query.get("filter"))?;
    let joined = members.filter_map(|(id, at)| Some(Joined { profile: call.account.profile("id", id)?, at }));
    let mut joined: Vec<Joined<'_>> =
        joined.filter(|joined| conditions.iter().all(|condition| joined.fits(condition))).collect();
    sort(call, &mut joined, &[JOINED], |joined, _| joined.at.to_owned())?;
    Ok(page.document(call, joined, resource))
}

impl Joined<'_> {
    fn fits(&self, condition: &Condition) -> bool {
        match condition.field.as_str() {
            JOINED => condition.admits(self.at),
            "profile_id" => condition.has(|id| self.profile.is("id", id)),
            field => condition.has(|value| self.profile.is(field, value)),
        }
    }
}
