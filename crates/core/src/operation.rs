//! Klaviyo's operations, each as a value: its request, and the function that reads the answer.

use crate::encode::{equals, next_link, percent_encode};
use crate::jsonapi::{Attributes, Body, ListResource, Many, NewResource, One, ProfileResource, ResourceId};
use crate::{
    Audience, Code, Error, Header, Http, Identifier, Method, ORIGIN, Profile, Request, Response, Upserted,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// The scheme of Klaviyo's `Authorization` header.
const AUTH: &str = "Klaviyo-API-Key";
const JSON_API: &str = "application/vnd.api+json";
/// The oldest revision with all of these operations that Klaviyo still serves. A host may raise it.
const REVISION: &str = "2025-01-15";

/// One request to Klaviyo and how to read its answer.
///
/// All operations are safe to repeat.
#[derive(Debug)]
pub struct Operation<T> {
    /// The request, complete but for the key.
    pub request: Request,
    /// The scopes that the key needs.
    pub scopes: &'static [&'static str],
    read: fn(&Response) -> Result<T, Error>,
}

impl<T> Operation<T> {
    /// Sends the request over `http` and reads the answer.
    ///
    /// # Errors
    /// When there is no answer, when Klaviyo refuses, and when the answer cannot be read.
    pub fn send(self, http: &mut dyn Http) -> Result<T, Error> {
        self.send_and(http, |value, _| Ok(value))
    }

    /// Sends the request, and has `accept` judge what was read together with the answer.
    pub(crate) fn send_and<U>(
        self,
        http: &mut dyn Http,
        accept: impl FnOnce(T, &Response) -> Result<U, Error>,
    ) -> Result<U, Error> {
        let method = self.request.method;
        let response = http.send(self.request).map_err(Error::from_transport)?;
        if !response.is_success() {
            return Err(Error::from_response(&response, method, self.scopes));
        }
        accept((self.read)(&response)?, &response)
    }
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
    Operation { request: get(url), scopes: &["lists:read"], read: page::<ListResource, Audience> }
}

/// Get profiles with an identifier, or the profile with an id.
pub(crate) fn get_profile(identifier: &Identifier) -> Operation<Option<Profile>> {
    const SCOPES: &[&str] = &["profiles:read"];
    match identifier {
        Identifier::Id(id) => Operation {
            request: get(format!("{ORIGIN}/api/profiles/{}/", percent_encode(id))),
            scopes: SCOPES,
            read: optional_profile,
        },
        by => Operation {
            request: get(format!("{ORIGIN}/api/profiles/?filter={}", percent_encode(&equals(by)))),
            scopes: SCOPES,
            read: |response| {
                let found: Many<ProfileResource<'_>> = document(response)?;
                Ok(found.data.into_iter().next().map(|p| p.into_profile(Vec::new())))
            },
        },
    }
}

/// Create profile.
pub(crate) fn create_profile(attributes: &Attributes<'_>) -> Result<Operation<Profile>, Error> {
    let body = Body { data: NewResource { kind: "profile", attributes } };
    let request = post(format!("{ORIGIN}/api/profiles/"), &body)?;
    Ok(Operation { request, scopes: &["profiles:write"], read: profile })
}

/// Create or update profile.
pub(crate) fn create_or_update_profile(attributes: &Attributes<'_>) -> Result<Operation<Upserted>, Error> {
    let body = Body { data: NewResource { kind: "profile", attributes } };
    let request = post(format!("{ORIGIN}/api/profile-import/"), &body)?;
    Ok(Operation {
        request,
        scopes: &["profiles:write"],
        read: |response| Ok(Upserted { profile: profile(response)?, created: response.status == 201 }),
    })
}

/// Add profiles to list, at most 1,000.
pub(crate) fn add_profiles_to_list(list: &str, profiles: &[&str]) -> Result<Operation<()>, Error> {
    let data: Vec<_> = profiles.iter().map(|id| ResourceId { kind: "profile", id }).collect();
    let url = format!("{ORIGIN}/api/lists/{}/relationships/profiles/", percent_encode(list));
    Ok(Operation {
        request: post(url, &Body { data })?,
        scopes: &["lists:write", "profiles:write"],
        read: nothing,
    })
}

const ACCEPT: Header = Header { name: "accept", value: JSON_API };
const ASKED_REVISION: Header = Header { name: "revision", value: REVISION };
const CONTENT_TYPE: Header = Header { name: "content-type", value: JSON_API };

fn get(url: String) -> Request {
    Request { method: Method::Get, url, headers: vec![ASKED_REVISION, ACCEPT], auth: AUTH, body: Vec::new() }
}

fn post(url: String, body: &impl Serialize) -> Result<Request, Error> {
    let body = serde_json::to_vec(body)
        .map_err(|e| Error::new(Code::Other, format!("the request body could not be written: {e}")))?;
    let headers = vec![ASKED_REVISION, ACCEPT, CONTENT_TYPE];
    Ok(Request { method: Method::Post, url, headers, auth: AUTH, body })
}

/// Reads a body as the document that the operation answers with.
fn document<'a, T: Deserialize<'a>>(response: &'a Response) -> Result<T, Error> {
    if response.body.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::malformed(response, "it has no body"));
    }
    serde_json::from_slice(&response.body).map_err(|e| Error::malformed(response, &e.to_string()))
}

fn profile(response: &Response) -> Result<Profile, Error> {
    optional_profile(response)?.ok_or_else(|| Error::malformed(response, "`data` is null"))
}

fn optional_profile(response: &Response) -> Result<Option<Profile>, Error> {
    let document: One<ProfileResource<'_>> = document(response)?;
    Ok(document.data.map(|profile| profile.into_profile(warnings(response))))
}

fn page<R: DeserializeOwned, T: From<R>>(response: &Response) -> Result<Page<T>, Error> {
    let document: Many<R> = document(response)?;
    let next = match document.links.next {
        None => None,
        Some(link) => match next_link(&link) {
            Some(url) => Some(url),
            None => {
                let reason = format!("the link to the next page leaves {ORIGIN} and is not followed");
                return Err(Error::malformed(response, &reason));
            }
        },
    };
    Ok(Page { items: document.data.into_iter().map(T::from).collect(), next })
}

/// Reads the answer of an operation that has nothing to tell. Success has no body; a JSON body is let pass,
/// anything else is not Klaviyo's.
fn nothing(response: &Response) -> Result<(), Error> {
    let partly: Vec<&str> = partial_failures(response).collect();
    if !partly.is_empty() {
        return Err(Error::partial(response, &partly.join(", ")));
    }
    if response.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    document::<IgnoredAny>(response).map(|_| ())
}

/// What Klaviyo took only in part, as sentences.
fn warnings(response: &Response) -> Vec<String> {
    partial_failures(response)
        .map(|field| format!("{field}: Klaviyo did not take this value and kept the rest; correct it and upsert the profile"))
        .collect()
}

fn partial_failures(response: &Response) -> impl Iterator<Item = &str> {
    response
        .headers("x-klaviyo-partial-failure")
        .flat_map(|value| value.split(','))
        .map(str::trim)
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
