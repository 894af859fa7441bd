//! Lists.

use super::{Operation, REVISION, get, json, post};
use crate::diagnosis::Advice;
use crate::encode::{equals, percent_encode};
use crate::jsonapi::{self, Body, NewList, NewResource};
use crate::paging::{Page, page};
use crate::{Audience, Error, ORIGIN};
use alloc::{boxed::Box, format, string::String};

/// Get lists, the first page.
pub(crate) fn get_lists() -> Operation<Page<Audience>> {
    get_lists_at(format!("{ORIGIN}/api/lists/"))
}

/// Get the lists with this value of a field, the first page.
pub(crate) fn get_lists_with(field: &str, value: &str) -> Operation<Page<Audience>> {
    get_lists_at(format!("{ORIGIN}/api/lists/?filter={}", percent_encode(&equals(field, value))))
}

/// Get lists, the page at a link of an earlier answer.
pub(crate) fn get_lists_at(url: String) -> Operation<Page<Audience>> {
    const READ: &Advice = &Advice::read(&["lists:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::list))
}

/// Get lists for profile, the first page.
pub(crate) fn get_lists_of_profile(profile: &str) -> Operation<Page<Audience>> {
    get_lists_of_profile_at(format!("{ORIGIN}/api/profiles/{}/lists/", percent_encode(profile)))
}

/// Get lists for profile, the page at a link of an earlier answer.
pub(crate) fn get_lists_of_profile_at(url: String) -> Operation<Page<Audience>> {
    const READ: &Advice = &Advice::read(&["lists:read", "profiles:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::list))
}

/// Create list.
pub(crate) fn create_list(name: &str) -> Result<Operation<Audience>, Box<Error>> {
    const WRITE: &Advice = &Advice {
        scopes: &["lists:write"],
        form: "{data: {type: 'list', attributes: {name: …}}}",
        // Names need not be unique: a creation that is repeated is a second list.
        if_uncertain: "see with lists.find whether the list is there before you repeat the call",
    };
    let body = json(&Body { data: NewResource { kind: "list", id: None, attributes: NewList { name } } })?;
    let request = post(format!("{ORIGIN}/api/lists/"), REVISION, body);
    Ok(Operation {
        request,
        advice: WRITE,
        read: |_, document| {
            let [data] = document.members(["data"])?;
            jsonapi::list(&data)
        },
    })
}
