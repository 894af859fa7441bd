//! The members of lists and segments.

use super::{Operation, REPEAT, REVISION, get, json, nothing_or_data, partial_failures, write_to};
use crate::diagnosis::Advice;
use crate::encode::percent_encode;
use crate::json::Json;
use crate::jsonapi::{self, Body, ResourceId};
use crate::paging::{Page, page};
use crate::{Error, Member, Method, ORIGIN, Response};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

/// What has members.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    List,
    Segment,
}

/// Get profiles for a list or a segment: those who joined first, or those behind Klaviyo's cursor; 100 a page.
pub(crate) fn get_members(group: Group, id: &str, cursor: Option<&str>) -> Operation<Page<Member>> {
    let (path, advice) = match group {
        Group::List => ("lists", &const { Advice::read(&["lists:read", "profiles:read"]) }),
        Group::Segment => ("segments", &const { Advice::read(&["segments:read", "profiles:read"]) }),
    };
    let id = percent_encode(id);
    let mut url = format!("{ORIGIN}/api/{path}/{id}/profiles/?sort=joined_group_at&page%5Bsize%5D=100");
    if let Some(cursor) = cursor {
        url.push_str("&page%5Bcursor%5D=");
        url.push_str(&percent_encode(cursor));
    }
    get(url, REVISION, advice, |_, document| page(document, jsonapi::member))
}

/// Add profiles to list, at most 1,000. Returns the fields that Klaviyo took only in part.
pub(crate) fn add_profiles_to_list(
    list: &str,
    profiles: &[&str],
) -> Result<Operation<Vec<String>>, Box<Error>> {
    change(Method::Post, list, profiles)
}

/// Remove profiles from list, at most 1,000. Returns the fields that Klaviyo took only in part.
pub(crate) fn remove_profiles_from_list(
    list: &str,
    profiles: &[&str],
) -> Result<Operation<Vec<String>>, Box<Error>> {
    change(Method::Delete, list, profiles)
}

fn change(method: Method, list: &str, profiles: &[&str]) -> Result<Operation<Vec<String>>, Box<Error>> {
    let data: Vec<_> = profiles.iter().map(|id| ResourceId { kind: "profile", id }).collect();
    let url = format!("{ORIGIN}/api/lists/{}/relationships/profiles/", percent_encode(list));
    let request = write_to(method, url, REVISION, json(&Body { data })?);
    const WRITE: &Advice = &Advice {
        scopes: &["lists:write", "profiles:write"],
        form: "{data: [{type: 'profile', id: …}]}",
        if_uncertain: REPEAT,
    };
    Ok(Operation { request, advice: WRITE, read: changed })
}

/// Reads the answer to a change of the members: no document, or one with `data`.
fn changed(response: &Response, document: &Json<'_>) -> Result<Vec<String>, String> {
    nothing_or_data(document)?;
    Ok(partial_failures(response).map(str::to_owned).collect())
}
