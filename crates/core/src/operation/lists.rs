//! Lists, and who is on them.

use super::{Operation, Page, REPEAT, REVISION, get, json, nothing_or_data, page, partial_failures, post};
use crate::encode::percent_encode;
use crate::json::Json;
use crate::jsonapi::{self, Body, ResourceId};
use crate::{Audience, Error, ORIGIN, Response};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Get lists, the first page.
pub(crate) fn get_lists() -> Operation<Page<Audience>> {
    get_lists_at(format!("{ORIGIN}/api/lists/"))
}

/// Get lists, the page at a link of an earlier answer.
pub(crate) fn get_lists_at(url: String) -> Operation<Page<Audience>> {
    get(url, REVISION, &["lists:read"], |_, document| page(document, jsonapi::list))
}

/// Add profiles to list, at most 1,000. It answers with what was taken only in part.
pub(crate) fn add_profiles_to_list(
    list: &str,
    profiles: &[&str],
) -> Result<Operation<Vec<String>>, Box<Error>> {
    let data: Vec<_> = profiles.iter().map(|id| ResourceId { kind: "profile", id }).collect();
    let url = format!("{ORIGIN}/api/lists/{}/relationships/profiles/", percent_encode(list));
    Ok(Operation {
        request: post(url, REVISION, json(&Body { data })?),
        scopes: &["lists:write", "profiles:write"],
        form: "{data: [{type: 'profile', id: …}]}",
        unsure: REPEAT,
        read: addition,
    })
}

/// Reads the answer to an addition: none, or a document with `data`. What comes back is what Klaviyo reports to
/// have taken only in part.
fn addition(response: &Response, document: &Json<'_>) -> Result<Vec<String>, String> {
    nothing_or_data(document)?;
    Ok(partial_failures(response).map(str::to_owned).collect())
}
