//! The way to a simulated Klaviyo, without a socket. All processes of all simulations share one connector, because to
//! load one takes long: a request goes where its key belongs.

use super::broker::Process;
use super::network::Fate;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use klaviyo_host::{Attempt, AttemptError, Bounds, Connector, Transport};
use klaviyo_mock::{Reply, Simulator};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::pending;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Where the requests with a key go, and who sends them.
#[derive(Clone)]
struct Link {
    process: Process,
    klaviyo: Arc<Simulator>,
}

static LINKS: LazyLock<Mutex<HashMap<String, Link>>> = LazyLock::new(Mutex::default);

static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let component = target.join("component/klaviyo.wasm");
    assert!(component.is_file(), "there is no component yet: run `cargo xtask build` first");
    Connector::builder().unmeasured().transport(Way).cache(target.join("tmp")).load(component).unwrap()
});

/// The connector.
pub(super) fn connector() -> Connector {
    CONNECTOR.clone()
}

/// The requests with this key are those of a process, and go to this Klaviyo.
pub(super) fn link(key: &str, process: &Process, klaviyo: &Arc<Simulator>) {
    let link = Link { process: process.clone(), klaviyo: Arc::clone(klaviyo) };
    LINKS.lock().insert(key.to_owned(), link);
}

pub(super) fn unlink(key: &str) {
    LINKS.lock().remove(key);
}

/// Moves the clock of a Klaviyo to the present.
pub(super) fn bring_up_to_date(klaviyo: &Simulator) {
    let now = super::now_utc().unwrap();
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
        let Self { process, klaviyo } = self;
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        let what = format!("{} asks Klaviyo to {} {path}", process.name, request.method());
        let Fate { there, back, is_lost, is_unanswered } = process.network.fate(&what);
        if !process.sends(&what) {
            return pending().await;
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
            let reply = klaviyo.answer(request);
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
