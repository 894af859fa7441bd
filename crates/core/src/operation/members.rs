//! The members of lists and segments.

use super::{Operation, REPEAT, REVISION, get, json, nothing_or_data, partial_failures, write_to};
use crate::diagnosis::Advice;
use crate::encode::{any_of, percent_encode};
use crate::json::Json;
use crate::jsonapi::{self, Body, ResourceId};
use crate::paging::{Page, page};
use crate::{Error, Group, Member, Method, ORIGIN, Profile, Response};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

const READ_LIST: &Advice = &Advice::read(&["lists:read", "profiles:read"]);

impl Group {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::List(id) | Self::Segment(id) => id,
        }
    }

    /// The path of its members, without the slash at the end.
    pub(crate) fn path(&self) -> String {
        let collection = match self {
            Self::List(_) => "lists",
            Self::Segment(_) => "segments",
        };
        format!("/api/{collection}/{}/profiles", percent_encode(self.id()))
    }

    /// What a request for its members needs.
    pub(super) fn advice(&self) -> &'static Advice {
        match self {
            Self::List(_) => READ_LIST,
            Self::Segment(_) => &const { Advice::read(&["segments:read", "profiles:read"]) },
        }
    }
}

/// Get profiles for a list or a segment: those who joined first, or those behind Klaviyo's cursor; 100 a page.
pub(crate) fn get_members(group: &Group, cursor: Option<&str>) -> Operation<Page<Member>> {
    let mut url = format!("{ORIGIN}{}/?sort=joined_group_at&page%5Bsize%5D=100", group.path());
    if let Some(cursor) = cursor {
        url.push_str("&page%5Bcursor%5D=");
        url.push_str(&percent_encode(cursor));
    }
    get(url, REVISION, group.advice(), |_, document| page(document, jsonapi::member))
}

/// Get those profiles of a list that have one of these values, at most 100, which are quoted. Of their attributes they
/// have the email only.
pub(crate) fn get_members_with(list: &str, field: &str, quoted: &[&str]) -> Operation<Page<Profile>> {
    let path = Group::List(list.to_owned()).path();
    let filter = percent_encode(&any_of(field, quoted));
    // The others may be large.
    let fields = "fields%5Bprofile%5D=email";
    get_members_with_at(format!("{ORIGIN}{path}/?filter={filter}&{fields}&page%5Bsize%5D=100"))
}

/// Get profiles of a list, the page at a link of an earlier answer.
pub(crate) fn get_members_with_at(url: String) -> Operation<Page<Profile>> {
    get(url, REVISION, READ_LIST, |_, document| page(document, jsonapi::profile))
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
