//! The way to a simulated Klaviyo, without a socket. All processes of all simulations share one connector, because to
//! load one takes long: a request goes where its key belongs.

use super::network::Fate;
use super::process::Process;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};
use klaviyo_host::{Attempt, AttemptError, Bounds, Connector, Limits, Transport};
use klaviyo_mock::{Reply, Simulator};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashMap;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Where the requests with a key go, and who sends them.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) process: Process,
    pub(super) account: &'static str,
    pub(super) klaviyo: Arc<Simulator>,
    pub(super) refusal: Arc<Mutex<Option<Refusal>>>,
}

/// What Klaviyo answers about one person.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// A part of the person's address.
    pub(super) person: String,
    pub(super) status: u16,
}

impl Refusal {
    /// Whether to try again is of no use.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.status, 400 | 422)
    }

    fn is_about(&self, request: &Request<Bytes>) -> bool {
        let asked = request.uri().query().is_some_and(|query| query.contains(&self.person));
        asked || String::from_utf8_lossy(request.body()).contains(&self.person)
    }

    fn answer(&self) -> Response<Vec<u8>> {
        let error = json!({
            "id": "5d1f2c", "status": self.status, "code": "invalid", "title": "Invalid input.",
            "detail": "Not this person.", "source": { "pointer": "/data/attributes" },
        });
        let body = json!({ "errors": [error] }).to_string().into_bytes();
        let answer = Response::builder().status(self.status).header(CONTENT_TYPE, "application/vnd.api+json");
        answer.body(body).unwrap()
    }
}

static LINKS: LazyLock<Mutex<HashMap<String, Link>>> = LazyLock::new(Mutex::default);

static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let component = target.join("component/klaviyo.wasm");
    assert!(component.is_file(), "there is no component yet: run `cargo xtask build` first");
    // What computes longer than at the last time must not change the order of events. No call waits longer than the story.
    let limits = Limits { cpu: Duration::MAX, wait: Duration::from_secs(60), ..Limits::default() };
    Connector::builder().limits(limits).transport(Way).cache(target.join("tmp")).load(component).unwrap()
});

/// The connector.
pub(super) fn connector() -> Connector {
    CONNECTOR.clone()
}

/// The requests with this key go this way.
pub(super) fn link(key: &str, link: Link) {
    LINKS.lock().insert(key.to_owned(), link);
}

pub(super) fn unlink(key: &str) {
    LINKS.lock().remove(key);
}

/// Moves the clock of a Klaviyo to the present.
pub(super) fn bring_up_to_date(klaviyo: &Simulator) {
    let now = super::true_time().unwrap();
    if let Ok(by) = std::time::SystemTime::from(now).duration_since(klaviyo.date()) {
        klaviyo.advance(by);
    }
}

struct Way;

impl Transport for Way {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        let key = request.headers()[AUTHORIZATION].to_str().unwrap().rsplit(' ').next().unwrap();
        let link = LINKS.lock().get(key).cloned();
        Box::pin(async move {
            match link {
                Some(link) => link.send(request).await,
                None => pending().await,
            }
        })
    }
}

impl Link {
    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, AttemptError> {
        let Self { process, account, klaviyo, refusal } = self;
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        let what = format!("{} asks Klaviyo to {} {path}", process.name, request.method());
        let Fate { there, back, is_lost, is_unanswered } = process.network.fate(&what);
        if !process.sends(&what) {
            return pending().await;
        }
        if !process.has_lease(account) {
            process.network.note_wrong(format!("{what}, without the lease of {account}"));
        }
        if is_lost {
            process.network.note(&format!("lost: {what}"));
            sleep(there).await;
            return Err(AttemptError::Connection("the connection broke".to_owned()));
        }
        let (sender, answered) = oneshot::channel();
        let network = Arc::clone(&process.network);
        // It is carried out even if nobody waits for its answer.
        tokio::spawn(async move {
            sleep(there).await;
            bring_up_to_date(&klaviyo);
            let refused =
                refusal.lock().as_ref().filter(|refusal| refusal.is_about(&request)).map(Refusal::answer);
            let reply = match refused {
                Some(answer) => Reply::Answer(answer),
                None => klaviyo.answer(request),
            };
            network.note(&format!("{what}: {}", status(&reply)));
            sleep(back).await;
            // Nobody may wait any more.
            let _ = sender.send(reply);
        });
        let reply = answered.await;
        if process.is_dead() {
            return pending().await;
        }
        match reply {
            Ok(Reply::Answer(answer)) if !is_unanswered => Ok(answer.map(Bytes::from)),
            _ => Err(AttemptError::Connection("the connection broke".to_owned())),
        }
    }
}

fn status(reply: &Reply) -> String {
    match reply {
        Reply::Answer(answer) => answer.status().as_u16().to_string(),
        Reply::Reset | Reply::Truncated(_) | Reply::NotHttp(_) => "the connection breaks".to_owned(),
    }
}
