//! Profiles.

use super::{Operation, REPEAT, REVISION, get, json, nothing_or_data, partial_failures, post, write_to};
use crate::diagnosis::Advice;
use crate::encode::{any_of, equals, percent_encode};
use crate::json::Json;
use crate::jsonapi::{self, Attributes, Body, NewResource, Patch, ResourceId};
use crate::paging::{Page, page};
use crate::{Error, Identifier, Method, ORIGIN, Profile, Response, Upserted};
use alloc::{boxed::Box, format, string::String};
use serde::Serialize;

const READ: &Advice = &Advice::read(&["profiles:read"]);
const WRITE: Advice = Advice {
    scopes: &["profiles:write"],
    form: "{data: {type: 'profile', attributes: {…}}}",
    if_uncertain: REPEAT,
};

/// Get profiles with an identifier, or the profile with an id.
pub(crate) fn get_profile(identifier: &Identifier) -> Operation<Option<Profile>> {
    match identifier {
        Identifier::Id(id) => get(by_id(id), REVISION, READ, |_, document| one(document, jsonapi::profile)),
        _ => get(by_filter(identifier), REVISION, READ, |_, document| first(document, jsonapi::profile)),
    }
}

/// The URL of the profile with an id.
pub(super) fn by_id(id: &str) -> String {
    format!("{ORIGIN}/api/profiles/{}/", percent_encode(id))
}

/// The URL of the profiles with an identifier.
pub(super) fn by_filter(identifier: &Identifier) -> String {
    let (field, value) = identifier.field();
    format!("{ORIGIN}/api/profiles/?filter={}", percent_encode(&equals(field, value)))
}

/// The URL of the profiles that have one of these values, at most 100, which are quoted.
pub(super) fn by_values(field: &str, quoted: &[&str]) -> String {
    let filter = percent_encode(&any_of(field, quoted));
    format!("{ORIGIN}/api/profiles/?filter={filter}&page%5Bsize%5D=100")
}

/// Get the profiles that have one of these values, at most 100, which are quoted.
pub(crate) fn get_profiles(field: &str, quoted: &[&str]) -> Operation<Page<Profile>> {
    get_profiles_at(by_values(field, quoted))
}

/// Get profiles, the page at a link of an earlier answer.
pub(crate) fn get_profiles_at(url: String) -> Operation<Page<Profile>> {
    get(url, REVISION, READ, |_, document| page(document, jsonapi::profile))
}

/// Create profile.
pub(crate) fn create_profile(attributes: &Attributes<'_>) -> Result<Operation<Profile>, Box<Error>> {
    write("/api/profiles/", attributes, profile)
}

/// Create or update profile.
pub(crate) fn create_or_update_profile(
    attributes: &Attributes<'_>,
) -> Result<Operation<Upserted>, Box<Error>> {
    write("/api/profile-import/", attributes, upserted)
}

/// Update profile.
pub(crate) fn update_profile(id: &str, patch: &Patch<'_>) -> Result<Operation<Profile>, Box<Error>> {
    const APPEND: &Advice = &Advice {
        // A value that is appended twice may be there twice.
        if_uncertain: "look the profile up before you repeat the call",
        ..WRITE
    };
    let request = write_to(Method::Patch, by_id(id), REVISION, json(&Body { data: patch.of(id) })?);
    let advice = if patch.append.is_empty() { &WRITE } else { APPEND };
    Ok(Operation { request, advice, read: profile })
}

/// Merge profiles.
pub(crate) fn merge_profiles(into: &str, from: &str) -> Result<Operation<()>, Box<Error>> {
    #[derive(Serialize)]
    struct Merge<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        id: &'a str,
        relationships: Relationships<'a>,
    }
    #[derive(Serialize)]
    struct Relationships<'a> {
        profiles: Body<[ResourceId<'a>; 1]>,
    }
    const MERGE: &Advice = &Advice {
        scopes: &["profiles:write"],
        form: "{data: {type: 'profile-merge', id: …, relationships: {profiles: {data: [{type: 'profile', id: …}]}}}}",
        // A merge that is repeated fails when it has been done.
        if_uncertain: "look up by its id whether the merged profile is still there before you repeat the call",
    };
    let profiles = Body { data: [ResourceId { kind: "profile", id: from }] };
    let data = Merge { kind: "profile-merge", id: into, relationships: Relationships { profiles } };
    let request = post(format!("{ORIGIN}/api/profile-merge/"), REVISION, json(&Body { data })?);
    Ok(Operation { request, advice: MERGE, read: |_, document| nothing_or_data(document) })
}

fn write<T>(
    path: &str,
    attributes: &Attributes<'_>,
    read: fn(&Response, &Json<'_>) -> Result<T, String>,
) -> Result<Operation<T>, Box<Error>> {
    let body = json(&Body { data: NewResource { kind: "profile", id: None, attributes } })?;
    let request = post(format!("{ORIGIN}{path}"), REVISION, body);
    Ok(Operation { request, advice: &WRITE, read })
}

/// Reads the one profile of a document.
fn profile(response: &Response, document: &Json<'_>) -> Result<Profile, String> {
    let [data] = document.members(["data"])?;
    let mut profile = jsonapi::profile(&data)?;
    profile.warnings = partial_failures(response)
        .map(|field| format!("{field}: Klaviyo did not take this value; correct it and upsert the profile"))
        .collect();
    Ok(profile)
}

/// Reads a profile that was created or updated.
fn upserted(response: &Response, document: &Json<'_>) -> Result<Upserted, String> {
    Ok(Upserted { profile: profile(response, document)?, created: response.status == 201 })
}

/// Reads the one resource of a document; null stands for none.
pub(super) fn one<T>(
    document: &Json<'_>,
    read: fn(&Json<'_>) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let [data] = document.members(["data"])?;
    if data.is_null() { Ok(None) } else { read(&data).map(Some) }
}

/// Reads the first resource of a collection.
pub(super) fn first<T>(
    document: &Json<'_>,
    read: fn(&Json<'_>) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let [data] = document.members(["data"])?;
    let mut first = None;
    data.each(|resource| {
        if first.is_none() {
            first = Some(read(resource)?);
        }
        Ok(())
    })?;
    Ok(first)
}
