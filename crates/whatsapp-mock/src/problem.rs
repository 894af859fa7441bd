//! Meta's errors.

use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// Why a message is refused, or was not delivered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// 190.
    WrongToken,
    /// 100, and what is wrong.
    InvalidParameter(String),
    /// 100, about the object in the path.
    NoSuchObject(String),
    /// 130429.
    TooManyMessages,
    /// 131056.
    TooManyToOne,
    /// 131047.
    WindowClosed,
    /// 131050.
    MarketingStopped,
    /// 131026.
    Undeliverable,
    /// The error of a fault, by its status.
    Status(u16),
    /// Any other code, with which a message can fail.
    Other(u32),
}

impl Problem {
    pub(crate) fn of_code(code: u32) -> Self {
        match code {
            130_429 => Self::TooManyMessages,
            131_056 => Self::TooManyToOne,
            131_047 => Self::WindowClosed,
            131_050 => Self::MarketingStopped,
            131_026 => Self::Undeliverable,
            code => Self::Other(code),
        }
    }

    pub(crate) fn code(&self) -> u32 {
        match self {
            Self::WrongToken | Self::Status(401) => 190,
            Self::InvalidParameter(_) | Self::NoSuchObject(_) => 100,
            Self::TooManyMessages | Self::Status(429) => 130_429,
            Self::TooManyToOne => 131_056,
            Self::WindowClosed => 131_047,
            Self::MarketingStopped => 131_050,
            Self::Undeliverable => 131_026,
            Self::Status(403) => 10,
            Self::Status(503) => 2,
            Self::Status(500..) => 131_000,
            Self::Status(_) => 100,
            Self::Other(code) => *code,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::WrongToken => 401,
            Self::Status(status) => *status,
            _ => 400,
        }
    }

    fn title(&self) -> &'static str {
        match self.code() {
            190 => "Invalid OAuth access token - Cannot parse access token",
            100 => "Invalid parameter",
            10 => "Application does not have permission for this action",
            2 => "Service temporarily unavailable",
            130_429 => "Rate limit hit",
            131_056 => "(Business Account, Consumer Account) pair rate limit hit",
            131_047 => "Re-engagement message",
            131_050 => "Unable to deliver the message",
            131_026 => "Message undeliverable",
            _ => "Something went wrong",
        }
    }

    fn details(&self) -> &str {
        match self {
            Self::InvalidParameter(details) | Self::NoSuchObject(details) => details,
            Self::TooManyMessages => "Cloud API message throughput has been reached.",
            Self::TooManyToOne => "Too many messages to this person in a short time.",
            Self::WindowClosed => {
                "More than 24 hours have passed since the person last wrote to this number."
            }
            Self::MarketingStopped => "The person has stopped marketing messages of this business.",
            Self::Undeliverable => "Message undeliverable.",
            _ => self.title(),
        }
    }

    /// The answer. `trace` is the id of the request.
    pub(crate) fn answer(&self, trace: &str) -> Response<Vec<u8>> {
        let code = self.code();
        let mut error = match self {
            // These have no number before the text, nor details.
            Self::WrongToken | Self::Status(401 | 503) => json!({ "message": self.title() }),
            Self::NoSuchObject(details) => json!({ "message": details, "error_subcode": 33 }),
            _ => json!({
                "message": format!("(#{code}) {}", self.title()),
                "error_data": { "messaging_product": "whatsapp", "details": self.details() },
            }),
        };
        if let Some(error) = error.as_object_mut() {
            let kind =
                if matches!(self, Self::NoSuchObject(_)) { "GraphMethodException" } else { "OAuthException" };
            error.insert("type".to_owned(), json!(kind));
            error.insert("code".to_owned(), json!(code));
            error.insert("fbtrace_id".to_owned(), json!(trace));
        }
        json_answer(self.status(), &json!({ "error": error }))
    }

    /// The entry of `errors[]` in a status.
    pub(crate) fn in_status(&self) -> Value {
        json!({
            "code": self.code(),
            "title": self.title(),
            "message": self.title(),
            "error_data": { "details": self.details() },
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        })
    }

    /// For the log.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.code(), self.details())
    }
}

/// A JSON answer.
pub(crate) fn json_answer(status: u16, document: &Value) -> Response<Vec<u8>> {
    let mut answer = Response::new(document.to_string().into_bytes());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    answer
}
