//! Klaviyo's operations, each as a value: its request, the function that reads the answer, and advice for
//! errors.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod changes;
pub(crate) mod consents;
pub(crate) mod events;
pub(crate) mod imports;
pub(crate) mod lists;
pub(crate) mod members;
pub(crate) mod privacy;
pub(crate) mod profiles;
pub(crate) mod segments;

use crate::diagnosis::Advice;
use crate::json::Json;
use crate::{Code, Error, Header, Http, Method, Request, Response};
use alloc::{
    borrow::{Cow, ToOwned},
    boxed::Box,
    string::String,
    vec,
    vec::Vec,
};
use serde::Serialize;

/// The scheme of Klaviyo's `Authorization` header.
const AUTH: &str = "Klaviyo-API-Key";
const JSON_API: &str = "application/vnd.api+json";
/// The oldest revision that Klaviyo still serves. Operations that need a later one ask for that; a host may
/// raise both.
pub(crate) const REVISION: &str = "2025-01-15";

/// [`Advice::if_uncertain`] of all operations that write and are safe to repeat.
pub(crate) const REPEAT: &str = "repeat the call, which is safe";

/// One request to Klaviyo and how to read its answer.
pub(crate) struct Operation<T> {
    /// The request without the key.
    pub(crate) request: Request,
    pub(crate) advice: &'static Advice,
    pub(crate) read: fn(&Response, &Json<'_>) -> Result<T, String>,
}

impl<T> Operation<T> {
    /// Sends the request over `http` and reads the answer.
    pub(crate) fn send(self, http: &mut dyn Http) -> Result<T, Box<Error>> {
        self.send_and(http, Ok)
    }

