//! Front doors, a queue and workers, as processes of their own, against a Klaviyo that keeps to its rates:
//! every opt-in and every opt-out ends once, and has one answer if it came by WhatsApp, whatever goes wrong and whoever is
//! killed.

mod check;
mod memory;
mod opt_ins;
mod recovery;
mod tables;
mod traffic;

use crate::load::caller::Callers;
use crate::load::disruption::{DISRUPTIONS, Disrupted};
use crate::load::stage::{Stage, key};
use crate::load::{PATIENCE, faults, statuses};
use anyhow::{Result, ensure};
use klaviyo_service::queue::Lane;
use klaviyo_whatsapp_mock::WhatsApp;
use opt_ins::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use traffic::Traffic;

/// How much faster the time of WhatsApp goes when nothing but webhooks is left.
const HURRY: Duration = Duration::from_secs(1);
/// Webhooks of an account at once.
const LANES: usize = 4;
/// At most so many requests in a hundred may be over an account's rate.
const OVER_RATE_PERCENT: f64 = 1.0;

/// How many opt-ins, accounts and processes.
#[derive(Clone, Debug, clap::Args)]
pub struct ScaleSize {
    /// What the faults, and who is killed, are drawn by
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many opt-ins, of all accounts together
    #[arg(long, default_value_t = 200_000)]
    pub opt_ins: usize,
    /// How many accounts
    #[arg(long, default_value_t = 20)]
    pub accounts: usize,
    /// How many front doors
    #[arg(long, default_value_t = 2)]
    pub doors: usize,
    /// How many workers
    #[arg(long, default_value_t = 4)]
    pub workers: usize,
    /// Nobody writes by WhatsApp, and nobody opts out
    #[arg(long)]
    pub one_way: bool,
    /// Nothing goes wrong; print the throughput of 1, 2 and 4 workers for 1, 5 and 20 accounts, and the
    /// requests by depth of the queue
    #[arg(long, conflicts_with_all = ["opt_ins", "accounts", "workers", "one_way"])]
    pub tables: bool,
    /// Nothing goes wrong; print the most memory that a door and a worker take, with opt-ins that are made to
    /// take much
    #[arg(long, conflicts_with_all = ["opt_ins", "accounts", "doors", "workers", "one_way", "tables"])]
    pub memory: bool,
}

/// Runs it and prints what happened.
///
/// # Errors
/// When an opt-in is lost, or has another end than it must have; when Klaviyo holds anything else than was
/// accepted; when an account goes over its rate.
pub fn run(size: &ScaleSize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if size.tables {
        return runtime.block_on(tables::run(size.doors));
    }
    if size.memory {
        return runtime.block_on(memory::run());
    }
    ensure!(
        size.accounts > 0 && size.doors > 0 && size.workers > 0 && size.opt_ins >= size.accounts,
        "there is nothing to do"
    );
    fastrand::seed(size.seed);
    runtime.block_on(async {
        let mut stage =
            Stage::with_businesses(size.accounts, size.doors, faults(size.seed)?, |place, business| {
                Ok(business.seed(size.seed * 1_000 + place as u64).lanes(LANES).refuse_later())
            })
            .await?;
        for _ in 0..size.workers {
            stage.add_worker()?;
        }
        match play(&mut stage, size).await {
            Ok(()) => Ok(()),
            Err(error) => {
                eprintln!("{}", stage.last_words());
                Err(error)
            }
        }
    })
}

