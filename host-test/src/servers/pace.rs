//! Answers that come too slowly or without an end, and calls beside them.

use super::lookup::{answer, call, connect, failed, limits, lookup, nobody, tenant};
use super::server::{Reply, Server};
use crate::canary::KEY;
use crate::suite::block_on;
use anyhow::{Result, bail, ensure};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use klaviyo_host::types::{Code, Identifier};
use klaviyo_host::{Limits, Secret, Tenant};
use std::time::Duration;

pub(super) fn slowly(first: &str, again: &str, pause: Duration) -> Result<Server> {
    let (first, again) = (first.as_bytes().to_vec(), again.as_bytes().to_vec());
    Server::start(move |_| Reply::Endless(first.clone(), again.clone(), pause))
}

pub(super) fn stalled(first: &str) -> Result<()> {
    let server = slowly(first, "", Duration::from_millis(50))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

pub(super) fn slow_headers() -> Result<()> {
    let server = slowly("HTTP/1.1 200 OK\r\n", "x-slow: 1\r\n", Duration::from_millis(50))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

pub(super) fn slow_body() -> Result<()> {
    let server = slowly("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n", " ", Duration::from_millis(50))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

pub(super) fn endless_informational() -> Result<()> {
    let server = slowly("", "HTTP/1.1 103 Early Hints\r\n\r\n", Duration::from_millis(5))?;
    failed(lookup(&server.url())?, Code::Timeout, 2)
}

pub(super) fn endless_body() -> Result<()> {
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let server = slowly("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &chunk, Duration::ZERO)?;
    let limits = Limits { attempt: Duration::from_secs(30), ..limits() };
    failed(block_on(call(&connect(&server.url(), limits)?))?, Code::TooLarge, 1)
}

pub(super) fn slow_for_one() -> Result<()> {
    let server = Server::start(|request| {
        let slow = String::from_utf8_lossy(&request.bytes).contains("slow");
        if slow {
            Reply::Endless(Vec::new(), Vec::new(), Duration::from_millis(50))
        } else {
            Reply::Keep(nobody().into())
        }
    })?;
    let limits = Limits { attempt: Duration::from_secs(3), attempts: 1, ..limits() };
    let connector = connect(&server.url(), limits)?;
    block_on(async {
        let tenant = tenant(&connector)?;
        let by = Identifier::Email("slow@example.com".to_owned());
        let mut slow = Box::pin(tenant.lookup(&by));
        let others = async {
            for _ in 0..50 {
                call(&connector).await??;
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::select! {
            others = others => others,
            slow = &mut slow => bail!("the slow one was first: {slow:?}"),
        }
    })
}

/// A server that lets the account ask again after so many seconds.
fn pausing(seconds: u32) -> Result<Server> {
    let headers = format!("ratelimit-remaining: 0\r\nratelimit-reset: {seconds}\r\n");
    Server::start(move |_| Reply::Keep(answer("200 OK", &headers, r#"{"data":[]}"#).into()))
}

pub(super) fn turn_after_the_time() -> Result<()> {
    let server = pausing(1)?;
    let limits = Limits { time: Duration::from_millis(500), ..limits() };
    let tenant = tenant(&connect(&server.url(), limits)?)?;
    block_on(async {
        let by = Identifier::Email("priya@example.com".to_owned());
        tenant.lookup(&by).await?;
        let second = tenant.lookup(&by).await?;
        ensure!(second.usage.waited >= Duration::from_millis(900), "{:?}", second.usage);
        Ok(())
    })
}

pub(super) fn turn_too_late() -> Result<()> {
    let server = pausing(25)?;
    let limits = Limits { wait: Duration::from_secs(20), ..limits() };
    let tenant = tenant(&connect(&server.url(), limits)?)?;
    block_on(async {
        let by = Identifier::Email("priya@example.com".to_owned());
        tenant.lookup(&by).await?;
        // At once: nobody waits for what will not come in time.
        let second = tokio::time::timeout(Duration::from_secs(10), tenant.lookup(&by)).await?;
        failed(second, Code::Timeout, 0)
    })
}

pub(super) fn paced_for_one() -> Result<()> {
    let server = Server::start(|request| {
        let noisy = String::from_utf8_lossy(&request.bytes).contains("noisy");
        let headers = if noisy { "ratelimit-remaining: 0\r\nratelimit-reset: 25\r\n" } else { "" };
        Reply::Keep(answer("200 OK", headers, r#"{"data":[]}"#).into())
    })?;
    let connector = connect(&server.url(), limits())?;
    block_on(async {
        let noisy = Tenant::new(&connector, Secret::new(&format!("{KEY}_noisy"))?);
        let by = Identifier::Email("priya@example.com".to_owned());
        // From its answer on, the tenant has to wait.
        noisy.lookup(&by).await?;
        let mut waiting: FuturesUnordered<_> = (0..300).map(|_| noisy.lookup(&by)).collect();
        let others = async {
            for _ in 0..50 {
                call(&connector).await??;
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::select! {
            biased;
            ended = waiting.next() => bail!("one that has to wait was first: {ended:?}"),
            others = others => others,
        }?;
        ensure!(server.requests() == 51, "{} requests came", server.requests());
        Ok(())
    })
}
