//! Calls that send nothing: what they would send is kept, and answered as Klaviyo does.
//!
//! Which rows are good, how much of a request they take and what it looks like is the connector's to say. So it is
//! asked, by the very calls that are made afterwards, in a sandbox that reaches nothing.

use crate::args::Account;
use crate::failure::Failure;
use crate::session::Session;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use klaviyo_host::types::{ConsentOptions, NewProfile, Outcome, Submission, Subscription};
use klaviyo_host::{Attempt, Bounds, Limits, Pace, Secret, Transport};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What stands for ids that only Klaviyo can give.
const ID: &str = "THE-ID-THAT-KLAVIYO-GIVES";

/// An account in which nothing happens.
pub(super) struct Rehearsal {
    pub(super) session: Session,
    recorder: Recorder,
}

/// A request that was not sent.
#[derive(Clone, Debug)]
pub(super) struct Unsent {
    pub(super) method: Method,
    pub(super) url: String,
    /// Without the key.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Rehearsal {
    /// `list` is the id and the name of the one list that there is.
    pub(super) fn open(
        account: &Account,
        limits: Limits,
        list: Option<(&str, &str)>,
    ) -> Result<Self, Failure> {
        let lists: Vec<Value> = list
            .map(|(id, name)| json!({ "type": "list", "id": id, "attributes": { "name": name } }))
            .into_iter()
            .collect();
        let recorder = Recorder { unsent: Arc::default(), lists: Arc::new(lists.into()) };
        let key = Secret::new("rehearsal").map_err(|error| Failure::other(error.to_string()))?;
        let session = Session::over(account, key, limits, recorder.clone(), Pace::unlimited())?;
        Ok(Self { session, recorder })
    }

    pub(super) async fn import(
        &self,
        contacts: &[NewProfile],
        list: Option<&str>,
    ) -> Result<Submission, Failure> {
        Ok(self.session.tenant().submit_import(contacts, list).await?.value)
    }

    pub(super) async fn grant(
        &self,
        subscriptions: &[Subscription],
        list: Option<&str>,
        options: &ConsentOptions,
    ) -> Result<Outcome, Failure> {
        Ok(self.session.tenant().grant_consent(subscriptions, list, options).await?.value)
    }

    pub(super) async fn opt_in(&self, contact: &NewProfile, list: &str) -> Result<(), Failure> {
        self.session.tenant().opt_in(contact, list).await?;
        Ok(())
    }

    /// What would have been sent since this was asked last.
    pub(super) fn take(&self) -> Vec<Unsent> {
        std::mem::take(&mut *self.recorder.unsent())
    }
}

#[derive(Clone)]
struct Recorder {
    unsent: Arc<Mutex<Vec<Unsent>>>,
    lists: Arc<Value>,
}

impl Recorder {
    fn unsent(&self) -> MutexGuard<'_, Vec<Unsent>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Recorder {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        let (parts, body) = request.into_parts();
        let answer = answer(&parts.method, parts.uri.path(), &self.lists);
        let own = parts.headers.iter().filter(|(name, _)| *name != AUTHORIZATION);
        let headers = own
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let url = parts.uri.to_string();
        self.unsent().push(Unsent { method: parts.method, url, headers, body });
        Box::pin(async move { Ok(answer) })
    }
}

/// What Klaviyo answers when it knows nobody and all is well.
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
