//! Apps: authorization, tokens, and what they open.

use crate::client::{Client, Reply, stopped};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use klaviyo_mock::{Account, App, Klaviyo, Rates, Server};
use std::time::Duration;

/// The example of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:4180/callback";

fn klaviyo() -> Klaviyo {
    stopped(Account::demo()).rates(Rates::off()).app(App::demo())
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{secret}", App::DEMO_CLIENT_ID)))
}

fn authorize(client: &Client, changes: &[(&str, &str)]) -> Reply {
    let mut query = [
        ("response_type", "code"),
        ("client_id", App::DEMO_CLIENT_ID),
        ("redirect_uri", REDIRECT),
        ("scope", "lists:read%20profiles:read"),
        ("state", "of%20mine"),
        ("code_challenge_method", "S256"),
        ("code_challenge", CHALLENGE),
    ];
    for (name, value) in changes {
        query.iter_mut().find(|(own, _)| own == name).unwrap().1 = value;
    }
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    client.send_with("GET", &format!("/oauth/authorize?{}", query.join("&")), &[], None).unwrap()
}

/// The code that the person's browser brings.
fn code(client: &Client) -> String {
    let reply = authorize(client, &[]);
    assert_eq!(reply.status, 302);
    let rest = reply.header("location").strip_prefix(REDIRECT).unwrap().strip_prefix("?code=").unwrap();
    let (code, state) = rest.split_once('&').unwrap();
    assert_eq!(state, "state=of%20mine");
    code.replace("%5F", "_")
}

fn ask(client: &Client, path: &str, form: &str) -> Reply {
    ask_as(client, path, &basic(App::DEMO_CLIENT_SECRET), form)
}

fn ask_as(client: &Client, path: &str, authorization: &str, form: &str) -> Reply {
    let headers = [("authorization", authorization), ("content-type", "application/x-www-form-urlencoded")];
    client.send_with("POST", path, &headers, Some(form)).unwrap()
}

fn exchange(client: &Client, code: &str, redirect: &str, verifier: &str) -> Reply {
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={redirect}&code_verifier={verifier}");
    ask(client, "/oauth/token", &form)
}

fn refresh(client: &Client, token: &str) -> Reply {
    ask(client, "/oauth/token", &format!("grant_type=refresh_token&refresh_token={token}"))
}

fn lists(client: &Client, token: &str) -> Reply {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("revision", "2025-01-15")];
    client.send_with("GET", "/api/lists/", &headers, None).unwrap()
}

fn refusal(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.text_at("/error"))
}

#[test]
fn a_code_is_exchanged_once_within_five_minutes_by_who_asked_for_it() {
    let server = Server::start(klaviyo()).unwrap();
    let client = Client::new(&server);
    let granted = exchange(&client, &code(&client), REDIRECT, VERIFIER);
    assert_eq!(granted.status, 200, "{}", granted.text);
    assert_eq!((granted.text_at("/token_type"), granted.at("/expires_in")), ("Bearer", &3600.into()));
    assert_eq!(lists(&client, granted.text_at("/access_token")).ids().len(), 3);

    let used = code(&client);
    assert_eq!(exchange(&client, &used, REDIRECT, VERIFIER).status, 200);
    let other_verifier = VERIFIER.replace('d', "e");
    let invalid = (400, "invalid_grant");
    assert_eq!(refusal(&exchange(&client, &used, REDIRECT, VERIFIER)), invalid);
    assert_eq!(refusal(&exchange(&client, &code(&client), REDIRECT, &other_verifier)), invalid);
    let redirect = "http://127.0.0.1:4181/callback";
    assert_eq!(refusal(&exchange(&client, &code(&client), redirect, VERIFIER)), invalid);
    let none = exchange(&client, &code(&client), REDIRECT, "");
    assert_eq!(refusal(&none), (400, "invalid_request"));
    let late = code(&client);
    server.advance(Duration::from_secs(5 * 60));
    assert_eq!(refusal(&exchange(&client, &late, REDIRECT, VERIFIER)), invalid);
}

#[test]
fn a_person_is_sent_back_only_to_the_app() {
    let server = Server::start(klaviyo()).unwrap();
    let client = Client::new(&server);
    for (name, value) in [
        ("client_id", "another"),
        ("redirect_uri", "http://127.0.0.1.example.com/callback"),
        ("redirect_uri", "http://127.0.0.1:4180/elsewhere"),
        ("redirect_uri", "https://127.0.0.1:4180/callback"),
    ] {
        let reply = authorize(&client, &[(name, value)]);
        assert_eq!((reply.status, reply.header("location")), (400, ""), "{name}={value}");
    }
    for (name, value, error) in [
        ("response_type", "token", "unsupported%5Fresponse%5Ftype"),
        ("code_challenge_method", "plain", "invalid%5Frequest"),
        ("code_challenge", "", "invalid%5Frequest"),
        ("scope", "everything", "invalid%5Fscope"),
        ("scope", "", "invalid%5Fscope"),
    ] {
        let reply = authorize(&client, &[(name, value)]);
        let location = format!("{REDIRECT}?error={error}&state=of%20mine");
        assert_eq!((reply.status, reply.header("location")), (302, location.as_str()), "{name}={value}");
    }
}

