//! Klaviyo's answers: documents, errors and headers.

use crate::digits::written;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// The origin in the links of answers: Klaviyo's own, whatever the address of this server.
pub(crate) const ORIGIN: &str = "https://a.klaviyo.com";

/// The answer of an operation.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A document.
    Document(StatusCode, Value),
    /// A document. Klaviyo has dropped this attribute of the request.
    Partly(StatusCode, Value, &'static str),
    /// Success without a body.
    Nothing(StatusCode),
    /// Errors.
    Refused(Box<Refusal>),
    /// Too many requests; the next may pass after this many seconds.
    Throttled(u64),
    /// What the request asks for is retired: an endpoint, or a revision that nothing may stand in for. This
    /// answer is not JSON:API.
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

/// An answer as HTTP, with its whole body.
pub(crate) type HttpResponse = Response<Vec<u8>>;

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

    /// 409: the identifiers are those of the profile with this id.
    pub(crate) fn conflict(holder: Option<&str>) -> Self {
        let detail = "A profile already exists with one of these identifiers.";
        Self {
            source: json!({ "pointer": "/data/attributes" }),
            meta: holder.map_or(json!({}), |id| json!({ "duplicate_profile_id": id })),
            ..Self::new(StatusCode::CONFLICT, "duplicate_profile", "Conflict.", detail)
        }
    }

    /// 413.
    pub(crate) fn too_large(detail: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large.", detail)
    }

    /// The error of a fault with this status.
    pub(crate) fn of_status(code: u16) -> Self {
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (code, text) = match code {
            // Unproven: a conflict that names no profile. The account may have none to name.
            409 => return Self::conflict(None),
            400 => ("invalid", "Invalid input."),
            401 => ("authentication_failed", "Incorrect authentication credentials."),
            403 => ("forbidden", "Forbidden."),
            404 => ("not_found", "Not found."),
            429 => ("throttled", "Request was throttled."),
            // Unproven: the code and the text.
            503 => ("service_unavailable", "The service is unavailable."),
            _ => ("error", "A server error occurred."),
        };
        Self::new(status, code, text, text)
    }

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

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Answer {
    /// The answer as HTTP, to the request with this id.
    pub(crate) fn into_http(self, id: &str) -> HttpResponse {
        let (status, body, header) = match self {
            Self::Document(status, body) => (status, Some(body), None),
            Self::Partly(status, body, dropped) => {
                (status, Some(body), Some(("x-klaviyo-partial-failure", dropped.to_owned())))
            }
            Self::Nothing(status) => (status, None, None),
            Self::Retired => {
                let message = "This API has been retired. See \
                    https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy";
                (StatusCode::GONE, Some(json!({ "message": message })), None)
            }
            Self::Throttled(seconds) => {
                let refusal = Refusal { detail: throttled(seconds), ..Refusal::of_status(429) };
                (refusal.status, Some(refusal.document(id)), Some(("retry-after", seconds.to_string())))
            }
            Self::Refused(refusal) => {
                let header = (refusal.status == StatusCode::UNAUTHORIZED)
                    .then(|| ("www-authenticate", "Klaviyo-API-Key".to_owned()));
                (refusal.status, Some(refusal.document(id)), header)
            }
        };
        let media_type =
            if status == StatusCode::GONE { "application/json" } else { "application/vnd.api+json" };
        let has_body = body.is_some();
        let mut message = Response::new(body.map(|body| written(&body).into_bytes()).unwrap_or_default());
        *message.status_mut() = status;
        if has_body {
            set(&mut message, "content-type", media_type);
        }
        if let Some((name, value)) = header {
            set(&mut message, name, &value);
        }
        set(&mut message, "x-klaviyo-req-id", id);
        message
    }
}

/// Sets a header.
pub(crate) fn set(message: &mut HttpResponse, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        message.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

fn throttled(seconds: u64) -> String {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    format!("Request was throttled. Expected available in {seconds} {unit}.")
}
