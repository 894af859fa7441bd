//! Klaviyo's operations on an account: a request in, an answer out.

use crate::account::{Account, IDENTIFIERS, Profile, now};
use crate::answer::{Answer, Refusal};
use crate::filter;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// The origin in the links of answers: Klaviyo's own, whatever the address of this server.
const ORIGIN: &str = "https://a.klaviyo.com";
/// The oldest revision that is not retired: revisions live for two years.
const OLDEST_REVISION: &str = "2025-01-15";
const LISTS_PER_PAGE: usize = 10;
const PROFILES_PER_ADDITION: usize = 1_000;
const EMAIL_CHARACTERS: usize = 100;

type Result<T> = std::result::Result<T, Answer>;

impl Account {
    /// Answers one request.
    pub(crate) fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Answer {
        self.requests += 1;
        self.operate(method, uri, headers, body).unwrap_or_else(|refused| refused)
    }

    fn operate(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Answer> {
        let path = uri.path().trim_end_matches('/');
        let segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let query = uri.query().unwrap_or_default();
        let may = |account: &Self, scopes: &[&str]| account.authorize(headers, scopes);
        match (method, segments.as_slice()) {
            (&Method::GET, ["api", "lists"]) => {
                may(self, &["lists:read"])?;
                self.get_lists(query)
            }
            (&Method::GET, ["api", "profiles"]) => {
                may(self, &["profiles:read"])?;
                self.get_profiles(query)
            }
            (&Method::GET, ["api", "profiles", id]) => {
                may(self, &["profiles:read"])?;
                self.get_profile(id)
            }
            (&Method::POST, ["api", "profiles"]) => {
                may(self, &["profiles:write"])?;
                self.create_profile(&document(headers, body)?)
            }
            (&Method::POST, ["api", "profile-import"]) => {
                may(self, &["profiles:write"])?;
                self.create_or_update_profile(&document(headers, body)?)
            }
            (&Method::POST, ["api", "lists", id, "relationships", "profiles"]) => {
                may(self, &["lists:write", "profiles:write"])?;
                self.add_to_list(id, &document(headers, body)?)
            }
            _ => Err(Refusal::not_found("The requested resource does not exist.").into()),
        }
    }

    /// Checks what every request must have: a key, its scopes, and a revision that is served.
    fn authorize(&self, headers: &HeaderMap, scopes: &[&str]) -> Result<()> {
        let unauthorized = |code, title, detail| Refusal {
            source: json!({ "pointer": "/data/" }),
            ..Refusal::new(StatusCode::UNAUTHORIZED, code, title, detail)
        };
        let Some(key) = text(headers, "authorization").and_then(|v| v.strip_prefix("Klaviyo-API-Key "))
        else {
            let title = "Authentication credentials were not provided.";
            return Err(unauthorized("not_authenticated", title, "Missing or invalid private key.").into());
        };
        let Some(granted) = self.scopes(key) else {
            let title = "Incorrect authentication credentials.";
            return Err(unauthorized("authentication_failed", title, title).into());
        };
        if !scopes.iter().all(|&scope| granted.contains(scope)) {
            let title = "You do not have permission to perform this action.";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "permission_denied", title, title).into());
        }
        match text(headers, "revision") {
            Some(revision) if !is_date(revision) => {
                Err(Refusal::not_found("No valid revisions found for method").into())
            }
            Some(revision) if revision < OLDEST_REVISION => Err(Answer::Retired),
            Some(_) => Ok(()),
            None => {
                let detail = "The revision header is required.";
                Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid", "Invalid input.", detail).into())
            }
        }
    }

    fn get_lists(&self, query: &str) -> Result<Answer> {
        let start = match parameter(query, "page[cursor]") {
            None => 0,
            Some(cursor) => cursor
                .strip_prefix("next:")
                .and_then(|start| start.parse().ok())
                .ok_or_else(|| Refusal::invalid_parameter("Invalid page cursor.", "page[cursor]"))?,
        };
        let link = |start: usize| {
            let cursor = format!("next:{start}");
            let cursor = utf8_percent_encode(&cursor, NON_ALPHANUMERIC);
            json!(format!("{ORIGIN}/api/lists/?page%5Bcursor%5D={cursor}"))
        };
        let data: Vec<Value> =
            self.lists.iter().skip(start).take(LISTS_PER_PAGE).map(list_resource).collect();
        let end = start.saturating_add(LISTS_PER_PAGE);
        let next = if end < self.lists.len() { link(end) } else { Value::Null };
        let prev = if start > 0 { link(start.saturating_sub(LISTS_PER_PAGE)) } else { Value::Null };
        let links = json!({ "self": format!("{ORIGIN}/api/lists/"), "next": next, "prev": prev });
        Ok(Answer::Document(StatusCode::OK, json!({ "data": data, "links": links })))
    }

    fn get_profiles(&self, query: &str) -> Result<Answer> {
        let invalid = || Refusal::invalid_parameter("Invalid filter provided", "filter");
        let wanted = match parameter(query, "filter") {
            None => None,
            Some(filter) => {
                let (field, value) = filter::equals(&filter).ok_or_else(invalid)?;
                if field != "id" && !IDENTIFIERS.contains(&field.as_str()) {
                    return Err(invalid().into());
                }
                Some((field, value))
            }
        };
        let is_wanted = |p: &&Profile| wanted.as_ref().is_none_or(|(field, value)| p.is(field, value));
        let data: Vec<Value> =
            self.profiles.iter().filter(is_wanted).take(20).map(profile_resource).collect();
        let links = json!({ "self": format!("{ORIGIN}/api/profiles/"), "next": null, "prev": null });
        Ok(Answer::Document(StatusCode::OK, json!({ "data": data, "links": links })))
    }

    fn get_profile(&self, id: &str) -> Result<Answer> {
        let Some(profile) = self.profiles.iter().find(|profile| profile.id == id) else {
            return Err(Refusal::not_found(&format!("A profile with id {id} does not exist.")).into());
        };
        Ok(Answer::Document(StatusCode::OK, json!({ "data": profile_resource(profile) })))
    }

    fn create_profile(&mut self, document: &Value) -> Result<Answer> {
        let (attributes, dropped) = attributes(document)?;
        if let Some(holder) = self.holders(&attributes).first() {
            return Err(conflict(holder).into());
        }
        let profile = self.create(attributes);
        Ok(written(StatusCode::CREATED, &profile, dropped))
    }

    fn create_or_update_profile(&mut self, document: &Value) -> Result<Answer> {
        let (attributes, dropped) = attributes(document)?;
        let holders = self.holders(&attributes);
        if let [first, _, ..] = holders.as_slice() {
            return Err(conflict(first).into());
        }
        let holder = holders.first().and_then(|id| self.profiles.iter_mut().find(|p| p.id == *id));
        let Some(profile) = holder else {
            let profile = self.create(attributes);
            return Ok(written(StatusCode::CREATED, &profile, dropped));
        };
        profile.updated = now();
        for (name, value) in attributes {
            merge(&mut profile.attributes, name, value);
        }
        Ok(written(StatusCode::OK, profile, dropped))
    }

    fn add_to_list(&mut self, id: &str, document: &Value) -> Result<Answer> {
        let data = document.get("data").and_then(Value::as_array);
        let data = data.ok_or_else(|| Refusal::invalid("'data' is a required property", "/data"))?;
        if data.len() > PROFILES_PER_ADDITION {
            return Err(Refusal::invalid("Ensure this field has at most 1000 elements.", "/data").into());
        }
        let ids: Option<Vec<&str>> = data
            .iter()
            .map(|r| r.get("id").and_then(Value::as_str).filter(|_| r.get("type") == Some(&json!("profile"))))
            .collect();
        let ids = ids.ok_or_else(|| Refusal::invalid("'id' is a required property", "/data"))?;
        let unknown: Vec<&&str> =
            ids.iter().filter(|id| !self.profiles.iter().any(|profile| profile.id == **id)).collect();
        let Some(list) = self.lists.iter_mut().find(|list| list.id == id) else {
            return Err(Refusal::not_found(&format!("A list with id `{id}` does not exist.")).into());
        };
        if !unknown.is_empty() {
            return Err(Refusal::invalid(&format!("Invalid profile IDs: {unknown:?}"), "/data").into());
        }
        list.members.extend(ids.into_iter().map(str::to_owned));
        Ok(Answer::Nothing)
    }
}

