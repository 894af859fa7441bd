//! Times: by criterion, by the processor's clock, and of two things in turns.

use anyhow::{Context, Result};
use criterion::Criterion;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Criterion, and where it writes what it found.
pub(super) struct Timer {
    criterion: Criterion,
    folder: TempDir,
}

impl Timer {
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let criterion = Criterion::default()
            .without_plots()
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(3))
            .output_directory(folder.path());
        Ok(Self { criterion, folder })
    }

    /// The median time of a call, in microseconds.
    pub(super) fn median(&mut self, name: &str, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
        let mut failed = None;
        self.criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                if let Err(error) = call() {
                    failed = Some(error);
                }
            });
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let estimates = std::fs::read_to_string(self.folder.path().join(name).join("new/estimates.json"))?;
        let estimates: Value = serde_json::from_str(&estimates)?;
        let nanoseconds = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
        Ok(nanoseconds.context("criterion has found no median")? / 1e3)
    }
}

/// What two things take, each so often in turns: their medians, in microseconds, and the median of the first's part of
/// the second, turn by turn.
pub(super) fn in_turns(
    turns: usize,
    mut first: impl FnMut() -> Result<Duration>,
    mut second: impl FnMut() -> Result<Duration>,
) -> Result<(f64, f64, f64)> {
    let (mut firsts, mut seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=turns {
        let (one, other) = (first()?.as_secs_f64() * 1e6, second()?.as_secs_f64() * 1e6);
        // The first turn fills caches.
        if turn > 0 {
            firsts.push(one);
            seconds.push(other);
            ratios.push(one / other);
        }
    }
    Ok((median(&mut firsts)?, median(&mut seconds)?, median(&mut ratios)?))
}

/// How long a call takes, of so many one after the other.
pub(super) fn each(calls: u32, mut call: impl FnMut() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(start.elapsed() / calls)
}

pub(super) fn median(values: &mut [f64]) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was measured")
}

/// The computing time of this process so far.
pub(super) fn process_cpu() -> Duration {
    cpu(ClockId::ProcessCPUTime)
}

/// The computing time of this thread so far.
pub(super) fn thread_cpu() -> Duration {
    cpu(ClockId::ThreadCPUTime)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
