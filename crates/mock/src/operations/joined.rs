//! Reads the members of a list or a segment, with the time at which each joined.

use super::{order, since};
use crate::call::Call;
use crate::check::Result;
use crate::filter::{Condition, Fields, Operator};
use crate::keyset::{Key, KeysetPage};
use crate::membership::Members;
use crate::profile::Profile;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TIMES: &[Operator] =
    &[Operator::GreaterOrEqual, Operator::GreaterThan, Operator::LessOrEqual, Operator::LessThan];
const JOINED: &str = "joined_group_at";
const PROFILE_ID: &str = "profile_id";

/// The conditions for members of a list.
pub(crate) const OF_LIST: Fields =
    Fields { texts: &["email", "phone_number"], flags: &[], dates: &[(JOINED, TIMES)] };
/// The conditions for members of a segment.
pub(crate) const OF_SEGMENT: Fields = Fields { texts: &["email", "phone_number", PROFILE_ID], ..OF_LIST };

/// A member, and when it joined.
#[derive(Clone, Copy)]
struct Joined<'a> {
    profile: &'a Profile,
    at: &'a str,
}

/// The page of members that a request asks for, of those that readers see.
pub(crate) fn document(
    call: &Call<'_>,
    members: &Members,
    is_shown: impl Fn(&str) -> bool,
    fields: &Fields,
) -> Result<Value> {
    let subscriptions = call.wants("profile", "subscriptions", &["subscriptions"])?;
    page(call, members, is_shown, fields, |joined| {
        let mut resource = joined.profile.resource(call.revision, subscriptions);
        if let Some(Value::Object(attributes)) = resource.get_mut("attributes") {
            attributes.insert(JOINED.to_owned(), json!(joined.at));
        }
        call.sparse("profile", resource)
    })
}

/// The same page, with nothing but the ids.
pub(crate) fn ids(
    call: &Call<'_>,
    members: &Members,
    is_shown: impl Fn(&str) -> bool,
    fields: &Fields,
) -> Result<Value> {
    page(call, members, is_shown, fields, |joined| json!({ "type": "profile", "id": joined.profile.id }))
}

fn page(
    call: &Call<'_>,
    members: &Members,
    is_shown: impl Fn(&str) -> bool,
    fields: &Fields,
    resource: impl Fn(Joined<'_>) -> Value,
) -> Result<Value> {
    // They are in the order in which they joined, with `sort` or without.
    let (_, descending) = order(call, &[JOINED])?;
    let page = KeysetPage::of(call, 20, 100, descending)?;
    let conditions = fields.read(call.query.get("filter"))?;
    let joined = |key: &Key| {
        let id = members.id(key).filter(|id| is_shown(id))?;
        let joined = Joined { profile: call.account.profile("id", id)?, at: members.joined(id)? };
        conditions.iter().all(|condition| joined.fits(condition)).then_some(joined)
    };
    // Asks the account for those who are named, because lists are large.
    let named = conditions.iter().find(|c| matches!(c.operator, Operator::Equals | Operator::Any));
    let named: Option<BTreeSet<Key>> = named.map(|condition| {
        let field = if condition.field == PROFILE_ID { "id" } else { condition.field.as_str() };
        let profiles = condition.values.iter().filter_map(|value| call.account.profile(field, value.text()));
        profiles.filter_map(|profile| members.key(&profile.id)).cloned().collect()
    });
    let index = named.as_ref().unwrap_or(members.order());
    Ok(page.document(call, index, &since(&conditions, JOINED), joined, resource))
}

impl Joined<'_> {
    fn fits(&self, condition: &Condition) -> bool {
        match condition.field.as_str() {
            JOINED => condition.admits(self.at),
            PROFILE_ID => condition.has(|id| self.profile.is("id", id)),
            field => condition.has(|value| self.profile.is(field, value)),
        }
    }
}
