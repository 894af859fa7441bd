//! Klaviyo's operations, each as a value: its request, and the function that reads the answer.

use crate::encode::{equals, next_link, percent_encode};
use crate::json::Json;
use crate::jsonapi::{self, Attributes, Body, NewResource, ResourceId};
use crate::{
    Audience, Code, Error, Header, Http, Identifier, Method, ORIGIN, Profile, Request, Response, Upserted,
};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec, vec::Vec};
use serde::Serialize;

/// The scheme of Klaviyo's `Authorization` header.
const AUTH: &str = "Klaviyo-API-Key";
const JSON_API: &str = "application/vnd.api+json";
/// The form of a body that writes a profile.
const PROFILE_FORM: &str = "{data: {type: 'profile', attributes: {…}}}";
/// The oldest revision with all of these operations that Klaviyo still serves. A host may raise it.
const REVISION: &str = "2025-01-15";

/// One request to Klaviyo and how to read its answer.
///
/// All operations are safe to repeat.
pub(crate) struct Operation<T> {
    /// The request, complete but for the key.
    pub(crate) request: Request,
    /// The scopes that the key needs.
    scopes: &'static [&'static str],
    /// The form of the request's body; empty: it has none.
    form: &'static str,
    read: fn(&Response, &Json<'_>) -> Result<T, String>,
}

impl<T> Operation<T> {
    /// Sends the request over `http` and reads the answer.
    pub(crate) fn send(self, http: &mut dyn Http) -> Result<T, Box<Error>> {
        self.send_and(http, Ok)
    }

    /// Sends the request, and has `accept` judge what was read; its complaint is about the answer.
    pub(crate) fn send_and<U>(
        self,
        http: &mut dyn Http,
        accept: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, Box<Error>> {
        let response = exchange(http, self.request, self.scopes, self.form)?;
        Json::parse(&response.body)
            .and_then(|document| (self.read)(&response, &document))
            .and_then(accept)
            .map_err(|reason| Error::malformed(&response, &reason))
    }
}

/// Sends a request and returns the answer if it is a success.
fn exchange(
    http: &mut dyn Http,
    request: Request,
    scopes: &[&str],
    form: &str,
) -> Result<Response, Box<Error>> {
    let response = http.send(request).map_err(Error::from_transport)?;
    if response.is_success() { Ok(response) } else { Err(Error::from_response(&response, scopes, form)) }
}

/// One page of a collection.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The URL of the next page, checked to be on Klaviyo's origin.
    pub(crate) next: Option<String>,
}

/// Get lists, the first page.
pub(crate) fn get_lists() -> Operation<Page<Audience>> {
    get_lists_at(format!("{ORIGIN}/api/lists/"))
}

/// Get lists, the page at a link of an earlier answer.
pub(crate) fn get_lists_at(url: String) -> Operation<Page<Audience>> {
    Operation { request: get(url), scopes: &["lists:read"], form: "", read: page_of_lists }
}

/// Get profiles with an identifier, or the profile with an id.
pub(crate) fn get_profile(identifier: &Identifier) -> Operation<Option<Profile>> {
    let (field, value) = match identifier {
        Identifier::Id(id) => {
            let request = get(format!("{ORIGIN}/api/profiles/{}/", percent_encode(id)));
            return Operation { request, scopes: &["profiles:read"], form: "", read: optional_profile };
        }
        Identifier::Email(value) => ("email", value),
        Identifier::PhoneNumber(value) => ("phone_number", value),
        Identifier::ExternalId(value) => ("external_id", value),
    };
    let request = get(format!("{ORIGIN}/api/profiles/?filter={}", percent_encode(&equals(field, value))));
    Operation { request, scopes: &["profiles:read"], form: "", read: first_profile }
}

/// Create profile.
pub(crate) fn create_profile(attributes: &Attributes<'_>) -> Result<Operation<Profile>, Box<Error>> {
    let body = Body { data: NewResource { kind: "profile", attributes } };
    let request = post(format!("{ORIGIN}/api/profiles/"), &body)?;
    Ok(Operation { request, scopes: &["profiles:write"], form: PROFILE_FORM, read: profile })
}

