//! Many calls at once: while Klaviyo takes its time, and while it takes none.

use super::answers::{connector, one_tenant, somebody};
use super::clock::{median, process_cpu};
use super::row::Row;
use crate::component::artifact;
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_host::{Attempt, Bounds, Connector, Limits, Tenant, Transport};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const TENANTS: usize = 8;
const LATENCY: Duration = Duration::from_millis(50);
/// Calls at once that wait for Klaviyo.
const WAITING: usize = 1_000;
/// Room for all of them: each tenant may hold fewer places than are free.
const PLACES: u32 = 1_200;
/// Calls of which each thread makes some, one after the other.
const COMPUTING: usize = 40_000;
const RUNS: usize = 9;

pub(super) fn rows() -> Result<Vec<Row>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let limits = Limits { concurrent_calls: PLACES, ..Limits::default() };
    let slow = connector(&artifact(), limits.clone(), After(LATENCY))?;
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let (took, cpu) = flood(&slow, cores, WAITING, WAITING)?;
        // The first run fills the pool.
        if run > 0 {
            times.push(took.as_secs_f64() * 1e3);
            ratios.push(took.as_secs_f64() / (LATENCY + cpu / u32::try_from(cores)?).as_secs_f64());
        }
    }
    let quick = connector(&artifact(), limits, After(Duration::ZERO))?;
    let mut gains = Vec::new();
    for run in 0..=RUNS {
        let (one, _) = flood(&quick, 1, COMPUTING, 1)?;
        let (all, _) = flood(&quick, cores, COMPUTING, cores)?;
        if run > 0 {
            gains.push(one.as_secs_f64() / all.as_secs_f64());
        }
    }
    let waiting = format!(
        "{WAITING} calls of {TENANTS} tenants at once, Klaviyo answers after {} ms, beside that and CPU / cores",
        LATENCY.as_millis()
    );
    Ok(vec![
        Row::new(waiting, median(&mut ratios)?, "×")
            .at_most(1.2)
            .note(format!("{:.0} ms", median(&mut times)?)),
        Row::new(format!("calls a second on {cores} cores, beside one"), median(&mut gains)?, "×")
            .at_least(0.9 * cores as f64),
    ])
}

/// Makes so many calls, so many of them at once, on so many threads; the time and the computing time.
fn flood(
    connector: &Connector,
    threads: usize,
    calls: usize,
    at_once: usize,
) -> Result<(Duration, Duration)> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_time().build()?;
    let tenants = (0..TENANTS).map(|_| one_tenant(connector)).collect::<Result<Vec<Tenant>>>()?;
    let (start, cpu) = (Instant::now(), process_cpu());
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for (_, tenant) in (0..at_once).zip(tenants.iter().cycle()) {
            let tenant = tenant.clone();
            running.spawn(async move {
                for _ in 0..calls / at_once {
                    tenant.lookup(&somebody()).await?;
                }
                Ok::<_, klaviyo_host::Error>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended?.context("a call failed")?;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok((start.elapsed(), process_cpu().saturating_sub(cpu)))
}

/// Finds nobody, in its time.
struct After(Duration);

impl Transport for After {
    fn send(&self, _: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async {
            if !self.0.is_zero() {
                tokio::time::sleep(self.0).await;
            }
            Ok(Response::new(Bytes::from_static(br#"{"data":[]}"#)))
        })
    }
}
