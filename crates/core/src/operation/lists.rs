//! Lists and their members.

use super::{Operation, REPEAT, REVISION, get, json, nothing_or_data, partial_failures, post};
use crate::diagnosis::Advice;
use crate::encode::percent_encode;
use crate::json::Json;
use crate::jsonapi::{self, Body, ResourceId};
use crate::paging::{Page, page};
use crate::{Audience, Error, ORIGIN, Response};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// Get lists, the first page.
pub(crate) fn get_lists() -> Operation<Page<Audience>> {
    get_lists_at(format!("{ORIGIN}/api/lists/"))
}

/// Get lists, the page at a link of an earlier answer.
pub(crate) fn get_lists_at(url: String) -> Operation<Page<Audience>> {
    const READ: &Advice = &Advice::read(&["lists:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::list))
}

/// Add profiles to list, at most 1,000. Returns the fields that Klaviyo took only in part.
pub(crate) fn add_profiles_to_list(
    list: &str,
    profiles: &[&str],
) -> Result<Operation<Vec<String>>, Box<Error>> {
    let data: Vec<_> = profiles.iter().map(|id| ResourceId { kind: "profile", id }).collect();
    let url = format!("{ORIGIN}/api/lists/{}/relationships/profiles/", percent_encode(list));
    let request = post(url, REVISION, json(&Body { data })?);
    const WRITE: &Advice = &Advice {
        scopes: &["lists:write", "profiles:write"],
        form: "{data: [{type: 'profile', id: …}]}",
        if_uncertain: REPEAT,
    };
    Ok(Operation { request, advice: WRITE, read: addition })
}

/// Reads the answer to an addition: no document, or one with `data`.
fn addition(response: &Response, document: &Json<'_>) -> Result<Vec<String>, String> {
    nothing_or_data(document)?;
    Ok(partial_failures(response).map(str::to_owned).collect())
}