#[test]
fn an_access_token_lasts_an_hour_and_a_refresh_token_longer() {
    let server = Server::start(klaviyo()).unwrap();
    let client = Client::new(&server);
    let token = server.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, &["lists:read"]).unwrap();
    let first = refresh(&client, &token);
    assert_eq!(first.text_at("/refresh_token"), token);
    let access = first.text_at("/access_token");
    server.advance(Duration::from_secs(3599));
    assert_eq!(lists(&client, access).status, 200);
    server.advance(Duration::from_secs(1));
    assert_eq!(lists(&client, access).error(), (401, "not_authenticated", "/data/"));
    assert_eq!(refresh(&client, &token).status, 200);
    server.advance(Duration::from_secs(90 * 24 * 60 * 60));
    assert_eq!(refusal(&refresh(&client, &token)), (400, "invalid_grant"));
    assert_eq!(server.refreshes(), 2);
}

#[test]
fn a_refresh_token_that_is_rotated_ends_the_one_before() {
    let server = Server::start(klaviyo().rotate_refresh_tokens()).unwrap();
    let client = Client::new(&server);
    let old = server.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, &["lists:read"]).unwrap();
    let new = refresh(&client, &old).text_at("/refresh_token").to_owned();
    assert_ne!(new, old);
    assert_eq!(refusal(&refresh(&client, &old)), (400, "invalid_grant"));
    assert_eq!(refresh(&client, &new).status, 200);
}

#[test]
fn who_is_not_the_app_gets_no_token() {
    let server = Server::start(klaviyo()).unwrap();
    let client = Client::new(&server);
    let token = server.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, &["lists:read"]).unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    for authorization in [basic("another"), "Basic no".to_owned(), "Bearer x".to_owned(), String::new()] {
        let reply = ask_as(&client, "/oauth/token", &authorization, &form);
        assert_eq!(refusal(&reply), (401, "invalid_client"), "{authorization}");
    }
    let json =
        [("authorization", basic(App::DEMO_CLIENT_SECRET)), ("content-type", "application/json".to_owned())];
    let json = json.each_ref().map(|(name, value)| (*name, value.as_str()));
    let reply = client.send_with("POST", "/oauth/token", &json, Some("{}")).unwrap();
    assert_eq!(refusal(&reply), (400, "invalid_request"));
    assert_eq!(
        refusal(&ask(&client, "/oauth/token", "grant_type=password")),
        (400, "unsupported_grant_type")
    );
    assert_eq!(server.refreshes(), 0);
}

#[test]
fn what_is_revoked_or_uninstalled_opens_nothing() {
    let server = Server::start(klaviyo()).unwrap();
    let client = Client::new(&server);
    let install = || server.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, &["lists:read"]).unwrap();
    let token = install();
    let access = refresh(&client, &token).text_at("/access_token").to_owned();
    assert_eq!(ask(&client, "/oauth/revoke", &format!("token={token}")).status, 200);
    assert_eq!(lists(&client, &access).status, 401);
    assert_eq!(refusal(&refresh(&client, &token)), (400, "invalid_grant"));

    let token = install();
    let access = refresh(&client, &token).text_at("/access_token").to_owned();
    assert_eq!(lists(&client, &access).status, 200);
    server.uninstall(App::DEMO_CLIENT_ID);
    assert_eq!(lists(&client, &access).status, 401);
    assert_eq!(refusal(&refresh(&client, &token)), (400, "invalid_grant"));
}

#[test]
fn a_token_has_the_scopes_of_its_grant_and_an_installation_its_own_quota() {
    let server = Server::start(klaviyo().rates(Rates::klaviyo())).unwrap();
    let client = Client::new(&server);
    let token = server.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, &["lists:read"]).unwrap();
    let access = refresh(&client, &token).text_at("/access_token").to_owned();
    let authorization = format!("Bearer {access}");
    let headers = [("authorization", authorization.as_str()), ("revision", "2025-01-15")];
    let profiles = client.send_with("GET", "/api/profiles/", &headers, None).unwrap();
    assert_eq!(profiles.error(), (403, "permission_denied", ""));
    let passed = (0..80).filter(|_| lists(&client, &access).status == 200).count();
    assert_eq!(passed, 75);
    // The key has used nothing of its own yet.
    assert_eq!(client.get("/api/lists/").header("ratelimit-remaining"), "74");
}
