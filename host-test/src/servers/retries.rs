//! Answers after which a request is repeated, and after which it is not.

use super::lookup::{answer, call, connect, failed, limits, lookup, nobody, succeeded};
use super::server::{Reply, Server};
use crate::suite::block_on;
use anyhow::{Context, Result, ensure};
use klaviyo_host::types::Code;
use klaviyo_host::{Error, Limits};
use std::time::{Duration, SystemTime};

/// A status once, and then an answer.
pub(super) fn recovers(status: &'static str, headers: &'static str, seconds: f64) -> Result<()> {
    let server = Server::start(move |request| match request.number {
        0 => Reply::bytes(&answer(status, headers, "")),
        _ => Reply::bytes(&nobody()),
    })?;
    let called = lookup(&server.url())?;
    let waited = called.as_ref().map(|answer| answer.usage.waited).unwrap_or_default();
    succeeded(called, 2)?;
    let pause = server.pause().context("there was one request only")?;
    let least = Duration::from_secs_f64(seconds);
    ensure!(pause >= least && waited >= least, "the pause was {pause:?}, told as {waited:?}");
    Ok(())
}

pub(super) fn retry_date() -> Result<()> {
    let server = Server::start(|request| {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
        match request.number {
            0 => Reply::bytes(&answer("429 Too Many Requests", &format!("retry-after: {date}\r\n"), "")),
            _ => Reply::bytes(&nobody()),
        }
    })?;
    succeeded(lookup(&server.url())?, 2)?;
    // A date has whole seconds.
    let pause = server.pause().context("there was one request only")?;
    ensure!(pause >= Duration::from_millis(1_900), "the pause was {pause:?}");
    Ok(())
}

pub(super) fn retry_much_later() -> Result<()> {
    let server =
        Server::start(|_| Reply::bytes(&answer("429 Too Many Requests", "retry-after: 3600\r\n", "")))?;
    let called = lookup(&server.url())?;
    let told = called.as_ref().err().and_then(Error::retry_after);
    ensure!(told == Some(Duration::from_secs(3600)), "it was told {told:?}");
    failed(called, Code::RateLimited, 1)
}

pub(super) fn gives_up(status: &'static str, code: Code) -> Result<()> {
    let server = Server::start(move |_| Reply::bytes(&answer(status, "", "")))?;
    let limits = Limits { attempts: 3, ..limits() };
    failed(block_on(call(&connect(&server.url(), limits)?))?, code, 3)?;
    ensure!(server.requests() == 3, "{} requests came", server.requests());
    Ok(())
}

pub(super) fn once(status: &'static str, code: Code) -> Result<()> {
    let server =
        Server::start(move |_| Reply::bytes(&answer(status, "content-type: text/html\r\n", "<html>")))?;
    failed(lookup(&server.url())?, code, 1)?;
    ensure!(server.requests() == 1, "{} requests came", server.requests());
    Ok(())
}
