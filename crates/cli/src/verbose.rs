//! `--verbose`: shows each exchange as it happens, on standard error or in the log.

use crate::exchange::{ExchangeResult, Observer, SentRequest};
use crate::output;
use crate::text::{BAD, FAINT, TITLE, clean, clean_lines};
use anstream::adapter::strip_str;
use percent_encoding::percent_decode_str;
use std::fmt::Write as _;
use std::time::Duration;
use tracing::debug;

/// The headers of an answer that are shown: they say something about the account or the way to it.
const SHOWN_HEADERS: [&str; 13] = [
    "content-type",
    "date",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "server",
    "www-authenticate",
    "x-klaviyo-api-retirement-date",
    "x-klaviyo-api-revision",
    "x-klaviyo-partial-failure",
    "x-klaviyo-req-id",
];

/// The observer that prints.
pub(crate) struct Verbose;

impl Observer for Verbose {
    fn sent(&self, sent: &SentRequest) {
        output::eprint(&request(sent));
    }

    fn ended(&self, _: &SentRequest, result: &ExchangeResult, took: Duration) {
        output::eprint(&answer(result, took));
    }
}

/// The observer that logs: where the log is for programs, no line of it is anything else.
pub(crate) struct LoggedExchanges;

impl Observer for LoggedExchanges {
    fn sent(&self, sent: &SentRequest) {
        log("a request to Klaviyo", &request(sent));
    }

    fn ended(&self, _: &SentRequest, result: &ExchangeResult, took: Duration) {
        log("an answer from Klaviyo", &answer(result, took));
    }
}

fn log(message: &str, exchange: &str) {
    let exchange = strip_str(exchange).to_string();
    debug!(target: "klaviyo_service::exchange", exchange, "{message}");
}

// Writing to a string does not fail.

fn request(sent: &SentRequest) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{TITLE}→ {} {}{TITLE:#}", sent.method, clean(&sent.url));
    if let Some((_, query)) = sent.url.split_once('?') {
        let _ = writeln!(out, "  {FAINT}{}{FAINT:#}", clean(&percent_decode_str(query).decode_utf8_lossy()));
    }
    for (name, value) in &sent.headers {
        let _ = writeln!(out, "  {FAINT}{name}: {}{FAINT:#}", clean(value));
    }
    body(&mut out, &sent.body);
    out
}

fn answer(result: &ExchangeResult, took: Duration) -> String {
    let mut out = String::new();
    let took = took.as_millis();
    match result {
        ExchangeResult::Answer { status, headers, body: text } => {
            let _ = writeln!(out, "{TITLE}← {status}{TITLE:#} {FAINT}after {took} ms{FAINT:#}");
            for (name, value) in headers.iter().filter(|(name, _)| SHOWN_HEADERS.contains(&name.as_str())) {
                let _ = writeln!(out, "  {FAINT}{name}: {}{FAINT:#}", clean(value));
            }
            body(&mut out, text);
        }
        ExchangeResult::NoAnswer(reason) => {
            let _ = writeln!(out, "{BAD}←{BAD:#} no answer after {took} ms: {}", clean(reason));
        }
    }
    out
}

fn body(out: &mut String, text: &str) {
    for line in clean_lines(text) {
        let _ = writeln!(out, "  {line}");
    }
}
