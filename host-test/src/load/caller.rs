//! Brings opt-ins to the doors as a platform does: it signs them, and repeats them until a door accepts them.

use super::stage::{Stage, app_secret, secret};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// How long a request is repeated.
const PATIENCE: Duration = Duration::from_secs(120);

/// The callers of all accounts.
#[derive(Clone)]
pub(super) struct Callers {
    client: Client,
    doors: Vec<String>,
    repeated: Arc<AtomicU64>,
}

impl Callers {
    pub(super) fn of(stage: &Stage) -> Result<Self> {
        let client = client()?;
        let doors = stage.doors.iter().map(|door| door.url.clone()).collect();
        Ok(Self { client, doors, repeated: Arc::default() })
    }

    /// How many requests had to be repeated.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Brings opt-ins, until a door has accepted them. Returns the ids to ask with.
    pub(super) async fn bring(&self, account: &str, id: &str, opt_ins: &[Value]) -> Result<Vec<String>> {
        let body = serde_json::to_vec(opt_ins)?;
        let told = self.send(Method::POST, "/v1/opt-ins", account, id, body, StatusCode::ACCEPTED).await?;
        let told = told.as_array().context("the answer is no array")?;
        ensure!(told.len() == opt_ins.len(), "{} of {} opt-ins are answered", told.len(), opt_ins.len());
        let id = |told: &Value| told.get("id").and_then(Value::as_str).map(str::to_owned);
        told.iter().map(|told| id(told).context("an opt-in was given no id")).collect()
    }

    /// What became of an opt-in.
    pub(super) async fn ask(&self, account: &str, id: &str) -> Result<Value> {
        self.send(Method::GET, &format!("/v1/opt-ins/{id}"), account, id, Vec::new(), StatusCode::OK).await
    }

    /// Waits until an opt-in is done; fails when it is dead.
    pub(super) async fn until_done(&self, account: &str, id: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let told = self.ask(account, id).await?;
            match told.get("state").and_then(Value::as_str) {
                Some("done") => return Ok(()),
                Some("waiting") => ensure!(Instant::now() < end, "{id} still waits"),
                _ => bail!("{id} has another end: {told}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a notification as Meta does: repeated until it is answered 200.
    pub(super) async fn notify(&self, account: &str, body: Vec<u8>) -> Result<()> {
        let mac =
            Hmac::<Sha256>::new_from_slice(app_secret(account).as_bytes())?.chain_update(&body).finalize();
        let digits: String = mac.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let door = self.doors.first().context("there is no door")?;
        let (end, body) = (Instant::now() + PATIENCE, Bytes::from(body));
        loop {
            let request = self.client.post(format!("{door}/v1/whatsapp/{account}"));
            let request = request.header("x-hub-signature-256", format!("sha256={digits}"));
            match request.body(body.clone()).timeout(PATIENCE).send().await {
                Ok(response) if response.status() == StatusCode::OK => return Ok(()),
                Ok(response)
                    if ![StatusCode::SERVICE_UNAVAILABLE, StatusCode::REQUEST_TIMEOUT]
                        .contains(&response.status()) =>
                {
                    bail!("a notification was answered {}: {}", response.status(), response.text().await?)
                }
                Ok(_) | Err(_) => sleep(Duration::from_millis(500)).await,
            }
            ensure!(Instant::now() < end, "a notification was not taken in {} s", PATIENCE.as_secs());
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        account: &str,
        id: &str,
        body: Vec<u8>,
        expected: StatusCode,
    ) -> Result<Value> {
        let end = Instant::now() + PATIENCE;
        let mut at = 0;
        loop {
            // A door takes a signature once, so a repeated request has another time, later by a second at
            // least.
            at = now()?.max(at + 1);
            let door = self.doors.get(fastrand::usize(..self.doors.len())).context("there is no door")?;
            let mac = Hmac::<Sha256>::new_from_slice(&secret(account))?;
            let mac = mac.chain_update(format!("{id}.{at}.")).chain_update(&body).finalize();
            let request = self
                .client
                .request(method.clone(), format!("{door}{path}"))
                .header("webhook-id", id)
                .header("webhook-timestamp", at)
                .header("webhook-signature", format!("v1,{}", STANDARD.encode(mac.into_bytes())));
            let wait = match request.body(body.clone()).send().await {
                Ok(response) if response.status() == expected => match response.bytes().await {
                    Ok(bytes) => return serde_json::from_slice(&bytes).context("the answer is no JSON"),
                    Err(_) => Duration::from_millis(100),
                },
                Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                    Duration::from_secs(seconds.context("a 503 without Retry-After")?.parse()?)
                }
                // On a busy machine the answer may come too late.
                Ok(response) if response.status() == StatusCode::REQUEST_TIMEOUT => Duration::from_secs(1),
                // The door took it and the answer was lost, or it was made twice within a second.
                Ok(response) if response.status() == StatusCode::CONFLICT => Duration::ZERO,
                Ok(response) => {
                    bail!("{path} was answered {}: {}", response.status(), response.text().await?)
                }
                // The door was killed.
                Err(_) => Duration::from_millis(100),
            };
            ensure!(Instant::now() < end, "{path} was not accepted in {} s", PATIENCE.as_secs());
            self.repeated.fetch_add(1, Ordering::Relaxed);
            sleep(wait).await;
        }
    }
}

/// A client of HTTP.
pub(super) fn client() -> Result<Client> {
    // The first one installs it for the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::builder().timeout(Duration::from_secs(30)).build()?)
}

fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}
