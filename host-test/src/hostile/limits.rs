//! What a guest may use.

use super::guest::{Recorder, call, failed_with, guest, load, small, stopped_by, with};
use crate::suite::block_on;
use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use klaviyo_host::types::Code;
use klaviyo_host::{Connector, Limit, Limits, LoadError};
use std::time::Duration;

pub(super) fn spin() -> Result<()> {
    // A hundred turns for the others, of which a busy machine may leave a few.
    let limits = Limits { cpu: Duration::from_secs(1), ..small() };
    let connector = load("spin", Connector::builder().limits(limits).transport(Recorder::default()))?;
    // On one thread: the other future makes progress only if the guest lets it.
    let mut steps = 0;
    let called = block_on(async {
        let others = async {
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                steps += 1;
            }
        };
        tokio::select! {
            called = call(&connector) => called,
            () = others => bail!("it ended"),
        }
    })?;
    ensure!(steps >= 3, "the others came to {steps} steps");
    stopped_by(called, Limit::Cpu)
}

pub(super) fn spin_long() -> Result<()> {
    let limits = Limits { cpu: Duration::from_secs(3600), time: Duration::from_millis(200), ..small() };
    stopped_by(with("spin", limits)?.0, Limit::Time)
}

pub(super) fn spin_between() -> Result<()> {
    let limits = Limits { cpu: Duration::from_millis(200), requests: 100_000, ..small() };
    stopped_by(with("spin-between", limits)?.0, Limit::Cpu)
}

pub(super) fn start() -> Result<()> {
    let limits = Limits { cpu: Duration::from_secs(3600), time: Duration::from_millis(200), ..small() };
    stopped_by(with("start", limits)?.0, Limit::Time)?;
    stopped_by(with("start", Limits { cpu: Duration::from_millis(200), ..small() })?.0, Limit::Cpu)
}

pub(super) fn denied_flood() -> Result<()> {
    let (called, recorder) = with("denied-flood", small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    stopped_by(called, Limit::Requests)
}

pub(super) fn many_headers() -> Result<()> {
    bounded("many-headers", "Limits::header_bytes", None)?;
    // However high the limit is, there are more than a message can have.
    let (called, recorder) = with("many-headers", Limits { header_bytes: 10_000_000, ..small() })?;
    ensure!(recorder.sent() == 0, "it was sent");
    failed_with(called, Code::Denied, "more headers than there can be")
}

pub(super) fn grow_memory() -> Result<()> {
    stopped_by(with("grow-memory", Limits { memory: 8 << 20, ..small() })?.0, Limit::Memory)
}

pub(super) fn grow_table() -> Result<()> {
    stopped_by(with("grow-table", Limits { table_elements: 5_000, ..small() })?.0, Limit::TableElements)
}

pub(super) fn recurse() -> Result<()> {
    stopped_by(with("recurse", small())?.0, Limit::Stack)
}

pub(super) fn flood() -> Result<()> {
    let (called, recorder) = with("flood", Limits { requests: 25, ..small() })?;
    ensure!(recorder.sent() == 25, "{} requests were sent", recorder.sent());
    failed_with(called, Code::Denied, "Limits::requests")
}

/// Too large by default, and sent when the limit is raised: it is the limit that stops it.
pub(super) fn bounded(name: &str, setting: &str, raised: Option<Limits>) -> Result<()> {
    let (called, recorder) = with(name, small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    failed_with(called, Code::TooLarge, setting)?;
    let Some(raised) = raised else { return Ok(()) };
    let (called, recorder) = with(name, raised)?;
    ensure!(called.is_ok() && recorder.sent() == 1, "it was not sent when it was allowed: {called:?}");
    Ok(())
}

pub(super) fn large_body() -> Result<()> {
    bounded("large-body", "Limits::request_bytes", Some(Limits { request_bytes: 6_000_000, ..small() }))
}

pub(super) fn large_header() -> Result<()> {
    bounded("large-header", "Limits::header_bytes", Some(Limits { header_bytes: 61_000, ..small() }))
}

pub(super) fn large_url() -> Result<()> {
    bounded("large-url", "Limits::header_bytes", Some(Limits { header_bytes: 61_000, ..small() }))
}

pub(super) fn hand_over() -> Result<()> {
    let (called, recorder) = with("hand-over", small())?;
    ensure!(recorder.sent() == 0, "it was sent");
    stopped_by(called, Limit::HostcallFuel)?;
    let raised = Limits { hostcall_fuel: 41_000_000, request_bytes: 40_000_000, ..small() };
    let (called, recorder) = with("hand-over", raised)?;
    ensure!(called.is_ok() && recorder.sent() == 1, "it was not sent when it was allowed: {called:?}");
    Ok(())
}

pub(super) fn wait() -> Result<()> {
    let recorder = Recorder { silent: true, ..Recorder::default() };
    let limits = Limits { time: Duration::from_millis(300), ..small() };
    let connector = load("get", Connector::builder().limits(limits).transport(recorder))?;
    failed_with(block_on(call(&connector))?, Code::Timeout, "Limits::time")
}

pub(super) fn crowd() -> Result<()> {
    let recorder = Recorder { silent: true, ..Recorder::default() };
    let time = Duration::from_millis(300);
    let limits = Limits { concurrent_calls: 1, time, wait: time, ..Limits::default() };
    let connector = load("get", Connector::builder().limits(limits).transport(recorder.clone()))?;
    block_on(async {
        let mut first = Box::pin(call(&connector));
        ensure!(tokio::time::timeout(time / 3, &mut first).await.is_err(), "it was answered");
        // The first one is not polled any more, and keeps its place.
        stopped_by(call(&connector).await?, Limit::Wait)?;
        ensure!(recorder.sent() == 1, "the second one has sent something");
        // The call is given up, and its place is free again.
        drop(first);
        failed_with(call(&connector).await?, Code::Timeout, "Limits::time")?;
        ensure!(recorder.sent() == 2, "there was no place");
        Ok(())
    })
}

pub(super) fn large_answer() -> Result<()> {
    let answer = Some(Bytes::from(vec![b' '; 2_000_000]));
    let recorder = Recorder { answer, ..Recorder::default() };
    let limits = Limits { response_bytes: 1_000_000, ..small() };
    let connector = load("get", Connector::builder().limits(limits).transport(recorder))?;
    failed_with(block_on(call(&connector))?, Code::TooLarge, "Limits::response_bytes")
}

pub(super) fn two_memories() -> Result<()> {
    let load = |components| {
        let limits = Limits { components, ..small() };
        Connector::builder().limits(limits).load(guest("two-memories"))
    };
    match (load(1), load(2)) {
        // With room for both memories, only its exports are wrong.
        (Err(LoadError::Compile(_)), Err(LoadError::Exports(_))) => Ok(()),
        (one, two) => bail!("with one: {one:?}; with two: {two:?}"),
    }
}
