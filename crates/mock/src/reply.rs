//! The reply to a request: an answer, or a connection that a fault breaks.

use crate::answer::{HttpResponse, set};
use crate::clock::http_date;
use crate::rule::Fault;
use http::{Response, StatusCode};
use std::time::SystemTime;

/// The reply to a request.
#[derive(Debug)]
pub enum Reply {
    /// A complete answer.
    Answer(Response<Vec<u8>>),
    /// The connection is reset instead of an answer.
    Reset,
    /// The connection closes in the middle of the answer, after these bytes.
    Truncated(Vec<u8>),
    /// The connection closes after these bytes, which are not HTTP.
    NotHttp(Vec<u8>),
}

impl Reply {
    /// The reply to a request at this time, after a fault. `answer` carries out the request; `refused` is the
    /// error with this status and these seconds of `Retry-After`, which is set afterwards.
    pub fn of(
        fault: Option<Fault>,
        date: SystemTime,
        answer: impl FnOnce() -> Response<Vec<u8>>,
        refused: impl FnOnce(u16, Option<u64>) -> Response<Vec<u8>>,
    ) -> Self {
        let dated = |mut message| {
            set(&mut message, "date", &http_date(date));
            message
        };
        let answer = || dated(answer());
        match fault {
            None | Some(Fault::Latency(_)) => Self::Answer(answer()),
            Some(Fault::Status { code, retry_after }) => {
                Self::Answer(dated(failed(code, retry_after, refused)))
            }
            Some(Fault::Html(code)) => Self::Answer(dated(page(code))),
            Some(Fault::ResetBefore) => Self::Reset,
            Some(Fault::ResetAfter) => {
                answer();
                Self::Reset
            }
            Some(Fault::StatusAfter(code)) => {
                answer();
                Self::Answer(dated(failed(code, None, refused)))
            }
            Some(Fault::Truncate) => Self::Truncated(half(answer())),
            Some(Fault::Garbage) => Self::Answer(garbage(answer())),
            Some(Fault::GarbageLine) => {
                answer();
                Self::NotHttp(b"\x16\x03\x01 no HTTP here\r\n\r\n".to_vec())
            }
        }
    }
}

/// The first half of an answer, as HTTP/1.1.
fn half(mut message: HttpResponse) -> Vec<u8> {
    // 204 has no body, so no client would notice that it is missing.
    if message.status() == StatusCode::NO_CONTENT {
        *message.status_mut() = StatusCode::OK;
    }
    let mut bytes = head(&message).into_bytes();
    bytes.extend(message.body().iter().take(message.body().len() / 2));
    bytes
}

/// The lines before a body. They announce the whole body, or one byte if it is empty.
fn head(message: &HttpResponse) -> String {
    let mut head = format!("HTTP/1.1 {}\r\n", message.status());
    for (name, value) in message.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", message.body().len().max(1)));
    head
}

/// An answer with a meaningless body.
fn garbage(message: HttpResponse) -> HttpResponse {
    let mut message = message.map(|_| b"\x00\xff\xfe{\"data\":[}\x80".to_vec());
    // 204 has no body.
    *message.status_mut() = StatusCode::OK;
    set(&mut message, "content-type", "application/vnd.api+json");
    message
}

/// The error of a fault.
fn failed(
    code: u16,
    retry_after: Option<u64>,
    refused: impl FnOnce(u16, Option<u64>) -> HttpResponse,
) -> HttpResponse {
    // Some statuses come from the network in front.
    let mut message = if matches!(code, 502 | 504 | 524) { page(code) } else { refused(code, retry_after) };
    if let Some(seconds) = retry_after {
        set(&mut message, "retry-after", &seconds.to_string());
    }
    message
}

/// The page of a network in front of Klaviyo: no JSON, no request id.
fn page(code: u16) -> HttpResponse {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let code = status.as_u16();
    let reason = match code {
        524 => "A timeout occurred",
        _ => status.canonical_reason().unwrap_or("Unknown error"),
    };
    let page = format!(
        "<!DOCTYPE html>\n<html>\n<head><title>{code} {reason}</title></head>\n\
         <body><center><h1>{code} {reason}</h1></center><hr><center>cloudflare</center></body>\n</html>\n"
    );
    let mut message = Response::new(page.into_bytes());
    *message.status_mut() = status;
    set(&mut message, "content-type", "text/html; charset=UTF-8");
    set(&mut message, "server", "cloudflare");
    message
}
