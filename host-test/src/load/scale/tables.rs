//! Throughput, and requests by depth of the queue, when nothing goes wrong.

use super::opt_ins::Kind;
use super::traffic::Traffic;
use crate::load::LIST;
use crate::load::caller::Callers;
use crate::load::stage::{Stage, key};
use anyhow::{Result, ensure};
use bytes::Bytes;
use klaviyo_mock::Faults;
use klaviyo_service::key::OptInKey;
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::queue::{Lane, Workers};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const WORKERS: [usize; 3] = [1, 2, 4];
const ACCOUNTS: [usize; 3] = [1, 5, 20];
const DEPTHS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// Opt-ins of each account, in the table of throughput.
const EACH: usize = 5_000;
/// Opt-ins that are put into the queue at once.
const PUT: usize = 1_000;
/// How long Klaviyo takes to answer in this table.
const LATENCY: &str = "*: always latency 200ms";

pub(super) async fn run(doors: usize) -> Result<()> {
    println!("Opt-ins a second, {EACH} at once of each account, Klaviyo's rates, 200 ms for an answer:\n");
    println!(
        "| workers | {} |",
        ACCOUNTS.map(|count| format!("{count} account{}", if count == 1 { "" } else { "s" })).join(" | ")
    );
    println!("|---|{}", "---|".repeat(ACCOUNTS.len()));
    for workers in WORKERS {
        show(&format!("| {workers} |"));
        for accounts in ACCOUNTS {
            show(&format!(" {:.0} |", throughput(workers, accounts).await?));
        }
        println!();
    }

    let mut stage = Stage::new(DEPTHS.len(), doors, Faults::none()).await?;
    let took = fill(&stage).await?;
    let total: usize = DEPTHS.iter().sum();
    println!("\n{doors} front doors took {:.0} opt-ins a second.", total as f64 / took.as_secs_f64());
    stage.add_worker()?;
    drained(&stage).await?;
    println!("\n| waiting | requests | requests an opt-in |\n|---|---|---|");
    for (name, depth) in stage.accounts.iter().zip(DEPTHS) {
        let requests = stage.klaviyo.account_of(&key(name)).map_or(0, |account| account.requests());
        println!("| {depth} | {requests} | {:.4} |", requests as f64 / depth as f64);
    }
    Ok(())
}

/// Prints a part of a line at once: a cell can take a minute.
fn show(text: &str) {
    print!("{text}");
    // If the output is closed, the rest of the table is lost, too.
    let _ = std::io::stdout().flush();
}

/// Opt-ins a second, from the first that is put into the queue to the last that is done.
async fn throughput(workers: usize, accounts: usize) -> Result<f64> {
    let mut stage = Stage::new(accounts, 0, Faults::none().rule(LATENCY.parse()?)).await?;
    for _ in 0..workers {
        stage.add_worker()?;
    }
    // Until all workers have read the accounts twice.
    sleep(2 * Workers::RENEW).await;
    let started = Instant::now();
    let mut filling = JoinSet::new();
    for name in &stage.accounts {
        let (queue, account) = (stage.queue.clone(), name.clone());
        filling.spawn(async move {
            let opt_ins: Vec<(OptInKey, Bytes)> =
                (0..EACH).map(|number| named(&account, number)).collect::<Result<_>>()?;
            for opt_ins in opt_ins.chunks(PUT) {
                for put in queue.put(Lane::OptIns, opt_ins.to_vec()).await {
                    put?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(filled) = filling.join_next().await {
        filled??;
    }
    drained(&stage).await?;
    Ok((EACH * accounts) as f64 / started.elapsed().as_secs_f64())
}

/// An opt-in as a front door puts it into the queue.
fn named(account: &str, number: usize) -> Result<(OptInKey, Bytes)> {
    let mut opt_in: OptIn = serde_json::from_value(Kind::Named.opt_in(account, number))?;
    let id = opt_in.id.insert(number.to_string());
    Ok((OptInKey::new(&opt_in.account, id), opt_in.to_json()))
}

/// Brings the opt-ins of each account to the doors.
async fn fill(stage: &Stage) -> Result<Duration> {
    let started = Instant::now();
    let callers = Callers::of(stage)?;
    let mut bringing = JoinSet::new();
    for (account, count) in stage.accounts.iter().zip(DEPTHS) {
        let (callers, account) = (callers.clone(), account.clone());
        bringing.spawn(Traffic { callers, account, whatsapp: None, brought: Arc::default() }.bring(count));
    }
    while let Some(done) = bringing.join_next().await {
        done??;
    }
    Ok(started.elapsed())
}

/// Waits until everybody is on a list.
async fn drained(stage: &Stage) -> Result<()> {
    stage.drained().await?;
    let members =
        |name: &String| stage.klaviyo.account_of(&key(name)).map_or(0, |account| account.members(LIST).len());
    ensure!(stage.accounts.iter().all(|name| members(name) > 0), "somebody's list is empty");
    Ok(())
}