async fn play(stage: &mut Stage, size: &ScaleSize) -> Result<()> {
    let (each, both_ways) = (size.opt_ins / size.accounts, !size.one_way);
    let opt_ins = each * size.accounts;
    let leaving = (0..each).filter(|number| Kind::of(*number, both_ways).leaves()).count() * size.accounts;
    println!(
        "{opt_ins} opt-ins and {leaving} opt-outs of {} accounts, {} front doors, {} workers, 10 % faults, seed {}",
        size.accounts, size.doors, size.workers, size.seed
    );
    let started = Instant::now();
    let callers = Callers::of(stage)?;
    let brought = Arc::new(AtomicUsize::new(0));
    let mut bringing = JoinSet::new();
    for (account, whatsapp) in stage.accounts.iter().zip(&stage.whatsapp) {
        let whatsapp = both_ways.then(|| WhatsApp::clone(whatsapp));
        let (callers, account, brought) = (callers.clone(), account.clone(), Arc::clone(&brought));
        bringing.spawn(Traffic { callers, account, whatsapp, brought }.bring(each));
    }
    let accepted = async {
        let mut all = Vec::new();
        while let Some(done) = bringing.join_next().await {
            all.push(done??);
        }
        Ok(all)
    };
    let (all, disrupted) = tokio::try_join!(accepted, disrupt(stage, opt_ins + leaving, &brought))?;
    let took = started.elapsed().as_secs_f64();
    println!("  {disrupted} on the way; {} requests to the doors repeated", callers.repeated());
    let (done, dead) = check::ended(stage, &all, both_ways).await?;
    println!("  {done} signed opt-ins done, {dead} dead letters, nothing lost");
    println!("  all has ended after {took:.0} s, {:.0} opt-ins a second", opt_ins as f64 / took);
    check::asked(&callers, &all, both_ways).await?;
    check::members(stage, each, both_ways)?;
    println!("  the lists have the accepted people who have not left, each once, and nobody else");
    if both_ways {
        println!("  who wrote and has not left has consent to WhatsApp, and nobody else");
        check::answers(stage, &all, disrupted.killed()).await?;
        statuses::check(stage).await?;
    }
    let requests = stage.klaviyo.requests();
    let throttled: u64 = stage.accounts.iter().map(|name| throttled(stage, name)).sum();
    let percent = 100.0 * throttled as f64 / requests as f64;
    println!(
        "  {requests} requests to Klaviyo, {:.3} an opt-in; {throttled} of them over a rate ({percent:.2} %)",
        requests as f64 / opt_ins as f64
    );
    ensure!(percent < OVER_RATE_PERCENT, "{throttled} of {requests} requests were over a rate");
    recovery::recovery(stage, &callers).await?;
    println!("  neither a key nor a person is in {} lines of log", stage.logs_are_clean()?);
    Ok(())
}

fn throttled(stage: &Stage, account: &str) -> u64 {
    stage.klaviyo.account_of(&key(account)).map_or(0, |account| account.throttled())
}

/// Kills processes while the opt-ins and the opt-outs end, until all have ended and nothing else is left to do.
async fn disrupt(stage: &mut Stage, total: usize, brought: &AtomicUsize) -> Result<Disrupted> {
    let mut disrupted = Disrupted::default();
    let mut troubles = DISRUPTIONS.iter().enumerate();
    let mut next = troubles.next();
    let begun = Instant::now();
    let (mut last, mut since) = ((0, 0, 0), begun);
    loop {
        sleep(Duration::from_millis(100)).await;
        // NATS may be restarting.
        let Ok(waiting) = stage.queue.waiting().await else { continue };
        let lanes =
            |lane: &Lane| waiting.accounts.values().filter_map(|lanes| lanes.get(lane)).sum::<usize>();
        // What is on its way to the queue counts as waiting.
        let open = lanes(&Lane::OptIns) + lanes(&Lane::OptOuts);
        let settled = brought.load(Ordering::Relaxed).saturating_sub(open);
        let webhooks = stage.whatsapp.iter().map(|whatsapp| whatsapp.waiting()).sum::<usize>();
        let now = (settled, waiting.total(), webhooks);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < PATIENCE, "{settled} of {total} are settled, and no more come");
        match next {
            Some((n, disruption)) if settled > total * n / DISRUPTIONS.len() => {
                println!(
                    "  {:>6.1} s  {settled} have ended; {}",
                    begun.elapsed().as_secs_f64(),
                    disruption.description()
                );
                stage.disrupt(*disruption, &mut disrupted)?;
                next = troubles.next();
            }
            None if settled == total && waiting.is_empty() => {
                if webhooks == 0 {
                    return Ok(disrupted);
                }
                // Meta repeats a webhook after longer and longer pauses. They are not waited for.
                stage.whatsapp.iter().for_each(|whatsapp| whatsapp.advance(HURRY));
            }
            _ => {}
        }
    }
}
