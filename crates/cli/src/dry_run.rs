//! Calls that read, and stop before they write.

use bytes::Bytes;
use http::{Method, Request};
use klaviyo_host::{Attempt, AttemptError, Bounds, Transport};
use parking_lot::Mutex;
use serde_json::Value;

tokio::task_local! {
    /// The request that the call on this task did not send.
    static UNSENT: Mutex<Option<Unsent>>;
}

/// A request that was not sent.
pub(crate) struct Unsent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// Where an access token is asked for. It changes nothing in the account.
const TOKEN: &str = "/oauth/token";

/// A transport that lets requests pass that read, and no others.
pub(crate) struct DryTransport<T>(pub(crate) T);

/// Runs a call, and returns the first request that it would have written with, too.
pub(crate) async fn watched<T>(call: impl Future<Output = T>) -> (T, Option<Unsent>) {
    let watched = async {
        let ended = call.await;
        (ended, UNSENT.with(|unsent| unsent.lock().take()))
    };
    UNSENT.scope(Mutex::default(), watched).await
}

impl<T: Transport> Transport for DryTransport<T> {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Attempt<'_> {
        if request.method() == Method::GET || request.uri().path() == TOKEN {
            return self.0.send(request, bounds);
        }
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let unsent = Unsent { method, path, body };
        // Outside of a call nobody asks for it.
        let _ = UNSENT.try_with(|kept| {
            kept.lock().get_or_insert(unsent);
        });
        Box::pin(async { Err(AttemptError::Denied("not sent: this is a dry run".to_owned())) })
    }
}
