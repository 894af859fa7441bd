//! Reading and writing profiles.

use super::{order, since};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::check::{self, PROFILE_BYTES, Result, given, member, object};
use crate::filter::{Condition, Fields, Operator};
use crate::imports::Clash;
use crate::keyset::{Key, KeysetPage, Span};
use crate::patch;
use crate::profile::Profile;
use crate::shape::{self, Shape};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const FIELDS: Fields = Fields {
    texts: &["id", "email", "phone_number", "external_id"],
    flags: &[],
    dates: &[("created", BEFORE_OR_AFTER), (UPDATED, BEFORE_OR_AFTER)],
};
const BEFORE_OR_AFTER: &[Operator] = &[Operator::GreaterThan, Operator::LessThan];
const UPDATED: &str = "updated";
const POINTER: &str = "/data/attributes";

/// The body of a request that writes a profile.
struct ProfileWrite {
    id: Option<String>,
    attributes: Map<String, Value>,
    /// The whole resource.
    resource: Value,
    /// The attribute that Klaviyo drops because it is not valid.
    dropped: Option<&'static str>,
}

pub(crate) fn get_all(call: &mut Call<'_>) -> Result<Answer> {
    let (field, descending) = order(call, &["created", "email", "id", "updated"])?;
    let page = KeysetPage::of(call, 20, 100, descending)?;
    let subscriptions = call.wants("profile", "subscriptions", &["subscriptions"])?;
    let conditions = FIELDS.read(call.query.get("filter"))?;
    let resource = |profile: &Profile| call.sparse("profile", profile.resource(call.revision, subscriptions));
    // Asks the index for identifiers, because accounts are large.
    let identified = conditions.iter().find(|c| matches!(c.operator, Operator::Equals | Operator::Any));
    let profile = |(_, position): &Key| {
        // Whoever asks for a certain profile gets it as it is.
        let profile = match identified {
            Some(_) => call.account.profile_at(*position),
            None => call.account.shown_profile(*position),
        };
        profile.filter(|profile| conditions.iter().all(|condition| fits(profile, condition)))
    };
    let (by_creation, whole) = (call.account.profiles_by_creation(), Span::default());
    let document = match (identified, field) {
        (None, Some(UPDATED)) => page.document(
            call,
            call.account.profiles_by_change(),
            &since(&conditions, UPDATED),
            profile,
            resource,
        ),
        (None, None) => page.document(call, by_creation, &whole, profile, resource),
        _ => {
            let positions: Vec<usize> = match identified {
                Some(condition) => {
                    let values = condition.values.iter();
                    values
                        .filter_map(|value| call.account.position_of(&condition.field, value.text()))
                        .collect()
                }
                None => by_creation.iter().map(|(_, position)| *position).collect(),
            };
            let key = |position| {
                let key = (String::new(), position);
                profile(&key).map(|profile| (sorted_by(profile, field), position))
            };
            let index: BTreeSet<Key> = positions.into_iter().filter_map(key).collect();
            page.document(call, &index, &whole, profile, resource)
        }
    };
    Ok(Answer::Document(StatusCode::OK, document))
}

/// The value of the field by which a profile is sorted; empty if it is in the order of creation.
fn sorted_by(profile: &Profile, field: Option<&str>) -> String {
    match field {
        Some("created") => profile.created.clone(),
        Some("updated") => profile.updated.clone(),
        Some("id") => profile.id.clone(),
        Some(_) => given(&profile.attributes, "email").unwrap_or_default().to_ascii_lowercase(),
        None => String::new(),
    }
}

fn fits(profile: &Profile, condition: &Condition) -> bool {
    match condition.field.as_str() {
        "created" => condition.admits(&profile.created),
        "updated" => condition.admits(&profile.updated),
        field => condition.has(|value| profile.is(field, value)),
    }
}

pub(crate) fn get(call: &mut Call<'_>) -> Result<Answer> {
    let position = existing(call)?;
    let profile = resource(call, position)?;
    let profile = call.sparse("profile", profile);
    Ok(Answer::Document(StatusCode::OK, json!({ "data": profile })))
}

