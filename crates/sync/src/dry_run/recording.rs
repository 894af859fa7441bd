//! Calls that send nothing: a transport keeps their requests and answers like a Klaviyo that knows nobody.
//!
//! Only the connector knows what its requests look like, and what comes after which answer. So a dry run, which
//! shows them, makes the calls of the sync, in a sandbox that reaches nothing.

use crate::settings::limits;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use klaviyo_host::{Attempt, Bounds, Limits, Tenant, Transport};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;

/// Stands for the ids that only Klaviyo can give.
const ID: &str = "THE-ID-THAT-KLAVIYO-GIVES";

/// An account in which nothing happens: a dry run makes all of its calls there.
pub struct DryAccount {
    pub(crate) tenant: Tenant,
    transport: RecordingTransport,
}

/// The transport of a [`DryAccount`]. It sends nothing. Clones share what they keep.
#[derive(Clone)]
pub struct RecordingTransport {
    requests: Arc<Mutex<Vec<UnsentRequest>>>,
    lists: Arc<Value>,
}

/// A request that was not sent.
#[derive(Clone, Debug)]
pub struct UnsentRequest {
    /// Its method.
    pub method: Method,
    /// Its URL.
    pub url: Uri,
    /// Its headers, without the key.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl DryAccount {
    /// An account with one list, by its id and name, or with none. `build` makes a tenant of a connector with
    /// this transport and with [`DryAccount::limits`]. Its key may be any word, and its pace should be
    /// [`Pace::unlimited`](klaviyo_host::Pace).
    ///
    /// # Errors
    /// That of `build`.
    pub fn new<E>(
        list: Option<(&str, &str)>,
        build: impl FnOnce(RecordingTransport) -> Result<Tenant, E>,
    ) -> Result<Self, E> {
        let resource =
            |(id, name): (&str, &str)| json!({ "type": "list", "id": id, "attributes": { "name": name } });
        let lists: Vec<Value> = list.map(resource).into_iter().collect();
        let transport = RecordingTransport { requests: Arc::default(), lists: Arc::new(lists.into()) };
        Ok(Self { tenant: build(transport.clone())?, transport })
    }

    /// What the connector of its tenant needs at least.
    #[must_use]
    pub fn limits() -> Limits {
        limits(1)
    }

    /// The requests since the last call.
    pub(crate) fn take_requests(&self) -> Vec<UnsentRequest> {
        std::mem::take(&mut *self.transport.requests.lock())
    }
}

impl Transport for RecordingTransport {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        let (Parts { method, uri: url, mut headers, .. }, body) = request.into_parts();
        let answer = answer(&method, url.path(), &self.lists);
        headers.remove(AUTHORIZATION);
        self.requests.lock().push(UnsentRequest { method, url, headers, body });
        Box::pin(async move { Ok(answer) })
    }
}

/// The answer of a Klaviyo that knows nobody and takes everything.
fn answer(method: &Method, path: &str, lists: &Value) -> Response<Bytes> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let resource = |kind: &str| json!({ "data": { "type": kind, "id": ID, "attributes": {} } });
    let (status, document) = match (method, segments.as_slice()) {
        (&Method::GET, ["api", "lists"]) => (StatusCode::OK, json!({ "data": lists })),
        (&Method::POST, ["api", "profile-bulk-import-jobs"]) => {
            let job =
                json!({ "status": "queued", "total_count": 0, "completed_count": 0, "failed_count": 0 });
            let data = json!({ "type": "profile-bulk-import-job", "id": ID, "attributes": job });
            (StatusCode::ACCEPTED, json!({ "data": data }))
        }
        (&Method::POST, ["api", "profiles"]) => (StatusCode::CREATED, resource("profile")),
        (&Method::POST, ["api", "lists", ..]) => (StatusCode::NO_CONTENT, Value::Null),
        (&Method::POST, _) => (StatusCode::ACCEPTED, Value::Null),
        _ => (StatusCode::OK, json!({ "data": [] })),
    };
    let body = if document.is_null() { Bytes::new() } else { Bytes::from(document.to_string()) };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/vnd.api+json"));
    answer
}
