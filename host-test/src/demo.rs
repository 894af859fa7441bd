//! The WhatsApp opt-in and a message that is personalised from the history, run for real: the component in wasmtime,
//! over HTTP, against a Klaviyo on this machine.

use crate::component;
use crate::narration::{self, Captured, Chapter, ExchangeRecord, Story};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_core::intake::names;
use klaviyo_host::{
    Attempt, AttemptError, Bounds, Connector, Egress, HttpTransport, Limits, Secret, Tenant, Transport,
};
use klaviyo_mock::{Account, Klaviyo, Server};
use klaviyo_service::outcome;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How the story is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Form {
    /// Show the headers and bodies of all requests and answers
    #[arg(long, conflicts_with = "json")]
    verbose: bool,
    /// Print the story as JSON
    #[arg(long)]
    json: bool,
}

/// How much later the customer opts in again, buys something, and writes again. The simulator's clock stands
/// still meanwhile: what Klaviyo works on later is done by then.
const LATER: Duration = Duration::from_secs(24 * 60 * 60);
/// The metric of an order.
pub(crate) const ORDER: &str = "Placed Order";

/// Runs the story and prints it.
///
/// # Errors
/// When the component cannot be run, the list does not exist, or the first opt-in fails.
pub fn run(file: &Path, captured: Captured, form: Form) -> Result<()> {
    let file = component::built(file.to_owned())?;
    let server = Server::start(Klaviyo::from(Account::demo()).stop_the_clock())?;
    let egress = Egress::endpoint(&server.url())?;
    let recorder = ExchangeRecorder {
        http: HttpTransport::new(&egress, &Limits::default())?,
        endpoint: server.url(),
        exchanges: Arc::default(),
    };
    let exchanges = Arc::clone(&recorder.exchanges);
    let connector = Connector::builder().egress(egress).transport(recorder).load(&file)?;
    let platform = Platform { connector, exchanges, runtime: runtime()?, server };
    let mut story = Story {
        component: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: std::fs::metadata(&file)?.len(),
        klaviyo: platform.server.url(),
        captured,
        chapters: Vec::new(),
    };
    if form.json {
        let told = tell(&mut story, &platform, |_, _| {});
        println!("{}", serde_json::to_string_pretty(&story)?);
        return told;
    }
    narration::beginning(&story);
    tell(&mut story, &platform, |number, chapter| narration::chapter(number, chapter, form.verbose))?;
    narration::end();
    Ok(())
}

/// Makes the calls, and gives each to `told` at its end.
fn tell(story: &mut Story, platform: &Platform, told: impl Fn(usize, &Chapter)) -> Result<()> {
    let captured = story.captured.clone();
    let mut call = |scene: Scene, key, arguments: &[Value], reply: Reply<'_>| -> Result<Value> {
        let Scene { trigger, title, function } = scene;
        let tenant = Tenant::new(&platform.connector, Secret::new(key)?);
        let result = component::returned(platform.runtime.block_on(tenant.call(function, arguments)))?;
        let reply = result.get("ok").and_then(reply);
        let exchanges = std::mem::take(&mut *platform.exchanges.lock());
        let chapter = Chapter { trigger, title, function, exchanges, result: result.clone(), reply };
        told(story.chapters.len() + 1, &chapter);
        story.chapters.push(chapter);
        Ok(result)
    };
    let key = Account::DEMO_KEY;
    let scene = |title, function| Scene { trigger: None, title, function };

    let list = json!(captured.list);
    let found = succeeded(call(scene("Find the list", "lists.find"), key, &[list], &|_| None)?)?;
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
    let subscribed = |receipt: &Value| subscribed(receipt, &captured);
    let opts_in = |title| scene(title, "contacts.opt-in");
    let receipt = succeeded(call(opts_in("Somebody new opts in"), key, &arguments, &subscribed)?)?;
    platform.server.advance(LATER);
    succeeded(call(opts_in("The same person opts in again"), key, &arguments, &subscribed)?)?;
    if succeeded(call(opts_in("The key is wrong"), "pk_wrong", &arguments, &subscribed)?).is_ok() {
        bail!("a wrong key was taken");
    }

    platform.server.advance(LATER);
    let id = json!({ "id": receipt.get("profile-id") });
    let bought = json!({ "Items": [{ "ProductName": "Wool socks", "Quantity": 3 }] });
    let order = json!({
        "metric": ORDER,
        "profile": id,
        "unique-id": "1003",
        "value": "22.50",
        "value-currency": "USD",
        "properties": bought.to_string(),
    });
    let trigger = Some(format!("{} orders wool socks in the shop", captured.customer_name));
    let scene = Scene { trigger, ..scene("The shop tells Klaviyo", "events.track") };
    succeeded(call(scene, key, &[order], &|_| None)?)?;

    platform.server.advance(LATER);
    let name = receipt.get("profile-name").and_then(Value::as_str);
    let trigger = Some(format!("{} sends HELLO on WhatsApp", captured.customer_name));
    let scene =
        Scene { trigger, title: "The bot looks up what they bought last", function: "events.history" };
    succeeded(call(scene, key, &[id, json!({ "limit": 20 })], &|timeline| Some(greeting(name, timeline)))?)?;
    Ok(())
}