pub(crate) fn create(call: &mut Call<'_>) -> Result<Answer> {
    let written = read(call, &shape::CREATED)?;
    check::identified(&written.attributes, POINTER)?;
    let holder = call
        .account
        .holders(&written.attributes)
        .first()
        .and_then(|position| call.account.profile_at(*position));
    if let Some(holder) = holder {
        return Err(Refusal::conflict(Some(&holder.id)).into());
    }
    let position = call.account.create(written.attributes);
    answer(call, StatusCode::CREATED, position, written.dropped)
}

pub(crate) fn update(call: &mut Call<'_>) -> Result<Answer> {
    let position = existing(call)?;
    let written = read(call, &shape::UPDATED)?;
    if written.id.as_ref() != Some(&call.id) {
        return Err(Refusal::invalid("'id' must be the id in the path", "/data/id").into());
    }
    let other = call.account.holders(&written.attributes).into_iter().find(|holder| *holder != position);
    if let Some(other) = other.and_then(|position| call.account.profile_at(position)) {
        return Err(Refusal::conflict(Some(&other.id)).into());
    }
    write(call, position, written)
}

pub(crate) fn create_or_update(call: &mut Call<'_>) -> Result<Answer> {
    let written = read(call, &shape::UPSERTED)?;
    if written.id.is_none() {
        check::identified(&written.attributes, POINTER)?;
    }
    match call.account.upsert_target(written.id.as_deref(), &written.attributes) {
        Ok(Some(position)) => write(call, position, written),
        Ok(None) => {
            let position = call.account.create(written.attributes);
            call.account.patch(position, &written.resource);
            answer(call, StatusCode::CREATED, position, written.dropped)
        }
        Err(Clash::Duplicate(holder)) => Err(Refusal::conflict(Some(&holder)).into()),
        Err(Clash::Unknown(id)) => Err(no_profile(&id).into()),
    }
}

fn write(call: &mut Call<'_>, position: usize, written: ProfileWrite) -> Result<Answer> {
    call.account.write(position, written.attributes);
    call.account.patch(position, &written.resource);
    answer(call, StatusCode::OK, position, written.dropped)
}

pub(crate) fn existing(call: &Call<'_>) -> Result<usize> {
    call.account.position_of("id", &call.id).ok_or_else(|| no_profile(&call.id).into())
}

fn resource(call: &Call<'_>, position: usize) -> Result<Value> {
    let subscriptions = call.wants("profile", "subscriptions", &["subscriptions"])?;
    let profile = call.account.profile_at(position);
    Ok(profile.map(|profile| profile.resource(call.revision, subscriptions)).unwrap_or_default())
}

fn answer(
    call: &Call<'_>,
    status: StatusCode,
    position: usize,
    dropped: Option<&'static str>,
) -> Result<Answer> {
    let body = json!({ "data": call.sparse("profile", resource(call, position)?) });
    Ok(match dropped {
        None => Answer::Document(status, body),
        Some(dropped) => Answer::Partly(status, body, dropped),
    })
}

/// Reads the profile in the body. A phone number that is not valid beside an email is dropped.
fn read(call: &Call<'_>, shape: &Shape) -> Result<ProfileWrite> {
    // The query is checked before anything is written.
    call.wants("profile", "subscriptions", &["subscriptions"])?;
    let document = call.document()?;
    if call.body.len() > PROFILE_BYTES {
        return Err(Refusal::too_large("The profile is larger than 100 KB.").into());
    }
    let data = member(&document, "data", "/data")?;
    check::resource(data, "profile", "/data")?;
    let mut attributes = object(data, "attributes", "/data")?.clone();
    check::attributes(&attributes, POINTER)?;
    shape.check(&document, call.revision)?;
    patch::check(data, "/data")?;
    let id = data.get("id").and_then(Value::as_str).map(str::to_owned);
    let checked = check::phone_number(&attributes, POINTER);
    let wrong = checked.is_err();
    if given(&attributes, "email").is_none() {
        checked?;
    }
    if wrong {
        attributes.shift_remove("phone_number");
    }
    let resource = data.clone();
    Ok(ProfileWrite { id, attributes, resource, dropped: wrong.then_some("phone_number") })
}

pub(crate) fn no_profile(id: &str) -> Refusal {
    Refusal {
        source: json!({ "pointer": "/data/id" }),
        ..Refusal::not_found(&format!("A profile with id {id} does not exist."))
    }
}
