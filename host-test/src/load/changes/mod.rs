//! What changed since the last look, told by the connector while it changes, comes late and out of order, while
//! one request in ten goes wrong, and while the reader is killed.

mod check;
mod feed;
mod ledger;
mod reader;
mod source;
mod world;
mod writer;

use crate::component::artifact;
use anyhow::{Result, bail, ensure};
use feed::Feed;
use parking_lot::Mutex;
use reader::Reader;
use source::{InComponent, Natively, Source};
use std::sync::Arc;
use std::time::{Duration, Instant};
use world::World;

/// The longest that anything takes until readers see it.
const LATENESS: Duration = Duration::from_secs(100);
/// Events happen so long before they are reported, at most.
const REPORTED_AFTER: Duration = Duration::from_secs(5);
/// What the reader asks for, in seconds: both of these, a second each for the rounding of times and for jobs, and
/// little more.
const LOOK_BACK: u32 = 110;

/// How many profiles, and what chance draws.
#[derive(Clone, Debug, clap::Args)]
pub struct ChangesSize {
    /// What the changes, the delays, the faults and the moments to kill are drawn by
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many profiles there are in the end
    #[arg(long, default_value_t = 100_000)]
    pub profiles: usize,
    /// Read with klaviyo-core instead of the component
    #[arg(long)]
    pub native: bool,
}

/// Runs it, and prints what happened.
///
/// # Errors
/// When something that changed was not told, or was told twice without a kill, or out of order.
pub fn run(size: &ChangesSize) -> Result<()> {
    ensure!(size.profiles >= 10, "it needs at least 10 profiles");
    let started = Instant::now();
    println!("{} profiles, a look-back of {LOOK_BACK} s, seed {}", size.profiles, size.seed);
    let world = Arc::new(Mutex::new(World::new(size.profiles, size.seed)?));
    let source: Box<dyn Source> = if size.native {
        Box::new(Natively::new(Arc::clone(&world)))
    } else {
        Box::new(InComponent::load(&artifact(), Arc::clone(&world))?)
    };
    let folder = tempfile::tempdir()?;
    let mut reader = Reader::start(source.as_ref(), Arc::clone(&world), folder.path(), size);
    reader.read_all()?;
    let took = started.elapsed();

    let world = world.lock();
    let (ledger, counts) = (&reader.ledger, &reader.counts);
    let journal = check::journal(&world.simulator().account());
    println!(
        "  {:<9}{:>9}{:>9}{:>8}{:>13}{:>13}{:>8}",
        "", "present", "told", "missed", "told again", "told twice", "order"
    );
    let mut wrong = Vec::new();
    for feed in Feed::ALL {
        let (told, expected) = (ledger.of(feed), journal.of(feed));
        let missed: Vec<&String> = expected.iter().filter(|key| !told.has(key)).collect();
        println!(
            "  {:<9}{:>9}{:>9}{:>8}{:>13}{:>13}{:>8}",
            feed.name(),
            expected.len(),
            told.len(),
            missed.len(),
            format!("{} of {}", told.again, told.exposed),
            told.twice.len(),
            told.disordered.len(),
        );
        for (what, keys) in [
            ("missed", missed),
            ("told twice", told.twice.iter().collect()),
            ("out of order", told.disordered.iter().collect()),
        ] {
            wrong.extend(
                keys.first().map(|key| format!("{} {}: {what}, such as {key}", keys.len(), feed.name())),
            );
        }
    }
    println!("  told again: after a kill, of those told after the cursor that was kept");
    println!(
        "  {} calls, {} requests, {} rounds, {} kills",
        counts.calls, world.requests, counts.rounds, counts.kills
    );
    println!("  the longest cursor has {} characters", counts.longest_cursor);
    for (rule, times) in world.simulator().faults() {
        println!("  {times:>6} × {rule}");
    }
    println!("  {:>6} × no answer in time", world.unanswered);
    let failed: Vec<String> = counts.failed.iter().map(|(code, times)| format!("{times} {code}")).collect();
    println!(
        "  calls that failed and were repeated: {}",
        if failed.is_empty() { "none".to_owned() } else { failed.join(", ") }
    );
    println!("  {:.1} s", took.as_secs_f64());
    if !wrong.is_empty() {
        bail!("seed {}: {}", size.seed, wrong.join("; "));
    }
    println!(
        "every profile as it is now, every membership and every event was told, and none twice without a kill"
    );
    Ok(())
}