/// Create or update profile.
pub(crate) fn create_or_update_profile(
    attributes: &Attributes<'_>,
) -> Result<Operation<Upserted>, Box<Error>> {
    let body = Body { data: NewResource { kind: "profile", attributes } };
    let request = post(format!("{ORIGIN}/api/profile-import/"), &body)?;
    Ok(Operation { request, scopes: &["profiles:write"], form: PROFILE_FORM, read: upserted })
}

/// Add profiles to list, at most 1,000. It answers with what was taken only in part.
pub(crate) fn add_profiles_to_list(
    list: &str,
    profiles: &[&str],
) -> Result<Operation<Vec<String>>, Box<Error>> {
    let data: Vec<_> = profiles.iter().map(|id| ResourceId { kind: "profile", id }).collect();
    let url = format!("{ORIGIN}/api/lists/{}/relationships/profiles/", percent_encode(list));
    Ok(Operation {
        request: post(url, &Body { data })?,
        scopes: &["lists:write", "profiles:write"],
        form: "{data: [{type: 'profile', id: …}]}",
        read: addition,
    })
}

const ACCEPT: Header = Header { name: "accept", value: JSON_API };
const ASKED_REVISION: Header = Header { name: "revision", value: REVISION };
const CONTENT_TYPE: Header = Header { name: "content-type", value: JSON_API };

fn get(url: String) -> Request {
    Request { method: Method::Get, url, headers: vec![ASKED_REVISION, ACCEPT], auth: AUTH, body: Vec::new() }
}