/// What a call is about.
struct Scene {
    trigger: Option<String>,
    title: &'static str,
    function: &'static str,
}

/// What the bot says when a call has returned this.
type Reply<'a> = &'a dyn Fn(&Value) -> Option<String>;

fn succeeded(result: Value) -> Result<Value> {
    match (result.get("ok"), result.pointer("/err/message").and_then(Value::as_str)) {
        (Some(value), _) => Ok(value.clone()),
        (None, message) => bail!("the call failed: {}", message.unwrap_or("without a message")),
    }
}

/// What the bot says when a call has returned a receipt.
fn subscribed(receipt: &Value, captured: &Captured) -> Option<String> {
    let name = receipt.get("profile-name").and_then(Value::as_str);
    let is_taken = |permitted: &Value| permitted.get("refused").is_none_or(Value::is_null);
    let consent = receipt.get("consent").and_then(Value::as_array).into_iter().flatten();
    let taken: Vec<&Value> = consent.filter(|permitted| is_taken(permitted)).collect();
    // The list of the demo has single opt-in.
    Some(outcome::reply(name, Some(&captured.customer_email), &taken, &[]))
}

/// What the bot says to somebody who writes again, and whose events these are, newest first.
pub(crate) fn greeting(name: Option<&str>, timeline: &Value) -> String {
    let name = name.map(|name| format!(", {name}")).unwrap_or_default();
    match bought_last(timeline) {
        Some(item) => format!("Welcome back{name}! How do you like your {item}?"),
        None => format!("Welcome back{name}! What can we do for you?"),
    }
}

/// The first item of the newest order.
fn bought_last(timeline: &Value) -> Option<String> {
    let events = timeline.get("events")?.as_array()?;
    let order = events.iter().find(|event| event.get("metric").is_some_and(|metric| metric == ORDER))?;
    let properties: Value = serde_json::from_str(order.get("properties")?.as_str()?).ok()?;
    Some(properties.pointer("/Items/0/ProductName")?.as_str()?.to_owned())
}

/// What runs the component.
struct Platform {
    connector: Connector,
    exchanges: Arc<Mutex<Vec<ExchangeRecord>>>,
    runtime: tokio::runtime::Runtime,
    server: Server,
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
            url: request.uri().to_string().replace(&self.endpoint, narration::KLAVIYO),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_names_the_first_item_of_the_newest_order_if_there_is_one() {
        let event = |metric: &str, properties: Value| json!({ "metric": metric, "properties": properties.to_string() });
        let order = |items: &[&str]| {
            let items: Vec<Value> = items.iter().map(|item| json!({ "ProductName": item })).collect();
            event(ORDER, json!({ "Items": items }))
        };
        let greeted = |events: &[Value]| greeting(Some("Priya"), &json!({ "events": events }));
        let events =
            [event("Opened Email", json!({})), order(&["Wool socks", "Hat"]), order(&["Trail shoes"])];
        let told = greeted(&events);
        assert!(told.contains("Priya") && told.contains("Wool socks"), "{told}");
        assert!(!told.contains("Trail shoes"), "{told}");
        let without = greeted(&[]);
        assert!(without.contains("Priya"), "{without}");
        for events in [&[event("Opened Email", json!({}))][..], &[order(&[])], &[json!({})]] {
            assert_eq!(greeted(events), without);
        }
    }
}
