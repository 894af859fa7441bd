//! Klaviyo's answers: documents, errors, and the headers that all of them have.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// What an operation answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A document.
    Document(StatusCode, Value),
    /// A document, of which Klaviyo dropped an attribute.
    Partly(StatusCode, Value, &'static str),
    /// Success without a body.
    Nothing,
    /// Errors.
    Refused(Box<Refusal>),
    /// The revision is retired: not JSON:API.
    Retired,
}

/// One error.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) source: Value,
    pub(crate) meta: Value,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, title: &'static str, detail: &str) -> Self {
        let detail = detail.to_owned();
        Self { status, code, title, detail, source: json!({}), meta: json!({}) }
    }

    /// 400, about a member of the body.
    pub(crate) fn invalid(detail: &str, pointer: &str) -> Self {
        let source = json!({ "pointer": pointer });
        Self { source, ..Self::new(StatusCode::BAD_REQUEST, "invalid", "Invalid input.", detail) }
    }

    /// 400, about a query parameter.
    pub(crate) fn invalid_parameter(detail: &str, parameter: &str) -> Self {
        let source = json!({ "parameter": parameter });
        Self { source, ..Self::new(StatusCode::BAD_REQUEST, "invalid", "Invalid input.", detail) }
    }

    /// 404.
    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found.", detail)
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Answer {
    /// The answer as HTTP; `request` counts the requests, for their ids.
    pub(crate) fn into_response(self, request: u64) -> Response<Body> {
        const JSON_API: HeaderValue = HeaderValue::from_static("application/vnd.api+json");
        let id = format!("{request:08x}-0000-4000-8000-000000000000");
        let retired = json!({ "message": "This API has been retired. Send a newer revision." });
        let (status, body) = match &self {
            Self::Document(status, body) | Self::Partly(status, body, _) => (*status, Some(body.clone())),
            Self::Nothing => (StatusCode::NO_CONTENT, None),
            Self::Retired => (StatusCode::GONE, Some(retired)),
            Self::Refused(refusal) => (refusal.status, Some(refusal.document(&id))),
        };
        let mut response = Response::new(match body {
            Some(body) => Body::from(body.to_string()),
            None => Body::empty(),
        });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if !matches!(self, Self::Nothing) {
            headers.insert("content-type", JSON_API);
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert("x-klaviyo-req-id", id);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert("www-authenticate", HeaderValue::from_static("Klaviyo-API-Key"));
        }
        if let Self::Partly(_, _, dropped) = self {
            headers.insert("x-klaviyo-partial-failure", HeaderValue::from_static(dropped));
        }
        response
    }
}

impl Refusal {
    fn document(&self, id: &str) -> Value {
        json!({ "errors": [{
            "id": id,
            "status": self.status.as_u16(),
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": self.source,
            "links": {},
            "meta": self.meta,
        }] })
    }
}