fn post(url: String, body: &impl Serialize) -> Result<Request, Box<Error>> {
    let body = serde_json::to_vec(body)
        .map_err(|_| Error::new(Code::Other, "the request body could not be written".to_owned()))?;
    let headers = vec![ASKED_REVISION, ACCEPT, CONTENT_TYPE];
    Ok(Request { method: Method::Post, url, headers, auth: AUTH, body })
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

/// Reads the one profile of a document whose `data` may be null.
fn optional_profile(_: &Response, document: &Json<'_>) -> Result<Option<Profile>, String> {
    let [data] = document.members(["data"])?;
    if data.is_null() { Ok(None) } else { jsonapi::profile(&data).map(Some) }
}

/// Reads the first profile of a collection.
fn first_profile(_: &Response, document: &Json<'_>) -> Result<Option<Profile>, String> {
    let [data] = document.members(["data"])?;
    let mut first = None;
    data.each(|resource| {
        if first.is_none() {
            first = Some(jsonapi::profile(resource)?);
        }
        Ok(())
    })?;
    Ok(first)
}

/// Reads a profile that was created or updated.
fn upserted(response: &Response, document: &Json<'_>) -> Result<Upserted, String> {
    Ok(Upserted { profile: profile(response, document)?, created: response.status == 201 })
}

/// Reads a page of lists. Of the links only `next` is followed: `prev` can be junk on the first page.
fn page_of_lists(_: &Response, document: &Json<'_>) -> Result<Page<Audience>, String> {
    let [data, links] = document.members(["data", "links"])?;
    let [next] = links.strings(["next"])?;
    let next = match next {
        None => None,
        Some(link) => match next_link(&link) {
            None => return Err(format!("the link to the next page leaves {ORIGIN} and is not followed")),
            url => url,
        },
    };
    let mut items = Vec::new();
    data.each(|resource| {
        items.push(jsonapi::list(resource)?);
        Ok(())
    })?;
    Ok(Page { items, next })
}

/// Reads the answer to an addition: none, or a document with `data`. What comes back is what Klaviyo reports to
/// have taken only in part.
fn addition(response: &Response, document: &Json<'_>) -> Result<Vec<String>, String> {
    if !document.is_missing() {
        let [data] = document.members(["data"])?;
        if data.is_missing() {
            return Err("the document has no data".to_owned());
        }
    }
    Ok(partial_failures(response).map(str::to_owned).collect())
}

/// What Klaviyo took only in part: the names of fields.
fn partial_failures(response: &Response) -> impl Iterator<Item = &str> {
    response
        .headers("x-klaviyo-partial-failure")
        .flat_map(|value| value.split(','))
        .map(str::trim_ascii)
        .filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use url::Url;

    fn values() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), r#"["\\(),'+&=#%?/;: @.é\r\n\[\]]{0,24}"#]
    }

    fn identifiers() -> impl Strategy<Value = (&'static str, String, Identifier)> {
        (0..3, values()).prop_map(|(kind, value)| match kind {
            0 => ("email", value.clone(), Identifier::Email(value)),
            1 => ("phone_number", value.clone(), Identifier::PhoneNumber(value)),
            _ => ("external_id", value.clone(), Identifier::ExternalId(value)),
        })
    }

    fn decoded_segments(url: &Url) -> Vec<String> {
        let decode = |segment| percent_decode_str(segment).decode_utf8().unwrap().into_owned();
        url.path_segments().unwrap().map(decode).collect()
    }

    proptest! {
        #[test]
        fn no_identifier_changes_more_than_the_filter((field, value, identifier) in identifiers()) {
            let request = get_profile(&identifier).request;
            let url = Url::parse(&request.url).unwrap();
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![("filter".to_owned(), format!("equals({field},\"{escaped}\")"))]);

            let plain = get_profile(&Identifier::Email("a@b".to_owned())).request;
            let stem = |url: &str| url.split_once('=').map(|(stem, _)| stem.to_owned());
            prop_assert_eq!(stem(&request.url), stem(&plain.url));
            prop_assert_eq!(Request { url: plain.url.clone(), ..request }, plain);
        }

        #[test]
        fn an_id_is_one_segment_of_the_path(id in values().prop_filter("checked before", |id| {
            crate::check::path_segment("id", id).is_ok()
        })) {
            let profile = get_profile(&Identifier::Id(id.clone())).request;
            let url = Url::parse(&profile.url).unwrap();
            prop_assert_eq!(decoded_segments(&url), ["api", "profiles", &id, ""]);
            prop_assert_eq!((url.query(), url.fragment()), (None, None));

            let list = add_profiles_to_list(&id, &["x"]).unwrap().request;
            let url = Url::parse(&list.url).unwrap();
            prop_assert_eq!(decoded_segments(&url), ["api", "lists", &id, "relationships", "profiles", ""]);
            prop_assert_eq!((url.query(), url.fragment()), (None, None));
        }

        #[test]
        fn any_bytes_are_an_answer_or_an_error(body in any::<Vec<u8>>(), status in any::<u16>()) {
            let response = Response { status, headers: Vec::new(), body };
            let mut http = |_| Ok(response.clone());
            let _ = get_lists().send(&mut http);
            let _ = get_profile(&Identifier::Email("a@b".to_owned())).send(&mut http);
            if let Err(error) = add_profiles_to_list("Y6nRLr", &["x"]).unwrap().send(&mut http) {
                prop_assert_eq!(error.status, Some(status));
                prop_assert!(error.body.len() <= 4096);
            }
        }
    }

    #[test]
    fn a_create_has_the_bytes_of_the_guide() {
        let contact = crate::NewProfile {
            email: Some("priya@example.com".to_owned()),
            first_name: Some("Priya".to_owned()),
            phone_number: Some("+919820000001".to_owned()),
            ..crate::NewProfile::default()
        };
        let request = create_profile(&crate::check::contact(&contact).unwrap()).unwrap().request;
        assert_eq!(
            String::from_utf8(request.body).unwrap(),
            concat!(
                r#"{"data":{"type":"profile","attributes":{"email":"priya@example.com","#,
                r#""first_name":"Priya","phone_number":"+919820000001"}}}"#
            )
        );
    }
}
