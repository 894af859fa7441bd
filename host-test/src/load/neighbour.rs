//! What a quiet tenant gets beside noisy ones: the times of its calls, alone and while others keep hundreds
//! of calls open that wait for their accounts' pace.

use crate::canary::KEY;
use crate::component::{artifact, built, cache};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_host::types::Identifier;
use klaviyo_host::{Attempt, Bounds, Connector, Pace, Secret, Tenant, Transport};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How much.
#[derive(Clone, Debug, clap::Args)]
pub struct NeighbourSize {
    /// How many calls the quiet tenant makes, alone and again beside the noisy ones
    #[arg(long, default_value_t = 2_000)]
    pub calls: usize,
    /// How many of them at once
    #[arg(long, default_value_t = 4)]
    pub callers: usize,
    /// How many milliseconds Klaviyo takes to answer
    #[arg(long, default_value_t = 50)]
    pub latency: u64,
    /// In how many turns, alone and beside the others
    #[arg(long, default_value_t = 4)]
    pub turns: usize,
    /// How many noisy tenants there are
    #[arg(long, default_value_t = 1)]
    pub noisy: usize,
    /// How many calls each of them keeps open
    #[arg(long, default_value_t = 300)]
    pub at_once: usize,
}

/// Runs it and prints a table.
///
/// # Errors
/// When a call of the quiet tenant fails.
pub fn run(size: &NeighbourSize) -> Result<()> {
    ensure!(size.turns > 0 && size.callers > 0, "there is nothing to do");
    let calls = size.calls / size.turns / size.callers;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let upstream = SlowKlaviyo { latency: Duration::from_millis(size.latency) };
    let connector = Connector::builder().transport(upstream).cache(cache()).load(built(artifact())?)?;
    let tenant = |name: &str| {
        Ok::<_, anyhow::Error>(Tenant::builder(&connector, Secret::new(&format!("{KEY}_{name}"))?))
    };
    let quiet = tenant("quiet")?.pace(Pace::unlimited()).build();
    let noisy =
        (0..size.noisy).map(|n| Ok(tenant(&format!("noisy{n}"))?.build())).collect::<Result<Vec<_>>>()?;

    let ended = Arc::new(AtomicUsize::new(0));
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        // The first calls connect, and fill caches.
        times(&quiet, size.callers, 25).await?;
        for _ in 0..size.turns {
            alone.extend(times(&quiet, size.callers, calls).await?);
            let noise = noise(&noisy, size.at_once, &ended).await?;
            beside.extend(times(&quiet, size.callers, calls).await?);
            drop(noise);
        }
        Ok::<_, anyhow::Error>(())
    })?;

    let calls = alone.len();
    let (alone, beside) = (Percentiles::of(alone)?, Percentiles::of(beside)?);
    let open = size.noisy * size.at_once;
    println!("Klaviyo answers after {} ms; {} calls of the quiet tenant at once", size.latency, size.callers);
    println!("| the quiet tenant | calls | median | 99th percentile |");
    println!("|---|---|---|---|");
    println!("| alone | {calls} | {:.1} ms | {:.1} ms |", alone.median, alone.last);
    println!("| beside {open} calls of others | {calls} | {:.1} ms | {:.1} ms |", beside.median, beside.last);
    println!("| ratio | | {:.2} | {:.2} |", beside.median / alone.median, beside.last / alone.last);
    println!("{} calls of the others ended meanwhile", ended.load(Ordering::Relaxed));
    Ok(())
}

/// Finds nobody, in its time.
struct SlowKlaviyo {
    latency: Duration,
}

impl Transport for SlowKlaviyo {
    fn send(&self, _: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async {
            tokio::time::sleep(self.latency).await;
            Ok(Response::new(Bytes::from_static(br#"{"data":[]}"#)))
        })
    }
}

fn somebody() -> Identifier {
    Identifier::Email("priya@example.com".to_owned())
}

/// How long calls take that so many callers make, each of them one after the other.
async fn times(tenant: &Tenant, callers: usize, calls: usize) -> Result<Vec<Duration>> {
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let tenant = tenant.clone();
        running.spawn(async move {
            let mut times = Vec::with_capacity(calls);
            for _ in 0..calls {
                let start = Instant::now();
                tenant.lookup(&somebody()).await.context("a call of the quiet tenant failed")?;
                times.push(start.elapsed());
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(ended) = running.join_next().await {
        times.extend(ended??);
    }
    Ok(times)
}

/// Keeps so many calls of each tenant open until it is dropped; they have begun when it returns.
async fn noise(tenants: &[Tenant], at_once: usize, ended: &Arc<AtomicUsize>) -> Result<JoinSet<()>> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut noise = JoinSet::new();
    for tenant in tenants {
        for _ in 0..at_once {
            let (tenant, begun, ended) = (tenant.clone(), Arc::clone(&begun), Arc::clone(ended));
            noise.spawn(async move {
                begun.fetch_add(1, Ordering::Relaxed);
                loop {
                    // One that fails for want of a turn is noise, too.
                    drop(tenant.lookup(&somebody()).await);
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    while begun.load(Ordering::Relaxed) < tenants.len() * at_once {
        tokio::task::yield_now().await;
    }
    Ok(noise)
}

/// Of times, in milliseconds.
struct Percentiles {
    median: f64,
    last: f64,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Result<Self> {
        times.sort_unstable();
        let at = |percent: usize| {
            let time = times.get(times.len() * percent / 100).context("there are no times")?;
            Ok::<_, anyhow::Error>(time.as_secs_f64() * 1_000.0)
        };
        Ok(Self { median: at(50)?, last: at(99)? })
    }
}
