//! A platform that changes are sent to: it keeps what it was sent, checks each signature, and answers as it is told to.

use crate::door::{SECRET, now, signature};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::any;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// The answer to a request: a status, headers and a body, or none for a connection that breaks.
pub(crate) type Answer = Option<(u16, &'static [(&'static str, &'static str)], usize)>;

pub(crate) const OK: Answer = Some((200, &[], 0));

/// A message that the platform was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) body: Value,
    /// Whether it was answered 2xx.
    pub(crate) is_taken: bool,
}

impl Received {
    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    pub(crate) fn email(&self) -> &str {
        let data = &self.body["data"];
        data["profile"]["email"].as_str().or(data["email"].as_str()).unwrap_or_default()
    }
}

type Script = Box<dyn FnMut(&Received) -> Answer + Send>;

#[derive(Default)]
struct Kept {
    received: Vec<Received>,
    script: Option<Script>,
}

#[derive(Clone, Default)]
pub(crate) struct Platform {
    kept: Arc<Mutex<Kept>>,
    pub(crate) url: String,
}

impl Platform {
    /// A platform that answers 200.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let platform = Self { url, ..Self::default() };
        let router = Router::new().fallback(any(take)).with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        platform
    }

    /// Answers by this from now on.
    pub(crate) fn answers(&self, script: impl FnMut(&Received) -> Answer + Send + 'static) {
        self.kept.lock().unwrap().script = Some(Box::new(script));
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.kept.lock().unwrap().received.clone()
    }

    /// The messages that were taken, in their order.
    pub(crate) fn taken(&self) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.is_taken).collect()
    }

    /// The emails of the messages of a kind that were taken.
    pub(crate) fn told(&self, kind: &str) -> Vec<String> {
        let of_kind = self.taken().into_iter().filter(|received| received.kind() == kind);
        of_kind.map(|received| received.email().to_owned()).collect()
    }
}

async fn take(State(platform): State<Platform>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp").parse().unwrap());
    assert_eq!(header("webhook-signature"), signature(SECRET, &id, at, &body));
    assert!((now() - at).abs() < 60 && header("content-type") == "application/json");
    let mut received = Received { id, body: serde_json::from_slice(&body).unwrap(), is_taken: false };
    let mut kept = platform.kept.lock().unwrap();
    let answer = kept.script.as_mut().map_or(OK, |script| script(&received));
    received.is_taken =
        answer.is_some_and(|(status, _, bytes)| (200..300).contains(&status) && bytes < 1 << 16);
    kept.received.push(received);
    drop(kept);
    let mut response = Response::builder();
    let Some((status, headers, bytes)) = answer else {
        let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("broken"))]);
        return response.body(Body::from_stream(broken)).unwrap();
    };
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.status(status).body(Body::from(vec![b'x'; bytes])).unwrap()
}
