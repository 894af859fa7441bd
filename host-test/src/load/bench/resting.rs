//! What the connector takes while it does nothing, and while all of its calls wait.

use super::answers::{connector, one_tenant, somebody};
use super::row::Row;
use crate::component::artifact;
use crate::load::process::resident;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use klaviyo_host::{Attempt, AttemptError, Bounds, Limits, Transport};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const IDLE: Duration = Duration::from_secs(2);
const TENANTS: usize = 100;
const INSTANCES: usize = 10_000;
/// Room for all of them: each tenant may hold fewer places than are free.
const PLACES: u32 = 10_200;

pub(super) fn rows() -> Result<Vec<Row>> {
    Ok(vec![
        Row::new("wake-ups of an idle process in a second", idle()?, "").at_most(0.0),
        Row::new(format!("{INSTANCES} live instances, resident"), instances()? / 1024.0, "MB")
            .at_most(2_000.0),
    ])
}

/// How often any thread but this one wakes up in a second, after a call.
fn idle() -> Result<f64> {
    let begun = Arc::new(AtomicUsize::new(0));
    let tenant = one_tenant(&connector(&artifact(), Limits::default(), Never(begun))?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        // Cancelled: the sandbox is gone then, too.
        let cancelled = tokio::time::timeout(Duration::from_millis(100), tenant.lookup(&somebody())).await;
        ensure!(cancelled.is_err(), "the call ended without an answer");
        Ok(())
    })?;
    // Until whatever ends with the call has ended.
    std::thread::sleep(IDLE / 4);
    let before = wake_ups()?;
    std::thread::sleep(IDLE);
    // This thread woke once.
    Ok(wake_ups()?.saturating_sub(before + 1) as f64 / IDLE.as_secs_f64())
}

/// How often the threads of this process have slept so far.
fn wake_ups() -> Result<u64> {
    let mut sum = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        // One that ends meanwhile sleeps no more.
        let Ok(status) = std::fs::read_to_string(thread?.path().join("status")) else { continue };
        let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += switches.context("a thread does not tell how often it slept")?.trim().parse::<u64>()?;
    }
    Ok(sum)
}

/// Kilobytes that so many calls take while they wait for an answer.
fn instances() -> Result<f64> {
    let begun = Arc::new(AtomicUsize::new(0));
    let limits = Limits { concurrent_calls: PLACES, ..Limits::default() };
    let connector = connector(&artifact(), limits, Never(Arc::clone(&begun)))?;
    let tenants = (0..TENANTS).map(|_| one_tenant(&connector)).collect::<Result<Vec<_>>>()?;
    let before = resident()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let mut waiting = JoinSet::new();
        for (_, tenant) in (0..INSTANCES).zip(tenants.iter().cycle()) {
            let tenant = tenant.clone();
            waiting.spawn(async move { tenant.lookup(&somebody()).await });
        }
        while begun.load(Ordering::Relaxed) < INSTANCES {
            tokio::task::yield_now().await;
            if let Some(ended) = waiting.try_join_next() {
                ended?.context("a call failed")?;
            }
        }
        Ok(resident()?.saturating_sub(before) as f64)
    })
}

/// Never answers.
struct Never(Arc<AtomicUsize>);

impl Transport for Never {
    fn send(&self, _: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending::<Result<_, AttemptError>>())
    }
}
