//! The WhatsApp opt-in, run for real: the component in wasmtime, over HTTP, against a Klaviyo on this
//! machine.

use crate::component;
use crate::story::{self, Captured, Chapter, ExchangeRecord, Story};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_core::intake::names;
use klaviyo_host::{
    Attempt, AttemptError, Bounds, Connector, Egress, HttpTransport, Limits, Secret, Tenant, Transport,
};
use klaviyo_mock::{Account, Server};
use klaviyo_service::outcome;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Runs the story and prints it, for people or as JSON.
///
/// # Errors
/// When the component cannot be run, the list does not exist, or the first opt-in fails.
pub fn run(file: &Path, captured: Captured, json: bool) -> Result<()> {
    let file = component::built(file.to_owned())?;
    let server = Server::start(Account::demo())?;
    let egress = Egress::endpoint(&server.url())?;
    let recorder = ExchangeRecorder {
        http: HttpTransport::new(&egress, &Limits::default())?,
        endpoint: server.url(),
        exchanges: Arc::default(),
    };
    let exchanges = Arc::clone(&recorder.exchanges);
    let connector = Connector::builder().egress(egress).transport(recorder).load(&file)?;
    let platform = Platform { connector, exchanges, runtime: runtime()? };
    let mut story = Story {
        component: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: std::fs::metadata(&file)?.len(),
        klaviyo: server.url(),
        captured,
        chapters: Vec::new(),
    };
    if json {
        let told = tell(&mut story, &platform, |_, _| {});
        println!("{}", serde_json::to_string_pretty(&story)?);
        return told;
    }
    story::beginning(&story);
    tell(&mut story, &platform, story::chapter)?;
    story::end();
    Ok(())
}

/// Makes the calls, and gives each to `told` at its end.
fn tell(story: &mut Story, platform: &Platform, told: fn(usize, &Chapter)) -> Result<()> {
    let captured = story.captured.clone();
    let mut add = |chapter: Chapter| {
        told(story.chapters.len() + 1, &chapter);
        story.chapters.push(chapter);
    };

    let mut call = |title, key, function, arguments: &[Value]| -> Result<Value> {
        let tenant = Tenant::new(&platform.connector, Secret::new(key)?);
        let result = component::returned(platform.runtime.block_on(tenant.call(function, arguments)))?;
        let reply = result.get("ok").and_then(|receipt| reply(receipt, &captured));
        let exchanges = std::mem::take(&mut *platform.exchanges.lock());
        add(Chapter { title, function, exchanges, result: result.clone(), reply });
        Ok(result)
    };
    let key = Account::DEMO_KEY;
    let found = succeeded(call("Find the list", key, "lists.find", &[json!(captured.list)])?)?;
    let Some(list) = found.get("id") else {
        bail!("the account has no list {:?}; name one that it has, as in --list Newsletter", captured.list);
    };
    let (first_name, last_name) = names(&captured.customer_name);
    let contact = json!({
        "email": captured.customer_email,
        "phone-number": captured.customer_phone,
        "first-name": first_name,
        "last-name": last_name,
    });
    let permission = json!({ "channels": ["email"], "custom-source": "WhatsApp bot" });
    let arguments = [contact, list.clone(), permission];
    succeeded(call("Somebody new opts in", key, "contacts.opt-in", &arguments)?)?;
    succeeded(call("The same person opts in again", key, "contacts.opt-in", &arguments)?)?;
    if succeeded(call("The key is wrong", "pk_wrong", "contacts.opt-in", &arguments)?).is_ok() {
        bail!("a wrong key was taken");
    }
    Ok(())
}

fn succeeded(result: Value) -> Result<Value> {
    match (result.get("ok"), result.pointer("/err/message").and_then(Value::as_str)) {
        (Some(value), _) => Ok(value.clone()),
        (None, message) => bail!("the call failed: {}", message.unwrap_or("without a message")),
    }
}

/// What the bot says when a call has returned a receipt.
fn reply(receipt: &Value, captured: &Captured) -> Option<String> {
    receipt.get("profile-id")?;
    let name = receipt.get("profile-name").and_then(Value::as_str);
    let is_taken = |permitted: &Value| permitted.get("refused").is_none_or(Value::is_null);
    let consent = receipt.get("consent").and_then(Value::as_array);
    let is_consent_given = consent.is_some_and(|consent| consent.iter().any(is_taken));
    Some(outcome::reply(name, Some(&captured.customer_email), is_consent_given))
}

/// What runs the component.
struct Platform {
    connector: Connector,
    exchanges: Arc<Mutex<Vec<ExchangeRecord>>>,
    runtime: tokio::runtime::Runtime,
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

/// Sends requests over HTTP, and keeps them without the key.
struct ExchangeRecorder {
    http: HttpTransport,
    /// The address of the simulator. The story shows Klaviyo's in its place.
    endpoint: String,
    exchanges: Arc<Mutex<Vec<ExchangeRecord>>>,
}

impl Transport for ExchangeRecorder {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        let text = |value: &http::HeaderValue| match value.is_sensitive() {
            true => "Klaviyo-API-Key pk_…".to_owned(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        // The header with the key comes first: the host adds it.
        headers.sort_by_key(|(name, _)| name != "authorization");
        let mut exchange = ExchangeRecord {
            method: request.method().to_string(),
            url: request.uri().to_string().replace(&self.endpoint, "https://a.klaviyo.com"),
            headers,
            body: String::from_utf8_lossy(request.body()).into_owned(),
            status: None,
            answer: String::new(),
        };
        Box::pin(async move {
            let outcome: Result<Response<Bytes>, AttemptError> = self.http.send(request, bounds).await;
            match &outcome {
                Ok(response) => {
                    exchange.status = Some(response.status().as_u16());
                    exchange.answer = String::from_utf8_lossy(response.body()).into_owned();
                }
                Err(failure) => exchange.answer = failure.to_string(),
            }
            self.exchanges.lock().push(exchange);
            outcome
        })
    }
}
