//! What the server says to requests that no connector would send.

use anyhow::Result;
use klaviyo_mock::{Account, Server};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

const PROFILE: &str = r#"{"data":{"type":"profile","attributes":{"email":"a@example.com"}}}"#;

type Headers<'a> = [(&'a str, &'a str)];

/// Sends a request; the answer's status, and the code and the pointer of its error, empty if it has none.
fn send(
    server: &Server,
    path: &str,
    headers: &Headers<'_>,
    body: Option<&str>,
) -> Result<(u16, String, String)> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let method = if body.is_some() { "POST" } else { "GET" };
    let mut request = Request::builder().method(method).uri(format!("{}{path}", server.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => agent.run(request.body(body)?)?,
        None => agent.run(request.body(())?)?,
    };
    let text = response.body_mut().read_to_string()?;
    let document: Value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
    let member = |pointer| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((response.status().as_u16(), member("/errors/0/code"), member("/errors/0/source/pointer")))
}

fn key() -> String {
    format!("Klaviyo-API-Key {}", Account::DEMO_KEY)
}

fn headers(key: &str) -> [(&str, &str); 3] {
    [("authorization", key), ("revision", "2025-01-15"), ("content-type", "application/vnd.api+json")]
}

#[test]
fn a_request_needs_a_key_its_scopes_and_a_revision() -> Result<()> {
    let mut account = Account::demo();
    account.add_key("pk_lists", &["lists:read"]);
    let server = Server::start(account)?;
    let get = |path: &str, headers: &Headers<'_>| send(&server, path, headers, None).map(|a| (a.0, a.1));
    let with_key = |key: &str| get("/api/lists/", &headers(key));
    let (fine, refused) = ((200, String::new()), |status, code: &str| (status, code.to_owned()));
    assert_eq!(with_key(&key())?, fine);
    assert_eq!(with_key("Klaviyo-API-Key pk_lists")?, fine);
    assert_eq!(with_key("Klaviyo-API-Key pk_no")?, refused(401, "authentication_failed"));
    assert_eq!(with_key(&key().replace(' ', "  "))?, refused(401, "authentication_failed"));
    assert_eq!(with_key(&key().replace("Klaviyo-API-Key", "Bearer"))?, refused(401, "not_authenticated"));
    assert_eq!(get("/api/lists/", &[("revision", "2025-01-15")])?, refused(401, "not_authenticated"));

    assert_eq!(get("/api/lists", &headers(&key()))?, fine);
    assert_eq!(get("/api/nothing/", &headers(&key()))?, refused(404, "not_found"));
    let reader = "Klaviyo-API-Key pk_lists";
    assert_eq!(get("/api/profiles/", &headers(reader))?, refused(403, "permission_denied"));

    let with_revision = |revision| get("/api/lists/", &[("authorization", &key()), ("revision", revision)]);
    assert_eq!(get("/api/lists/", &[("authorization", &key())])?, refused(400, "invalid"));
    assert_eq!(with_revision("2023-01-24")?, refused(410, ""));
    assert_eq!(with_revision("latest")?, refused(404, "not_found"));
    Ok(())
}

#[test]
fn a_body_needs_the_form_of_json_api() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let key = key();
    let post = |body: &str| send(&server, "/api/profiles/", &headers(&key), Some(body));
    for (body, pointer) in [
        ("", "/data"),
        ("{", "/data"),
        (r#"{"email":"a@example.com"}"#, "/data"),
        (r#"{"data":{"attributes":{"email":"a@example.com"}}}"#, "/data/type"),
        (r#"{"data":{"type":"profile"}}"#, "/data"),
        (r#"{"data":{"type":"profile","attributes":{"first_name":"A"}}}"#, "/data/attributes"),
        (r#"{"data":{"type":"profile","attributes":{"email":"a"}}}"#, "/data/attributes/email"),
        (r#"{"data":{"type":"profile","attributes":{"phone_number":"1"}}}"#, "/data/attributes/phone_number"),
    ] {
        assert_eq!(post(body)?, (400, "invalid".to_owned(), pointer.to_owned()), "{body}");
    }
    assert_eq!(server.account().profiles().len(), 0);
    assert_eq!(post(PROFILE)?.0, 201);
    assert_eq!(post(PROFILE)?, (409, "duplicate_profile".to_owned(), "/data/attributes".to_owned()));

    let plain = [("authorization", key.as_str()), ("revision", "2025-01-15"), ("content-type", "text/plain")];
    assert_eq!(send(&server, "/api/profiles/", &plain, Some(PROFILE))?.0, 415);
    assert_eq!(post(&" ".repeat(5_000_001))?.0, 413);
    Ok(())
}

#[test]
fn a_list_takes_profiles_that_exist() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let key = key();
    let post =
        |path: &str, body: &str| send(&server, path, &headers(&key), Some(body)).map(|answer| answer.0);
    assert_eq!(post("/api/profiles/", PROFILE)?, 201);
    let id = server.account().profiles()[0].id.clone();
    let add = |list: &str, body: &str| post(&format!("/api/lists/{list}/relationships/profiles/"), body);
    let member = format!(r#"{{"data":[{{"type":"profile","id":"{id}"}}]}}"#);
    let many = format!(r#"{{"data":[{}]}}"#, vec![r#"{"type":"profile","id":"x"}"#; 1001].join(","));
    assert_eq!(add("Y6nRLr", &member)?, 204);
    assert_eq!(add("Y6nRLr", &member)?, 204);
    assert_eq!(add("NoList", &member)?, 404);
    assert_eq!(add("Y6nRLr", r#"{"data":[{"type":"profile","id":"x"}]}"#)?, 400);
    assert_eq!(add("Y6nRLr", r#"{"data":[{"type":"list","id":"x"}]}"#)?, 400);
    assert_eq!(add("Y6nRLr", r#"{"data":{}}"#)?, 400);
    assert_eq!(add("Y6nRLr", &many)?, 400);
    assert_eq!(server.account().members("Y6nRLr"), [id]);
    Ok(())
}

#[test]
fn a_filter_is_read_as_klaviyo_reads_it() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let key = key();
    let get = |filter: &str| {
        send(&server, &format!("/api/profiles/?filter={filter}"), &headers(&key), None).map(|answer| answer.0)
    };
    assert_eq!(get("equals(email,%22a%22)")?, 200);
    assert_eq!(get("equals(email,'a')")?, 200);
    assert_eq!(get("equals(email,a)")?, 400);
    assert_eq!(get("equals(shoe_size,%22a%22)")?, 400);
    assert_eq!(get("")?, 400);
    Ok(())
}