/// An omitted attribute stays, a null one is cleared, and properties are merged one by one.
fn merge(attributes: &mut Map<String, Value>, name: String, value: Value) {
    match (attributes.get_mut(&name), value) {
        (_, Value::Null) => {
            attributes.remove(&name);
        }
        (Some(Value::Object(own)), Value::Object(given)) => own.extend(given),
        (_, value) => {
            attributes.insert(name, value);
        }
    }
}

fn conflict(holder: &str) -> Refusal {
    let detail = "A profile already exists with one of these identifiers.";
    Refusal {
        source: json!({ "pointer": "/data/attributes" }),
        meta: json!({ "duplicate_profile_id": holder }),
        ..Refusal::new(StatusCode::CONFLICT, "duplicate_profile", "Conflict.", detail)
    }
}

/// Reads the body as JSON, if the headers say that it is.
fn document(headers: &HeaderMap, body: &[u8]) -> Result<Value> {
    let media_type = text(headers, "content-type").and_then(|v| v.split(';').next()).unwrap_or_default();
    if !["application/vnd.api+json", "application/json"].contains(&media_type.trim()) {
        let detail = format!("Unsupported media type '{media_type}' in request.");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, "unsupported_media_type", "Unsupported media type.", &detail).into());
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(&format!("JSON parse error - {error}"), "/data").into())
}