    /// Sends the request and gives the value to `accept`. The failure of `accept` is a complaint about the
    /// answer.
    pub(crate) fn send_and<U>(
        self,
        http: &mut dyn Http,
        accept: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, Box<Error>> {
        self.exchange(http, &mut |_| {}, accept)
    }

    /// Sends the request and gives an answer that is not a success to `refused`.
    pub(crate) fn send_or(
        self,
        http: &mut dyn Http,
        refused: &mut dyn FnMut(&Response),
    ) -> Result<T, Box<Error>> {
        self.exchange(http, refused, Ok)
    }

    fn exchange<U>(
        self,
        http: &mut dyn Http,
        refused: &mut dyn FnMut(&Response),
        accept: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, Box<Error>> {
        let response = answered(self.request, self.advice, http, refused)?;
        Json::parse(&response.body)
            .and_then(|document| (self.read)(&response, &document))
            .and_then(accept)
            .map_err(|reason| Error::malformed(&response, &reason, self.advice))
    }
}

/// Sends a request, and returns an answer that is a success. Apart from [`Operation::exchange`], it is compiled once.
fn answered(
    request: Request,
    advice: &'static Advice,
    http: &mut dyn Http,
    refused: &mut dyn FnMut(&Response),
) -> Result<Response, Box<Error>> {
    let response = http.send(request).map_err(|error| Error::from_transport(error, advice))?;
    if response.is_success() {
        return Ok(response);
    }
    refused(&response);
    Err(Error::from_response(&response, advice))
}

const fn header(name: &'static str, value: &'static str) -> Header {
    Header { name, value: Cow::Borrowed(value) }
}

/// An operation that reads.
fn get<T>(
    url: String,
    oldest: &'static str,
    advice: &'static Advice,
    read: fn(&Response, &Json<'_>) -> Result<T, String>,
) -> Operation<T> {
    let request = request(Method::Get, url, header("revision", oldest), Vec::new());
    Operation { request, advice, read }
}

/// A request that creates or does something.
pub(crate) fn post(url: String, oldest: &'static str, body: Vec<u8>) -> Request {
    write_to(Method::Post, url, oldest, body)
}

/// A request that writes.
pub(crate) fn write_to(method: Method, url: String, oldest: &'static str, body: Vec<u8>) -> Request {
    request(method, url, header("revision", oldest), body)
}

/// A request with the headers that it needs.
fn request(method: Method, url: String, revision: Header, body: Vec<u8>) -> Request {
    let mut headers = vec![revision, header("accept", JSON_API)];
    if !body.is_empty() {
        headers.push(header("content-type", JSON_API));
    }
    Request { method, url, headers, auth: AUTH, body }
}

/// Writes a body, or a part of one.
pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, Box<Error>> {
    serde_json::to_vec(body)
        .map_err(|_| Error::new(Code::Other, "the request body could not be written".to_owned()))
}

/// Checks the answer to a write that has no content of interest: no document, or one with `data`. Any other
/// answer is not Klaviyo's.
pub(crate) fn nothing_or_data(document: &Json<'_>) -> Result<(), String> {
    if !document.is_missing() {
        let [data] = document.members(["data"])?;
        if data.is_missing() {
            return Err("the document has no data".to_owned());
        }
    }
    Ok(())
}

/// The names of the fields that Klaviyo took only in part.
pub(crate) fn partial_failures(response: &Response) -> impl Iterator<Item = &str> {
    response
        .headers("x-klaviyo-partial-failure")
        .flat_map(|value| value.split(','))
        .map(str::trim_ascii)
        .filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use super::account::get_account;
    use super::consents::{get_consents, get_consents_of};
    use super::imports::{get_import_errors, get_job, get_jobs};
    use super::lists::{create_list, get_lists, get_lists_of_profile, get_lists_with};
    use super::members::{add_profiles_to_list, get_members, remove_profiles_from_list};
    use super::profiles::{create_profile, get_profile, get_profiles, merge_profiles, update_profile};
    use super::segments::{get_segments, get_segments_of_profile};
    use super::*;
    use crate::Identifier;
    use alloc::format;
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

            let quoted = crate::encode::quoted(&value);
            let many = get_profiles(field, &[&quoted, &quoted]).request;
            let url = Url::parse(&many.url).unwrap();
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            let filter = format!("any({field},[\"{escaped}\",\"{escaped}\"])");
            let pairs_of_many = vec![("filter".to_owned(), filter), ("page[size]".to_owned(), "100".to_owned())];
            prop_assert_eq!(&pairs, &pairs_of_many);

            let many = super::consents::get_subscribers(field, &[&quoted, &quoted]).request;
            let subscribers = Url::parse(&many.url).unwrap();
            let of_page: Vec<_> = subscribers.query_pairs().into_owned().collect();
            prop_assert_eq!(&of_page[..2], &pairs_of_many[..]);
            prop_assert_eq!(of_page.len(), 3);

            let consents = get_consents(&identifier).request;
            let url = Url::parse(&consents.url).unwrap();
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            let additional = ("additional-fields[profile]".to_owned(), "subscriptions".to_owned());
            prop_assert_eq!(pairs, vec![("filter".to_owned(), format!("equals({field},\"{escaped}\")")), additional]);

            let lists = get_lists_with(field, &value).request;
            let url = Url::parse(&lists.url).unwrap();
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

            let patch = crate::jsonapi::Patch::default();
            let update = update_profile(&id, &patch).unwrap().request;
            let url = Url::parse(&update.url).unwrap();
            prop_assert_eq!(decoded_segments(&url), ["api", "profiles", &id, ""]);
            prop_assert_eq!((url.query(), url.fragment()), (None, None));
            let body: serde_json::Value = serde_json::from_slice(&update.body).unwrap();
            prop_assert_eq!(&body["data"]["id"], &id);

            let merge = merge_profiles(&id, &id).unwrap().request;
            prop_assert!(merge.url.ends_with("/api/profile-merge/"));
            let body: serde_json::Value = serde_json::from_slice(&merge.body).unwrap();
            prop_assert_eq!(&body["data"]["relationships"]["profiles"]["data"][0]["id"], &id);

            let of_many = get_consents_of(&[&id, "x"]).request;
            let url = Url::parse(&of_many.url).unwrap();
            let escaped = id.replace('\\', "\\\\").replace('"', "\\\"");
            let filter = url.query_pairs().into_owned().next();
            prop_assert_eq!(filter, Some(("filter".to_owned(), format!("any(id,[\"{escaped}\",\"x\"])"))));

            let consents = get_consents(&Identifier::Id(id.clone())).request;
            let url = Url::parse(&consents.url).unwrap();
            prop_assert_eq!(decoded_segments(&url), ["api", "profiles", &id, ""]);
            for (request, rest) in [
                (get_job(&id).request, vec![""]),
                (get_import_errors(&id).request, vec!["import-errors", ""]),
            ] {
                let url = Url::parse(&request.url).unwrap();
                prop_assert_eq!(decoded_segments(&url), [vec!["api", "profile-bulk-import-jobs", &id], rest].concat());
                prop_assert_eq!(url.fragment(), None);
            }

            for request in [
                add_profiles_to_list(&id, &["x"]).unwrap().request,
                remove_profiles_from_list(&id, &["x"]).unwrap().request,
            ] {
                let url = Url::parse(&request.url).unwrap();
                prop_assert_eq!(decoded_segments(&url), ["api", "lists", &id, "relationships", "profiles", ""]);
                prop_assert_eq!((url.query(), url.fragment()), (None, None));
            }
            let with = super::members::get_members_with(&id, "email", &["\"a@b\""]).request;
            let url = Url::parse(&with.url).unwrap();
            prop_assert_eq!(decoded_segments(&url), ["api", "lists", &id, "profiles", ""]);
            let filter = url.query_pairs().into_owned().next();
            prop_assert_eq!(filter, Some(("filter".to_owned(), "any(email,[\"a@b\"])".to_owned())));
            for (request, segments) in [
                (get_lists_of_profile(&id).request, ["api", "profiles", &id, "lists", ""]),
                (get_segments_of_profile(&id).request, ["api", "profiles", &id, "segments", ""]),
                (get_members(&crate::Group::Segment(id.clone()), None).request, ["api", "segments", &id, "profiles", ""]),
                (get_members(&crate::Group::List(id.clone()), None).request, ["api", "lists", &id, "profiles", ""]),
            ] {
                let url = Url::parse(&request.url).unwrap();
                prop_assert_eq!(decoded_segments(&url), segments);
                prop_assert_eq!(url.fragment(), None);
            }
        }

        #[test]
        fn any_bytes_are_an_answer_or_an_error(body in any::<Vec<u8>>(), status in any::<u16>()) {
            let response = Response { status, headers: Vec::new(), body };
            let mut http = |_| Ok(response.clone());
            let email = Identifier::Email("a@b".to_owned());
            let _ = get_lists().send(&mut http);
            let _ = get_members(&crate::Group::List("Y6nRLr".to_owned()), None).send(&mut http);
            let _ = get_segments().send(&mut http);
            let _ = get_account().send(&mut http);
            let emails = ["a@example.com".to_owned()];
            let _ = crate::privacy::suppress(&mut http, &emails);
            let _ = crate::privacy::unsuppress(&mut http, &emails);
            let _ = crate::privacy::delete(&mut http, &email);
            let _ = create_list("x").unwrap().send(&mut http);
            let _ = get_profile(&email).send(&mut http);
            let _ = get_profiles("email", &["\"a@b\""]).send(&mut http);
            let _ = get_consents(&email).send(&mut http);
            let _ = get_consents(&Identifier::Id("x".to_owned())).send(&mut http);
            let _ = get_consents_of(&["x"]).send(&mut http);
            let _ = merge_profiles("x", "y").unwrap().send(&mut http);
            let changes = [crate::Change::Clear("title".to_owned())];
            let _ = crate::contacts::update(&mut http, "x", &changes);
            let person = crate::NewProfile { email: Some("a@b.example".to_owned()), ..crate::NewProfile::default() };
            let permission = crate::Permission {
                channels: vec![crate::Channel::Email, crate::Channel::Other("rcs".to_owned())],
                custom_source: None,
            };
            let _ = crate::contacts::opt_in(&mut http, &person, "x", Some(&permission));
            let _ = crate::contacts::opt_in_many(&mut http, &[person.clone(), person], "x", Some(&permission));
            let _ = super::consents::get_subscriber(&email).send(&mut http);
            let _ = super::members::get_members_with("x", "email", &["\"a@b\""]).send(&mut http);
            let lists = ["Y6nRLr".to_owned()];
            let _ = crate::contacts::opt_out(&mut http, &[email.clone(), Identifier::Id("x".to_owned())], &permission.channels, &lists);
            let _ = get_job("x").send(&mut http);
            let _ = get_jobs().send(&mut http);
            let _ = get_import_errors("x").send(&mut http);
            let contacts = [crate::NewProfile { external_id: Some("x".to_owned()), ..crate::NewProfile::default() }];
            let _ = crate::bulk::submit(&mut http, &contacts, None);
            if let Err(error) = add_profiles_to_list("Y6nRLr", &["x"]).unwrap().send(&mut http) {
                prop_assert_eq!(error.status, Some(status));
                prop_assert!(error.body.len() <= 4096);
            }
        }
    }

    #[test]
    fn a_write_is_called_safe_to_repeat_only_where_it_is() {
        let contact = crate::NewProfile { external_id: Some("x".to_owned()), ..crate::NewProfile::default() };
        let create = create_profile(&crate::check::contact(&contact).unwrap()).unwrap().advice;
        let list = serde_json::from_str(r#"{"tags":["vip"]}"#).unwrap();
        let patch = crate::jsonapi::Patch::default;
        let unappend =
            update_profile("x", &crate::jsonapi::Patch { unappend: list, ..patch() }).unwrap().advice;
        let list = serde_json::from_str(r#"{"tags":["vip"]}"#).unwrap();
        let append = update_profile("x", &crate::jsonapi::Patch { append: list, ..patch() }).unwrap().advice;
        let merge = merge_profiles("x", "y").unwrap().advice;
        let custom = |method| super::api::custom(method, String::new(), None, None).advice;
        assert_eq!([create, unappend].map(|advice| advice.if_uncertain), [REPEAT; 2]);
        let writes = [append, merge, create_list("x").unwrap().advice, custom(Method::Post)];
        assert!(writes.iter().all(|advice| !["", REPEAT].contains(&advice.if_uncertain)));
        assert_eq!([custom(Method::Get), get_lists().advice].map(|advice| advice.if_uncertain), [""; 2]);
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
