//! Guests that misbehave on purpose, one behaviour each (`host-test/hostile`): what is meant to stop them
//! does, and nothing else suffers.

mod access;
mod egress;
mod guest;
mod isolation;
mod limits;

use crate::suite::{Case, case};

/// All of them.
pub const CASES: &[Case] = &[
    case("spin", "Limits::cpu, and a call that computes leaves the thread to others", limits::spin),
    case("spin-long", "Limits::time", limits::spin_long),
    case("spin-between", "Limits::cpu, of all stretches together", limits::spin_between),
    case("start", "Limits::time, before the call itself", limits::start),
    case("grow-memory", "Limits::memory", limits::grow_memory),
    case("grow-table", "Limits::table_elements", limits::grow_table),
    case("recurse", "Limits::stack", limits::recurse),
    case("flood", "Limits::requests", limits::flood),
    case("denied-flood", "Limits::requests, of requests that are denied", limits::denied_flood),
    case("large-body", "Limits::request_bytes", limits::large_body),
    case("large-header", "Limits::header_bytes, of a header", limits::large_header),
    case("many-headers", "Limits::header_bytes, of 25,000 headers", limits::many_headers),
    case("large-url", "Limits::header_bytes, of an address", limits::large_url),
    case("hand-over", "Limits::hostcall_fuel", limits::hand_over),
    case("get", "Limits::time, on a server that never answers", limits::wait),
    case("get-crowd", "Limits::wait, for a place among Limits::concurrent_calls", limits::crowd),
    case("get-large-answer", "Limits::response_bytes, whatever the transport does", limits::large_answer),
    case("trap", "a trap ends its own call and no other", isolation::trap),
    case("remember", "nothing is left of one call in the next", isolation::remember),
    case("bad-result", "a result outside of the memory is a trap", isolation::bad_result),
    case("bad-text", "text that is not UTF-8 is a trap", isolation::bad_text),
    case("header-injection", "no line end in a header's value", || {
        egress::denied("header-injection", "the header x-note has characters that no header may have")
    }),
    case("header-name-injection", "no line end in its name", || {
        egress::denied("header-name-injection", "is not the name of a header")
    }),
    case("scheme-injection", "no line end before the key", || {
        egress::denied("scheme-injection", "is not a single word")
    }),
    case("own-authorization", "Authorization is the host's", || {
        egress::denied("own-authorization", "the header authorization is the host's")
    }),
    case("own-host", "Host is the host's", || egress::denied("own-host", "the header host is the host's")),
    case("own-length", "Content-Length is the host's", || {
        egress::denied("own-length", "the header content-length is the host's")
    }),
    case("plain-http", "Egress: https only", || {
        egress::denied("plain-http", "requests to http://a.klaviyo.com:80 are not allowed")
    }),
    case("other-host", "Egress: no other host", || {
        egress::denied("other-host", "requests to https://evil.example:443 are not allowed")
    }),
    case("other-port", "Egress: no other port", || {
        egress::denied("other-port", "requests to https://a.klaviyo.com:8443 are not allowed")
    }),
    case("other-scheme", "Egress: nothing but http and https", || {
        egress::denied("other-scheme", "has no host")
    }),
    case("user-information", "Egress: no user information", || {
        egress::denied("user-information", "has user information in it")
    }),
    case("ip-address", "Egress: no address", || {
        egress::denied("ip-address", "requests to https://169.254.169.254:443 are not allowed")
    }),
    case("odd-ip-address", "Egress: no address in disguise", || {
        egress::denied("odd-ip-address", "is not written in its normal form")
    }),
    case("backslash", "Egress: no URL that can be read in two ways", || {
        egress::denied("backslash", "is not written in its normal form")
    }),
    case("private-name", "Egress: no name of a private address", egress::private_name),
    case("follow-redirect", "Egress: no redirect to another host", egress::follow_redirect),
    case("mirror", "the key is not in the guest's memory, even if the server sends it back", egress::mirror),
    case("other-function", "Access: a request is for the function that was called", access::other_function),
    case(
        "api-paths",
        "Access: no path of api.call under another name, or by another spelling",
        access::api_paths,
    ),
    case("more-imports", "a component with more imports is not loaded", isolation::more_imports),
    case("two-memories", "Limits::components, when it is loaded", limits::two_memories),
];