/// Checks the attributes of a profile to write. A phone number that is not valid beside an email is dropped;
/// the name of what was dropped comes along.
fn attributes(document: &Value) -> Result<(Map<String, Value>, Option<&'static str>)> {
    let data =
        document.get("data").ok_or_else(|| Refusal::invalid("'data' is a required property", "/data"))?;
    if data.get("type") != Some(&json!("profile")) {
        return Err(Refusal::invalid("'profile' is the only type that is allowed here", "/data/type").into());
    }
    let attributes = data.get("attributes").and_then(Value::as_object);
    let mut attributes =
        attributes.ok_or_else(|| Refusal::invalid("'attributes' is a required property", "/data"))?.clone();
    let given = |name: &str| attributes.get(name).and_then(Value::as_str).filter(|v| !v.is_empty());
    if IDENTIFIERS.iter().all(|name| given(name).is_none()) {
        return Err(Refusal::invalid("One or more identifiers is required", "/data/attributes").into());
    }
    if given("email").is_some_and(|email| !is_email(email)) {
        return Err(Refusal::invalid("Invalid email address", "/data/attributes/email").into());
    }
    if given("phone_number").is_none_or(is_phone_number) {
        return Ok((attributes, None));
    }
    if given("email").is_none() {
        return Err(Refusal::invalid("Invalid phone number format", "/data/attributes/phone_number").into());
    }
    attributes.remove("phone_number");
    Ok((attributes, Some("phone_number")))
}

fn written(status: StatusCode, profile: &Profile, dropped: Option<&'static str>) -> Answer {
    let body = json!({ "data": profile_resource(profile) });
    match dropped {
        None => Answer::Document(status, body),
        Some(dropped) => Answer::Partly(status, body, dropped),
    }
}

fn list_resource(list: &crate::account::List) -> Value {
    json!({
        "type": "list",
        "id": list.id,
        "attributes": {
            "name": list.name,
            "created": list.created,
            "updated": list.created,
            "opt_in_process": "single_opt_in",
        },
        "links": { "self": format!("{ORIGIN}/api/lists/{}/", list.id) },
    })
}

fn profile_resource(profile: &Profile) -> Value {
    let mut attributes = Map::new();
    for name in ["email", "phone_number", "external_id", "first_name", "last_name"] {
        attributes.insert(name.to_owned(), Value::Null);
    }
    attributes.extend(profile.attributes.clone());
    attributes.entry("properties").or_insert_with(|| json!({}));
    attributes.insert("created".to_owned(), json!(profile.created));
    attributes.insert("updated".to_owned(), json!(profile.updated));
    json!({
        "type": "profile",
        "id": profile.id,
        "attributes": attributes,
        "links": { "self": format!("{ORIGIN}/api/profiles/{}/", profile.id) },
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A query parameter, decoded as a form is: a raw plus sign is a space.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let form_decoded = |text: &str| decoded(&text.replace('+', " "));
    pairs.map(|(n, value)| (form_decoded(n), form_decoded(value))).find(|(n, _)| n == name).map(|(_, v)| v)
}

fn is_email(email: &str) -> bool {
    let sides = email.split_once('@').filter(|(local, domain)| !local.is_empty() && domain.contains('.'));
    sides.is_some_and(|(_, domain)| !domain.contains('@'))
        && email.chars().count() <= EMAIL_CHARACTERS
        && !email.contains(char::is_whitespace)
}

fn is_phone_number(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}
