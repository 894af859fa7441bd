//! A front door without sockets, for many accounts, over a Klaviyo that takes everything.

use crate::oracle::request;
use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use host_test::Sent;
use host_test::component::{artifact, built, cache};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use klaviyo_host::{Attempt, Bounds, Connector, Transport};
use klaviyo_service::door::{Door, DoorLimits, DoorSettings, routes};
use klaviyo_service::reply::Cloud;
use klaviyo_service::secrets::Secrets;
use klaviyo_service::tenant_cache::TenantCache;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The secret with which opt-ins are signed.
pub const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The secret with which Meta signs.
pub const APP_SECRET: &str = "0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f";
/// The secret with which Klaviyo signs.
pub const KLAVIYO_SECRET: &str = "a secret of Klaviyo's webhooks";

/// Requests of one account are sent at Klaviyo's rates, so each input has the next account.
const ACCOUNTS: usize = 512;

/// A door, and what it has asked Klaviyo for.
pub struct FrontDoor {
    runtime: Runtime,
    routes: Router,
    sent: Arc<Mutex<Vec<Sent>>>,
    next: AtomicUsize,
    _secrets: TempDir,
}

/// An answer of the door.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl FrontDoor {
    /// The door of this process.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open() -> Result<&'static Self> {
        static DOOR: OnceLock<Result<FrontDoor, String>> = OnceLock::new();
        let opened = DOOR.get_or_init(|| Self::new().map_err(|error| format!("{error:#}")));
        opened.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }

    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for number in 0..ACCOUNTS {
            for (kind, text) in [
                ("api-key", "pk_a_key_of_the_fuzzer"),
                ("signing-secret", SIGNING_SECRET),
                ("whatsapp-app-secret", APP_SECRET),
                ("whatsapp-list", "Y6nRLr"),
                ("whatsapp-phone-number-id", "106540352242922"),
                ("klaviyo-webhook-secret", KLAVIYO_SECRET),
            ] {
                std::fs::write(folder.path().join(format!("{}.{kind}", account(number))), text)?;
            }
        }
        let secrets = Arc::new(Secrets::folder(folder.path())?);
        let sent = Arc::default();
        let connector = Connector::builder()
            .transport(TakesAll(Arc::clone(&sent)))
            .cache(cache())
            .load(built(artifact())?)?;
        let tenants = TenantCache::new(connector, None, Arc::clone(&secrets));
        let settings = DoorSettings {
            words: Vec::new(),
            numbers_only: false,
            rate: NonZeroU32::MAX,
            concurrency: NonZeroU32::MIN.saturating_add(7),
            limits: DoorLimits::default(),
        };
        let door = Door::direct(tenants, secrets, settings, Cloud::new(None)?, &mut Registry::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let routes = routes(&Arc::new(door));
        Ok(Self { runtime, routes, sent, next: AtomicUsize::new(0), _secrets: folder })
    }

    /// The name of the next account.
    pub fn account(&self) -> String {
        account(self.next.fetch_add(1, Ordering::Relaxed) % ACCOUNTS)
    }

    /// Posts a body. Returns the answer, and what Klaviyo was asked for meanwhile.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&self, path: &str, headers: HeaderMap, body: Vec<u8>) -> Result<(Reply, Vec<Sent>)> {
        self.sent.lock().clear();
        let mut request = Request::builder().method(Method::POST).uri(path).body(Body::from(body))?;
        *request.headers_mut() = headers;
        let reply = self.runtime.block_on(async {
            let response = TowerToHyperService::new(self.routes.clone()).call(request).await;
            let (head, body) = response.context("the door fails")?.into_parts();
            anyhow::Ok(Reply { status: head.status, body: to_bytes(body, usize::MAX).await? })
        })?;
        Ok((reply, std::mem::take(&mut *self.sent.lock())))
    }
}

fn account(number: usize) -> String {
    format!("shop-{number}")
}

/// Takes everything, and knows nobody.
struct TakesAll(Arc<Mutex<Vec<Sent>>>);

impl Transport for TakesAll {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        let (head, body) = request.into_parts();
        let header = |name| {
            head.headers
                .get(name)
                .and_then(|value: &http::HeaderValue| value.to_str().ok())
                .unwrap_or_default()
        };
        let auth = header("authorization").split(' ').next().unwrap_or_default().to_owned();
        let others = head.headers.iter().filter(|(name, _)| *name != "authorization");
        let headers = others
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let sent = Sent {
            method: head.method.to_string(),
            url: head.uri.to_string(),
            headers: headers.collect(),
            auth,
            body: body.to_vec(),
        };
        let profile = json!({ "type": "profile", "id": "01GMTZY2TEKN4KFRP30JZ59KGB", "attributes": {} });
        let data = if head.method == Method::GET { Value::Array(Vec::new()) } else { profile };
        self.0.lock().push(sent);
        let mut response = Response::new(Bytes::from(json!({ "data": data }).to_string()));
        *response.status_mut() =
            if head.method == Method::GET { StatusCode::OK } else { StatusCode::ACCEPTED };
        Box::pin(async move { Ok(response) })
    }
}

/// Checks all requests to Klaviyo.
///
/// # Errors
/// When one is such as no connector may send.
pub fn check(sent: &[Sent]) -> Result<()> {
    sent.iter().try_for_each(|sent| request::check(sent).map(drop))
}
