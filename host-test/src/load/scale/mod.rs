//! Front doors, a queue and workers, as processes of their own, against a Klaviyo that keeps to its rates:
//! every opt-in ends once, whatever goes wrong and whoever is killed.

mod memory;
mod opt_ins;
mod tables;

use crate::load::caller::Callers;
use crate::load::disruption::{DISRUPTIONS, Disrupted};
use crate::load::stage::{Stage, key};
use crate::load::{LIST, PATIENCE, faults};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_service::outcome::Outcome;
use opt_ins::{End, Kind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Opt-ins in a request.
const REQUEST: usize = 100;
/// One request in so many is made twice.
const TWICE: usize = 20;
/// Questions to the queue at once.
const AT_ONCE: usize = 128;
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
    /// Nothing goes wrong; print the throughput of 1, 2 and 4 workers for 1, 5 and 20 accounts, and the
    /// requests by depth of the queue
    #[arg(long, conflicts_with_all = ["opt_ins", "accounts", "workers"])]
    pub tables: bool,
    /// Nothing goes wrong; print the most memory that a door and a worker take, with opt-ins that are made to
    /// take much
    #[arg(long, conflicts_with_all = ["opt_ins", "accounts", "doors", "workers", "tables"])]
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
        let mut stage = Stage::new(size.accounts, size.doors, faults(size.seed)?).await?;
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
    let each = size.opt_ins / size.accounts;
    let total = each * size.accounts;
    println!(
        "{total} opt-ins of {} accounts, {} front doors, {} workers, 10 % faults, seed {}",
        size.accounts, size.doors, size.workers, size.seed
    );
    let started = Instant::now();
    let callers = Callers::of(stage)?;
    let brought = Arc::new(AtomicUsize::new(0));
    let mut bringing = JoinSet::new();
    for account in &stage.accounts {
        bringing.spawn(bring(callers.clone(), account.clone(), each, Arc::clone(&brought)));
    }
    let accepted = async {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(done) = bringing.join_next().await {
            let (account, accepted) = done??;
            ids.insert(account, accepted);
        }
        Ok(ids)
    };
    let (ids, killed) = tokio::try_join!(accepted, disrupt(stage, total, &brought))?;
    let took = started.elapsed();
    println!("  {killed} on the way; {} requests to the doors repeated", callers.repeated());
    let (done, dead) = ended(stage, &ids).await?;
    println!("  {done} done, {dead} dead letters, nothing lost, after {:.0} s", took.as_secs_f64());
    asked(&callers, &ids).await?;
    members(stage, each).await?;
    println!("  the lists have the accepted people, each once, and nobody else");
    let requests = stage.klaviyo.requests();
    let throttled: u64 = stage.accounts.iter().map(|name| throttled(stage, name)).sum();
    let percent = 100.0 * throttled as f64 / requests as f64;
    println!(
        "  {requests} requests to Klaviyo, {:.3} an opt-in; {throttled} of them over a rate ({percent:.2} %)",
        requests as f64 / total as f64
    );
    ensure!(percent < OVER_RATE_PERCENT, "{throttled} of {requests} requests were over a rate");
    recovery(stage, &callers).await?;
    println!("  neither a key nor a person is in {} lines of log", stage.logs_are_clean()?);
    Ok(())
}

fn throttled(stage: &Stage, account: &str) -> u64 {
    stage.klaviyo.account_of(&key(account)).map_or(0, |account| account.throttled())
}

/// Brings the opt-ins of one account. Returns the ids, in their order.
async fn bring(
    callers: Callers,
    account: String,
    count: usize,
    brought: Arc<AtomicUsize>,
) -> Result<(String, Vec<String>)> {
    let mut ids = Vec::with_capacity(count);
    let numbers: Vec<usize> = (0..count).collect();
    for (n, numbers) in numbers.chunks(REQUEST).enumerate() {
        let opt_ins: Vec<Value> =
            numbers.iter().map(|number| Kind::of(*number).opt_in(&account, *number)).collect();
        let id = format!("msg_{n}");
        let accepted = callers.bring(&account, &id, &opt_ins).await?;
        if n.is_multiple_of(TWICE) {
            callers.bring(&account, &id, &opt_ins).await?;
        }
        brought.fetch_add(accepted.len(), Ordering::Relaxed);
        ids.extend(accepted);
    }
    Ok((account, ids))
}

/// Kills processes while the opt-ins end, until all have ended.
async fn disrupt(stage: &mut Stage, total: usize, brought: &AtomicUsize) -> Result<Disrupted> {
    let mut disrupted = Disrupted::default();
    let mut troubles = DISRUPTIONS.iter().enumerate();
    let mut next = troubles.next();
    let begun = Instant::now();
    let (mut most, mut since) = (0, begun);
    loop {
        sleep(Duration::from_millis(100)).await;
        // NATS may be restarting.
        let Ok(waiting) = stage.queue.waiting().await else { continue };
        // What is on its way to the queue counts as waiting.
        let settled = brought.load(Ordering::Relaxed).saturating_sub(waiting.total());
        if settled > most {
            (most, since) = (settled, Instant::now());
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
            None if settled == total => return Ok(disrupted),
            _ => {}
        }
    }
}

