//! What a door answers.

use crate::outcome::{Outcome, Reason};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use klaviyo_host::types::Code;
use serde::Serialize;
use serde_json::{Value, json};

/// Why a request is not done.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds.
    retry_after: Option<u64>,
    /// What is wrong with which opt-in, or known of it.
    opt_ins: Vec<Value>,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None, opt_ins: Vec::new() }
    }

    /// What it is answered with.
    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// It cannot be done now.
    pub(super) fn overloaded(message: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message) }
    }

    /// The signature is missing, or wrong. It is not said whether there is such an account.
    pub(super) fn unsigned(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
    }

    /// Some opt-ins of a request are written to the queue, and others are not known to be.
    pub(super) fn partly(written: usize, opt_ins: Vec<Value>) -> Self {
        let message = format!(
            "{written} of {} opt-ins are known to be accepted; repeat the request for the others, which does none twice",
            opt_ins.len()
        );
        Self { opt_ins, ..Self::overloaded(message) }
    }

    /// A request that was taken before.
    pub(super) fn replayed() -> Self {
        let message = "this request was taken before; to repeat it, sign it anew, with the same webhook-id";
        Self::new(StatusCode::CONFLICT, Code::Conflict.as_str(), message)
    }

    /// Opt-ins that make no sense.
    pub(super) fn unfit(message: impl Into<String>, opt_ins: Vec<Value>) -> Self {
        Self { opt_ins, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, Code::InvalidInput.as_str(), message) }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let Self { status, code, message, retry_after, opt_ins } = self;
        let mut error = json!({ "code": code, "message": message });
        if let (Some(error), false) = (error.as_object_mut(), opt_ins.is_empty()) {
            error.insert("opt_ins".to_owned(), opt_ins.into());
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// What became of one opt-in.
#[derive(Debug, Serialize)]
pub(super) struct OptInReply {
    /// The caller's own id, or what it can be asked for by.
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) state: ReplyState,
}

impl OptInReply {
    /// Why it failed, in a sentence, if it did.
    pub(super) fn reason(&self) -> Option<&str> {
        match &self.state {
            ReplyState::Failed { reason, .. } => Some(&reason.message),
            ReplyState::Accepted { .. } | ReplyState::Ended { .. } => None,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ReplyState {
    /// It is written.
    Accepted {
        state: &'static str,
        /// It was there before.
        duplicate: bool,
        /// What of it was left out, one sentence each. The outcome has them too.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
    Ended {
        #[serde(flatten)]
        outcome: Outcome,
        /// What a bot says to the customer.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
    },
    Failed {
        state: &'static str,
        #[serde(flatten)]
        reason: Reason,
    },
}

impl ReplyState {
    pub(super) fn accepted(duplicate: bool, warnings: Vec<String>) -> Self {
        Self::Accepted { state: "waiting", duplicate, warnings }
    }

    /// With the reply, which names the place where updates come if it is known.
    pub(super) fn ended(outcome: Outcome, place: Option<&str>) -> Self {
        let reply = match &outcome {
            Outcome::Done(receipt) => Some(receipt.reply(place)),
            Outcome::OptedOut(_) | Outcome::Dead(_) | Outcome::Waiting | Outcome::Dropped => None,
        };
        Self::Ended { outcome, reply }
    }

    pub(super) fn failed(reason: Reason) -> Self {
        Self::Failed { state: "failed", reason }
    }
}
