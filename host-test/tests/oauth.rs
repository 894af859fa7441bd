//! OAuth instead of a private key: the same calls, with tokens that the component never sees.

use anyhow::{Context, Result};
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use klaviyo_host::oauth::{FileTokenStore, Installation, MemoryTokenStore, OAuth};
use klaviyo_host::types::{Code, Identifier};
use klaviyo_host::{
    Attempt, Bounds, Connector, Disposition, Egress, HttpTransport, Limits, Secret, Tenant, Transport,
};
use klaviyo_mock::{Account, App, Faults, Klaviyo, Server};
use serde_json::{Value, json};
use std::time::Duration;

fn server() -> Result<Server> {
    let klaviyo = Klaviyo::from(Account::demo()).app(App::demo()).rotate_refresh_tokens();
    Server::start(klaviyo.stop_the_clock())
}

fn connect(server: &Server) -> Result<Connector> {
    Ok(Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache()).load(artifact())?)
}

fn installation(server: &Server) -> Result<Installation> {
    let token = server.install(App::DEMO_CLIENT_ID, Account::DEMO_KEY, Account::SCOPES);
    let text = json!({
        "client_id": App::DEMO_CLIENT_ID,
        "client_secret": App::DEMO_CLIENT_SECRET,
        "refresh_token": token.context("no account has the key")?,
    });
    Ok(Installation::from_json(&text.to_string())?)
}

fn nobody() -> Identifier {
    Identifier::Email("nobody@example.com".to_owned())
}

#[test]
fn a_call_is_the_same_with_a_token_and_renews_it_once_when_it_has_ended() -> Result<()> {
    let (server, folder) = (server()?, tempfile::tempdir()?);
    let connector = connect(&server)?;
    let installation = installation(&server)?;
    let store = || FileTokenStore::beside(&folder.path().join("shop-1.oauth"));
    let oauth = || OAuth::new(connector.token_endpoint(), "shop-1", installation.clone(), store());
    let tenant = Tenant::new(&connector, oauth());
    block_on(async {
        let first = tenant.lookup(&nobody()).await?;
        assert_eq!((first.usage.attempts, server.refreshes()), (1, 1));
        server.advance(Duration::from_secs(3600));
        let later = tenant.lookup(&nobody()).await?;
        assert_eq!((later.usage.attempts, server.refreshes()), (2, 2));
        // Another process, later.
        let again = Tenant::new(&connector, oauth()).lookup(&nobody()).await?;
        assert_eq!((again.usage.attempts, server.refreshes()), (1, 2));
        // A key may take its place, and the other way round.
        tenant.set_credentials(Secret::new(Account::DEMO_KEY)?);
        server.uninstall(App::DEMO_CLIENT_ID);
        assert!(tenant.lookup(&nobody()).await?.value.is_none());
        Ok(())
    })
}

#[test]
fn who_has_lost_the_access_is_told_how_to_connect_anew() -> Result<()> {
    let server = server()?;
    let connector = connect(&server)?;
    let oauth = || {
        let installation = installation(&server)?;
        anyhow::Ok(OAuth::new(
            connector.token_endpoint(),
            "shop-1",
            installation,
            MemoryTokenStore::default(),
        ))
    };
    let tenant = Tenant::new(&connector, oauth()?);
    block_on(async {
        tenant.lookup(&nobody()).await?;
        server.uninstall(App::DEMO_CLIENT_ID);
        let error = tenant.lookup(&nobody()).await.err().context("the access has ended")?;
        assert_eq!((error.code(), error.disposition()), (Code::Unauthenticated, Disposition::StopAccount));
        assert!(error.to_string().contains("`klaviyo-connector connect --account shop-1`"), "{error}");
        tenant.set_credentials(oauth()?);
        tenant.lookup(&nobody()).await?;
        Ok(())
    })
}

