//! The answers of a door.

use crate::outcome::{Outcome, Reason};
use crate::queue::Lane;
use crate::signature::SignatureError;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use klaviyo_host::types::Code;
use serde::Serialize;
use serde_json::{Value, json};

/// The answer to a request that is refused as a whole.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    code: &'static str,
    /// Why it is refused, for the metrics: the code, or more exactly than the code.
    reason: &'static str,
    message: String,
    /// The header `Retry-After`, in seconds.
    retry_after: Option<u64>,
    /// What is wrong with opt-ins or opt-outs of the request, or known of them.
    entries: Option<(Lane, Vec<Value>)>,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, reason: code, message: message.into(), retry_after: None, entries: None }
    }

    /// The request cannot be done now, for this reason in the metrics.
    pub(super) fn overloaded(reason: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { reason, retry_after: Some(1), ..Self::new(status, "unavailable", message) }
    }

    /// The signature is missing or wrong. The answer does not tell whether the account exists.
    pub(super) fn unsigned(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
    }

    /// Some messages for a lane are written to the queue; of the others it is not known.
    pub(super) fn partly(lane: Lane, written: usize, entries: Vec<Value>) -> Self {
        let message = format!(
            "{written} of {} {lane} are known to be accepted; repeat the request for the others, which does none twice",
            entries.len()
        );
        Self { entries: Some((lane, entries)), ..Self::overloaded("queue", message) }
    }

    /// The request was accepted before.
    pub(super) fn replayed() -> Self {
        let message = "this request was taken before; to repeat it, sign it anew, with the same webhook-id";
        Self::new(StatusCode::CONFLICT, Code::Conflict.as_str(), message)
    }

    /// The request has more opt-ins or opt-outs than a request may have.
    pub(super) fn too_many(lane: Lane, most: usize) -> Self {
        let message = format!("a request may have at most {most} {lane} here; send more of them");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge.as_str(), message)
    }

    /// Opt-ins or opt-outs of the request are invalid.
    pub(super) fn invalid(lane: Lane, message: impl Into<String>, entries: Vec<Value>) -> Self {
        let entries = (!entries.is_empty()).then_some((lane, entries));
        Self { entries, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, Code::InvalidInput.as_str(), message) }
    }
}

/// Why a request was refused. It is in the extensions of the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefusalReason(pub(super) &'static str);

impl From<SignatureError> for Rejection {
    fn from(error: SignatureError) -> Self {
        Self::unsigned(error.to_string())
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let Self { status, code, reason, message, retry_after, entries } = self;
        let mut error = json!({ "code": code, "message": message });
        if let (Some(error), Some((lane, entries))) = (error.as_object_mut(), entries) {
            error.insert(lane.to_string().replace('-', "_"), entries.into());
        }
        let mut response = response(status, Json(json!({ "error": error })), retry_after);
        response.extensions_mut().insert(RefusalReason(reason));
        response
    }
}

fn response(status: StatusCode, body: impl IntoResponse, retry_after: Option<u64>) -> Response {
    let mut response = (status, body).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer to one opt-in or opt-out.
pub(super) struct OptInResponse {
    pub(super) reply: OptInReply,
    pub(super) status: StatusCode,
    /// The header `Retry-After`, in seconds.
    pub(super) retry_after: Option<u64>,
}

impl IntoResponse for OptInResponse {
    fn into_response(self) -> Response {
        response(self.status, Json(self.reply), self.retry_after)
    }
}

impl OptInResponse {
    pub(super) fn new(id: String, state: ReplyState, status: StatusCode) -> Self {
        Self { reply: OptInReply { id, state }, status, retry_after: None }
    }

    /// The result in a word, for the metrics.
    pub(super) fn result(&self) -> &'static str {
        match (&self.reply.state, self.status.as_u16()) {
            (ReplyState::Accepted { duplicate: true, .. }, _) => "duplicate",
            (ReplyState::Accepted { .. }, _) => "accepted",
            (_, 200..300) => "done",
            (_, 422) => "rejected",
            _ => "failed",
        }
    }
}

/// The body of the answer to one opt-in.
#[derive(Debug, Serialize)]
pub(super) struct OptInReply {
    /// The caller's own id of the opt-in, or the one under which it is in the queue.
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) state: ReplyState,
}

impl OptInReply {
    /// The code of what made it fail.
    pub(super) fn code(&self) -> Option<&str> {
        match &self.state {
            ReplyState::Failed(reason) => Some(&reason.code),
            ReplyState::Accepted { .. } | ReplyState::Ended { .. } => None,
        }
    }

    /// The sentence that says why it failed.
    pub(super) fn reason(&self) -> Option<&str> {
        match &self.state {
            ReplyState::Failed(reason) => Some(&reason.message),
            ReplyState::Accepted { .. } | ReplyState::Ended { .. } => None,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum ReplyState {
    /// It is in the queue.
    #[serde(rename = "waiting")]
    Accepted {
        /// It was in the queue before.
        duplicate: bool,
        /// The values that were left out, one sentence each. The outcome has them too.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
    Failed(Reason),
    #[serde(untagged)]
    Ended {
        #[serde(flatten)]
        outcome: Outcome,
        /// The reply to the customer.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
    },
}

impl ReplyState {
    /// The state with the outcome and a reply to the customer, which names the address for updates if it is
    /// known.
    pub(super) fn ended(outcome: Outcome, address: Option<&str>) -> Self {
        let reply = match &outcome {
            Outcome::Done(receipt) => Some(receipt.reply(address)),
            Outcome::OptedOut(_)
            | Outcome::Resumed(_)
            | Outcome::Dead(_)
            | Outcome::Waiting
            | Outcome::Dropped => None,
        };
        Self::Ended { outcome, reply }
    }
}
