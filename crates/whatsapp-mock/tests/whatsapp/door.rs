//! A business: a door that takes webhooks and checks their signatures, and a client that sends messages.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode};
use klaviyo_mock::{Line, Port};
use klaviyo_whatsapp_mock::{Business, Server};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

/// Long enough on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Inner {
    bodies: Vec<Value>,
    /// The answers to the next webhooks; 200 to all others.
    answers: VecDeque<u16>,
    /// The queries of the requests that ask whether the webhook is wanted.
    asked: Vec<String>,
}

/// Takes webhooks.
pub(crate) struct Door {
    inner: Arc<Mutex<Inner>>,
    port: Port,
}

impl Door {
    pub(crate) fn open() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let service = router.into_make_service_with_connect_info::<Line>();
        let serve = |listener| async { axum::serve(listener, service).await };
        let port = Port::open((Ipv4Addr::LOCALHOST, 0).into(), "door", serve).unwrap();
        Self { inner, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/v1/whatsapp/default", self.port.url())
    }

    /// Answers the next webhooks with these.
    pub(crate) fn answers(&self, answers: &[u16]) {
        self.inner.lock().answers.extend(answers);
    }

    /// All bodies so far.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.inner.lock().bodies.clone()
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.inner.lock().asked.clone()
    }

    /// The items of this array in all changes, with the field of each.
    pub(crate) fn items(&self, array: &str) -> Vec<(String, Value)> {
        let mut items = Vec::new();
        for change in self.bodies().iter().flat_map(changes) {
            let field = change["field"].as_str().unwrap().to_owned();
            let found = change["value"][array].as_array().cloned().unwrap_or_default();
            items.extend(found.into_iter().map(|item| (field.clone(), item)));
        }
        items
    }

    /// The texts of all messages.
    pub(crate) fn texts(&self) -> Vec<String> {
        let messages = self.items("messages").into_iter();
        messages.filter_map(|(_, message)| Some(message["text"]["body"].as_str()?.to_owned())).collect()
    }

    /// The ids and the names of all statuses.
    pub(crate) fn statuses(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.items("statuses").iter().map(|(_, item)| (text(&item["id"]), text(&item["status"]))).collect()
    }
}

/// All changes of a body.
pub(crate) fn changes(body: &Value) -> Vec<Value> {
    let entries = body["entry"].as_array().unwrap();
    entries.iter().flat_map(|entry| entry["changes"].as_array().unwrap().clone()).collect()
}

async fn take(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> (StatusCode, String) {
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let challenge =
            query.split('&').find_map(|pair| pair.strip_prefix("hub.challenge=")).map(str::to_owned);
        let is_known =
            query.contains(&format!("hub.verify_token={}", Business::VERIFY_TOKEN.replace('-', "%2D")));
        inner.lock().asked.push(query);
        let status = if is_known { StatusCode::OK } else { StatusCode::FORBIDDEN };
        return (status, challenge.unwrap_or_default());
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(Business::APP_SECRET.as_bytes()).unwrap();
    let code = hex::encode(mac.chain_update(&body).finalize().into_bytes());
    assert_eq!(parts.headers["x-hub-signature-256"], format!("sha256={code}").as_str());
    assert_eq!(parts.headers["content-type"], "application/json");
    assert!(body.is_ascii());
    let mut inner = inner.lock();
    inner.bodies.push(serde_json::from_slice(&body).unwrap());
    let status = inner.answers.pop_front().unwrap_or(200);
    (StatusCode::from_u16(status).unwrap(), String::new())
}

/// A WhatsApp whose clock stands still, and the door that its webhooks go to.
pub(crate) fn connected(business: Business) -> (Server, Door) {
    let door = Door::open();
    let business = business.stop_the_clock().webhook(&door.url()).unwrap();
    (Server::start(business).unwrap(), door)
}

/// Sends the webhooks whose time has come by then.
pub(crate) fn pass(whatsapp: &Server, time: Duration) {
    whatsapp.advance(time);
    whatsapp.settle(PATIENCE).unwrap();
}

/// The status and the body of the answer to a request.
pub(crate) fn ask(method: &str, url: &str, token: &str, body: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body.to_owned())
        .unwrap();
    let mut answer = agent.run(request).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(crate) fn messages_url(whatsapp: &Server) -> String {
    format!("{}/v25.0/{}/messages", whatsapp.url(), Business::NUMBER_ID)
}

/// Sends a message of the business.
pub(crate) fn send(whatsapp: &Server, body: &Value) -> (u16, Value) {
    ask("POST", &messages_url(whatsapp), Business::TOKEN, &body.to_string())
}

/// The body of a text.
pub(crate) fn text(to: &str, text: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": to,
        "type": "text", "text": { "body": text } })
}

/// The id of a message that was taken.
pub(crate) fn taken((status, answer): (u16, Value)) -> String {
    assert_eq!(status, 200, "{answer}");
    answer["messages"][0]["id"].as_str().unwrap().to_owned()
}

/// The status and the code of a message that was refused.
pub(crate) fn refused((status, answer): (u16, Value)) -> (u16, u64) {
    let error = &answer["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{answer}");
    assert!(error["fbtrace_id"].is_string(), "{answer}");
    (status, error["code"].as_u64().unwrap())
}