#[test]
fn a_401_to_a_good_token_speaks_of_the_app_and_one_to_a_key_of_the_key() -> Result<()> {
    let server = server()?;
    let connector = connect(&server)?;
    let oauth =
        OAuth::new(connector.token_endpoint(), "shop-1", installation(&server)?, MemoryTokenStore::default());
    let tenant = Tenant::new(&connector, oauth);
    server.set_faults(Faults::none().rule("GET /api/*: always status 401".parse()?));
    block_on(async {
        for _ in 0..2 {
            let error = tenant.lookup(&nobody()).await.err().context("Klaviyo refused it")?;
            assert_eq!(error.code(), Code::Unauthenticated);
            let sentence = error.to_string();
            assert!(sentence.contains("`klaviyo-connector connect --account shop-1`"), "{sentence}");
            assert!(!sentence.contains("private key"), "{sentence}");
            // The host's reason, and Klaviyo's own.
            assert_eq!(error.into_contract().details.len(), 2);
        }
        tenant.set_credentials(Secret::new(Account::DEMO_KEY)?);
        let sentence = tenant.lookup(&nobody()).await.err().context("Klaviyo refused it")?.to_string();
        assert!(sentence.contains("private key") && !sentence.contains("connect"), "{sentence}");
        Ok(())
    })
}

#[test]
fn a_token_endpoint_that_is_away_is_waited_for() -> Result<()> {
    let server = server()?;
    let connector = connect(&server)?;
    let oauth =
        OAuth::new(connector.token_endpoint(), "shop-1", installation(&server)?, MemoryTokenStore::default());
    let tenant = Tenant::new(&connector, oauth);
    block_on(async {
        server.set_faults(Faults::none().rule("POST /oauth/token: #1 status 503".parse()?));
        let answer = tenant.lookup(&nobody()).await?;
        assert_eq!((answer.usage.attempts, server.refreshes()), (1, 1));
        server.advance(Duration::from_secs(3600));
        server.set_faults(Faults::none().rule("POST /oauth/token: always status 503".parse()?));
        let error = tenant.lookup(&nobody()).await.err().context("there is no token")?;
        assert_eq!((error.code(), error.disposition()), (Code::Unavailable, Disposition::RetryLater));
        Ok(())
    })
}

/// Answers what is asked of the API with all that it has heard.
struct Echo(HttpTransport);

impl Transport for Echo {
    fn send(&self, request: http::Request<bytes::Bytes>, bounds: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let line = request.headers().get("authorization").cloned();
            let is_token = request.uri().path() == "/oauth/token";
            let answer = self.0.send(request, bounds).await?;
            if is_token {
                return Ok(answer);
            }
            let heard = line.and_then(|line| line.to_str().map(str::to_owned).ok()).unwrap_or_default();
            let text = format!("{heard} {}", App::DEMO_CLIENT_SECRET);
            let body = json!({ "errors": [{ "code": "invalid", "detail": text }] }).to_string();
            let mut echo = http::Response::new(bytes::Bytes::from(body));
            *echo.status_mut() = http::StatusCode::BAD_REQUEST;
            Ok(echo)
        })
    }
}

#[test]
fn no_secret_reaches_the_component_or_an_error() -> Result<()> {
    let server = server()?;
    let egress = Egress::endpoint(&server.url())?;
    let transport = Echo(HttpTransport::new(&egress, &Limits::default())?);
    let builder = Connector::builder().egress(egress).transport(transport);
    let connector = builder.cache(cache()).load(artifact())?;
    let oauth =
        OAuth::new(connector.token_endpoint(), "shop-1", installation(&server)?, MemoryTokenStore::default());
    let tenant = Tenant::new(&connector, oauth);
    block_on(async {
        let error = tenant.lookup(&nobody()).await.err().context("it was refused")?;
        let shown = format!("{error:?} {error}");
        assert!(shown.contains("Bearer ****"), "{shown}");
        for secret in ["access_", "refresh_", App::DEMO_CLIENT_SECRET] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let _: Value = serde_json::from_str(&error.into_contract().body)?;
        Ok(())
    })
}
