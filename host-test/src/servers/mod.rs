//! Servers that misbehave, on real sockets: whatever they send, or do not, the connector returns a value or
//! an error in time, and a request is repeated only where that is right.

mod answers;
mod connection;
mod lookup;
mod pace;
mod retries;
mod server;

use crate::suite::{Case, case};
use klaviyo_host::types::Code;

pub use server::{Incoming, Reply, Server};

/// All of them.
pub const CASES: &[Case] = &[
    case("refused", "connection; repeated up to Limits::attempts", connection::refused),
    case("unreachable", "timeout of Limits::connect", connection::unreachable),
    case("reset before", "connection; repeated", || connection::broken(&|| Reply::reset(""))),
    case("reset in mid-body", "connection; repeated", || {
        connection::broken(&|| Reply::reset(&connection::short()))
    }),
    case("closed before", "connection; repeated", || connection::broken(&|| Reply::Close)),
    case("short body", "connection; repeated", || connection::broken(&|| Reply::bytes(&connection::short()))),
    case("truncated chunk", "connection; repeated", || {
        connection::broken(&|| Reply::bytes(connection::TRUNCATED))
    }),
    case("garbage status line", "connection; repeated", || {
        connection::broken(&|| Reply::bytes(connection::GARBAGE))
    }),
    case("garbage bytes", "connection; repeated", || connection::broken(&|| Reply::Bytes(vec![0xff; 512]))),
    case("no headers", "Limits::attempt", || pace::stalled("")),
    case("slow headers", "Limits::attempt", pace::slow_headers),
    case("slow body", "Limits::attempt", pace::slow_body),
    case("endless 1xx", "Limits::attempt", pace::endless_informational),
    case("endless body", "Limits::response_bytes; not repeated", pace::endless_body),
    case("announced large body", "Limits::response_bytes; not repeated", answers::announced),
    case("large headers", "Limits::header_bytes; not repeated", || answers::large_headers(20_000)),
    case("huge headers", "Limits::header_bytes; not repeated", || answers::large_headers(2_000_000)),
    case("many headers", "Limits::header_bytes; not repeated", answers::many_headers),
    case("body longer than told", "read to the length that was told", answers::long_body),
    case("100 and 103 first", "1xx is not the answer", answers::informational),
    case("gzip unasked", "no coding that was not asked for", answers::gzip),
    case("redirect", "not followed", answers::redirect),
    case("untrusted certificate", "no TLS without a trusted certificate", connection::certificate),
    case("no TLS on a TLS port", "connection", connection::no_tls),
    case("429", "repeated after a pause", || retries::recovers("429 Too Many Requests", "", 0.5)),
    case("429, seconds", "not before Retry-After", || {
        retries::recovers("429 Too Many Requests", "retry-after: 1\r\n", 1.0)
    }),
    case("429, date", "not before Retry-After", retries::retry_date),
    case("429, an hour", "told at once when there is no time to wait", retries::retry_much_later),
    case("429, always", "Limits::attempts", || retries::gives_up("429 Too Many Requests", Code::RateLimited)),
    case("502", "repeated", || retries::recovers("502 Bad Gateway", "", 0.5)),
    case("503", "repeated", || retries::recovers("503 Service Unavailable", "", 0.5)),
    case("504", "repeated", || retries::recovers("504 Gateway Timeout", "", 0.5)),
    case("524", "repeated", || retries::recovers("524 A Timeout Occurred", "", 0.5)),
    case("503, always", "Limits::attempts", || {
        retries::gives_up("503 Service Unavailable", Code::Unavailable)
    }),
    case("500", "not repeated", || retries::once("500 Internal Server Error", Code::Unavailable)),
    case("an edge's page", "not repeated, and not taken for a scope", || {
        retries::once("403 Forbidden", Code::Blocked)
    }),
    case("reset after a write", "the second answer, 409, is `existing`", connection::reset_after_write),
    case("closed between calls", "the next call connects again", connection::closed_between),
    case("slow for one", "other calls are not held up", pace::slow_for_one),
    case(
        "paced for one",
        "Limits::concurrent_calls: 300 calls of one leave places to others",
        pace::paced_for_one,
    ),
    case("turn after the time", "does not use Limits::time", pace::turn_after_the_time),
    case("turn too late", "Limits::wait, told at once", pace::turn_too_late),
];
