//! The endpoints of OAuth: authorize, token and revoke.

use super::{App, Authority, CODE, Code, Tokens, pkce};
use crate::account::Account;
use crate::answer::{HttpResponse, set};
use crate::call::Query;
use crate::digits::written;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Whether a path is one of these endpoints.
pub(crate) fn is_here(path: &str) -> bool {
    path.starts_with("/oauth/")
}

/// Answers a request to one of them. Whoever asks for authorization is let in, into the first account.
pub(crate) fn answer(authority: &mut Authority, parts: &Parts, body: &[u8], now: Duration) -> HttpResponse {
    let form = || Query::parse(&String::from_utf8_lossy(body));
    match (&parts.method, parts.uri.path().trim_end_matches('/')) {
        (&Method::GET, "/oauth/authorize") => {
            authorize(authority, &Query::parse(parts.uri.query().unwrap_or_default()), now)
        }
        (&Method::POST, path @ ("/oauth/token" | "/oauth/revoke")) => {
            let is_form = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
            if !is_form.is_some_and(|media_type| media_type.starts_with("application/x-www-form-urlencoded"))
            {
                return refused(StatusCode::BAD_REQUEST, "invalid_request", "The body is not form-encoded.");
            }
            let Some(client_id) = client(authority, &parts.headers) else {
                let detail = "The client id or the client secret is not right.";
                return refused(StatusCode::UNAUTHORIZED, "invalid_client", detail);
            };
            if path == "/oauth/token" {
                token(authority, &client_id, &form(), now)
            } else {
                authority.revoke(&client_id, form().get("token").unwrap_or_default());
                document(StatusCode::OK, &json!({}))
            }
        }
        _ => refused(StatusCode::NOT_FOUND, "invalid_request", "There is no such endpoint."),
    }
}

/// The app that the header `Authorization` shows.
fn client(authority: &Authority, headers: &HeaderMap) -> Option<String> {
    let basic = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let basic = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
    let (id, secret) = basic.split_once(':')?;
    let is_own = |app: &&App| app.client_id == id && app.client_secret == secret;
    authority.apps.iter().find(is_own).map(|app| app.client_id.clone())
}

fn authorize(authority: &mut Authority, query: &Query, now: Duration) -> HttpResponse {
    let get = |name| query.get(name).unwrap_or_default();
    let (client_id, redirect) = (get("client_id"), get("redirect_uri"));
    let Some(app) = authority.apps.iter().find(|app| app.client_id == client_id) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_client", "There is no such app.");
    };
    // Who does not know the app must not be sent anywhere.
    if without_port(redirect) != without_port(&app.redirect) {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "The redirect URI is not the app's.");
    }
    let scopes: BTreeSet<String> = get("scope").split_whitespace().map(str::to_owned).collect();
    let challenge = get("code_challenge");
    let outcome = if get("response_type") != "code" {
        ("error", "unsupported_response_type".to_owned())
    } else if get("code_challenge_method") != "S256" || !pkce::is_challenge(challenge) {
        ("error", "invalid_request".to_owned())
    } else if scopes.is_empty() || !scopes.iter().all(|scope| Account::SCOPES.contains(&scope.as_str())) {
        ("error", "invalid_scope".to_owned())
    } else {
        let code = Code {
            client_id: client_id.to_owned(),
            redirect: redirect.to_owned(),
            challenge: challenge.to_owned(),
            account: 0,
            scopes,
            until: now.saturating_add(CODE),
        };
        ("code", authority.authorize(code))
    };
    let mut location = redirect.to_owned();
    let state = query.get("state").map(|state| ("state", state.to_owned()));
    for ((name, value), sign) in [outcome].into_iter().chain(state).zip(['?', '&']) {
        location.push_str(&format!("{sign}{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)));
    }
    let mut message = Response::new(Vec::new());
    *message.status_mut() = StatusCode::FOUND;
    set(&mut message, "location", &location);
    message
}

/// An address on the loopback interface without its port, and any other as it is.
fn without_port(redirect: &str) -> String {
    const LOOPBACK: &str = "http://127.0.0.1";
    let Some(rest) = redirect.strip_prefix(LOOPBACK).and_then(|rest| rest.strip_prefix(':')) else {
        return redirect.to_owned();
    };
    format!("{LOOPBACK}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn token(authority: &mut Authority, client_id: &str, form: &Query, now: Duration) -> HttpResponse {
    let get = |name| form.get(name).unwrap_or_default();
    let tokens = match get("grant_type") {
        "authorization_code" => {
            let verifier = get("code_verifier");
            if !pkce::is_verifier(verifier) {
                return refused(StatusCode::BAD_REQUEST, "invalid_request", "There is no code verifier.");
            }
            authority.exchange(client_id, get("code"), get("redirect_uri"), verifier, now)
        }
        "refresh_token" => authority.refresh(client_id, get("refresh_token"), now),
        _ => {
            let detail = "The grant type is authorization_code or refresh_token.";
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", detail);
        }
    };
    let Some(Tokens { access, refresh, seconds, scopes }) = tokens else {
        let detail = "The code or the refresh token is not valid, or no longer.";
        return refused(StatusCode::BAD_REQUEST, "invalid_grant", detail);
    };
    document(
        StatusCode::OK,
        &json!({
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": seconds,
            "refresh_token": refresh,
            "scope": scopes,
        }),
    )
}

fn refused(status: StatusCode, code: &str, detail: &str) -> HttpResponse {
    document(status, &json!({ "error": code, "error_description": detail }))
}

fn document(status: StatusCode, body: &Value) -> HttpResponse {
    let mut message = Response::new(written(body).into_bytes());
    *message.status_mut() = status;
    set(&mut message, "content-type", "application/json");
    set(&mut message, "cache-control", "no-store");
    message
}