/// Fails unless every opt-in has the end that it must have, dead letters included.
async fn ended(stage: &Stage, ids: &BTreeMap<String, Vec<String>>) -> Result<(usize, usize)> {
    let (mut done, mut dead) = (0, BTreeSet::new());
    for (account, ids) in ids {
        let outcomes = stream::iter(ids.iter().enumerate()).map(|(number, id)| async move {
            let (key, sequence) = id.rsplit_once('.').context("not an id")?;
            let outcome = stage.queue.outcome(&key.parse()?, sequence.parse()?).await?;
            anyhow::Ok((number, key, outcome.with_context(|| format!("{id} is lost"))?))
        });
        let outcomes: Vec<(usize, &str, Outcome)> = outcomes.buffered(AT_ONCE).try_collect().await?;
        for (number, key, outcome) in outcomes {
            match (Kind::of(number).end(number), outcome) {
                (End::Member(_), Outcome::Done(receipt)) if receipt.list_id == LIST => done += 1,
                (End::Dead(code), Outcome::Dead(reason)) if reason.code == code => {
                    dead.insert(key.to_owned());
                }
                (expected, outcome) => {
                    bail!("number {number} of {account} should end as {expected:?}, and did as {outcome:?}")
                }
            }
        }
    }
    let letters: BTreeSet<String> =
        stage.queue.dead(None).await?.iter().map(|letter| letter.key.to_string()).collect();
    ensure!(letters == dead, "{} opt-ins are dead, and there are {} letters", dead.len(), letters.len());
    Ok((done, dead.len()))
}

/// Fails unless a door reports the outcome of some of them.
async fn asked(callers: &Callers, ids: &BTreeMap<String, Vec<String>>) -> Result<()> {
    for (account, ids) in ids {
        let number = fastrand::usize(..ids.len());
        let id = ids.get(number).context("there is none")?;
        let told = callers.ask(account, id).await?;
        let expected = match Kind::of(number).end(number) {
            End::Member(_) => "done",
            End::Dead(_) => "dead",
        };
        ensure!(told.get("state").and_then(Value::as_str) == Some(expected), "{id} is {told}");
    }
    Ok(())
}

/// Fails unless the lists have the accepted people, and nobody else.
async fn members(stage: &Stage, each: usize) -> Result<()> {
    let expected: BTreeSet<String> = (0..each)
        .filter_map(|number| match Kind::of(number).end(number) {
            End::Member(email) => Some(email),
            End::Dead(_) => None,
        })
        .collect();
    for name in &stage.accounts {
        let account = stage.klaviyo.account_of(&key(name)).context("there is no account")?;
        let email = |id: String| {
            let profile = account.profile("id", &id)?;
            profile.attributes.get("email")?.as_str().map(str::to_ascii_lowercase)
        };
        let members: Vec<String> = account.members(LIST).into_iter().filter_map(email).collect();
        let there: BTreeSet<String> = members.iter().cloned().collect();
        ensure!(members.len() == there.len(), "somebody is on the list of {name} twice");
        let missing: Vec<&String> = expected.difference(&there).take(3).collect();
        let more: Vec<&String> = there.difference(&expected).take(3).collect();
        ensure!(
            missing.is_empty() && more.is_empty(),
            "on the list of {name} {missing:?} are missing, and {more:?} too many"
        );
        ensure!(account.profiles().len() == there.len(), "{name} has profiles that are on no list");
    }
    Ok(())
}

/// How long it takes until opt-ins are done again when the worker of an account was killed, and when NATS
/// was.
async fn recovery(stage: &mut Stage, callers: &Callers) -> Result<()> {
    let account = stage.accounts.first().context("there is no account")?.clone();
    let list = serde_json::json!({ "account": account, "list": LIST });
    let opt_in = async |name: &str| {
        let mut opt_in = list.clone();
        if let Some(opt_in) = opt_in.as_object_mut() {
            opt_in.insert("email".to_owned(), format!("{name}@example.com").into());
        }
        let ids = callers.bring(&account, name, &[opt_in]).await?;
        callers.until_done(&account, ids.first().context("no id")?).await
    };
    opt_in("before").await?;
    let owner = owner(stage, &account).await?;
    drop(stage.workers.swap_remove(owner));
    let killed = Instant::now();
    opt_in("after-a-worker").await?;
    let worker = killed.elapsed();
    stage.add_worker()?;
    stage.nats.restart()?;
    let back = Instant::now();
    opt_in("after-nats").await?;
    println!(
        "  an opt-in is done {:.1} s after its worker was killed, and {:.1} s after NATS was restarted",
        worker.as_secs_f64(),
        back.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The worker that has an account.
async fn owner(stage: &Stage, account: &str) -> Result<usize> {
    for (number, worker) in stage.workers.iter().enumerate() {
        let document = reqwest::get(format!("{}/readyz", worker.url)).await?.bytes().await?;
        let document: Value = serde_json::from_slice(&document)?;
        if document.pointer(&format!("/accounts/{account}")).is_some() {
            return Ok(number);
        }
    }
    bail!("nobody has {account}")
}
