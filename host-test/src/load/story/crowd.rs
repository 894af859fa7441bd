//! Many people of several accounts, while requests fail and processes are killed.

use super::account::{ShopAccount, business};
use super::check;
use crate::load::answers::Answers;
use crate::load::caller::Callers;
use crate::load::disruption::{DISRUPTIONS, Disrupted};
use crate::load::stage::Stage;
use crate::load::{PATIENCE, faults, statuses};
use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use klaviyo_whatsapp_mock::Fate;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

/// How many accounts.
pub(super) const ACCOUNTS: usize = 4;
const DOORS: usize = 2;
const WORKERS: usize = 2;
/// How many wishes there are for each person.
const WISHES: usize = 5;
/// Wishes of an account in a round.
const ROUND: usize = 20;
/// One signed request in so many is made twice.
const TWICE: usize = 10;
/// How long ago the story begins: nothing that is told in it is in the future.
const AGO: Duration = Duration::from_secs(20 * 60 * 60);
/// How much time is let go in the end at first, which is more than any webhook is late; and how often. Each is longer
/// than the one before: Meta repeats a webhook after longer and longer pauses.
const PAUSE: Duration = Duration::from_secs(75);
const PAUSES: u32 = 14;

/// Lets them live, and checks what is left.
pub(super) async fn run(people: usize, seed: u64) -> Result<()> {
    fastrand::seed(seed);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970) - AGO;
    let mut stage = Stage::with_businesses(ACCOUNTS, DOORS, faults(seed)?, |place, own| {
        business(own, seed * 100 + place as u64, date)
    })
    .await?;
    for _ in 0..WORKERS {
        stage.add_worker()?;
    }
    let played = play(&mut stage, people, seed).await;
    if played.is_err() {
        eprintln!("{}", stage.last_words());
    }
    played.with_context(|| format!("seed {seed}"))
}

async fn play(stage: &mut Stage, people: usize, seed: u64) -> Result<()> {
    let started = Instant::now();
    let each = people / ACCOUNTS;
    let rounds = (each * WISHES).div_ceil(ROUND);
    println!(
        "{} people of {ACCOUNTS} accounts, {} wishes, {DOORS} front doors, {WORKERS} workers, 10 % faults, seed {seed}",
        each * ACCOUNTS,
        rounds * ROUND * ACCOUNTS
    );
    let opened = (0..ACCOUNTS).map(|place| ShopAccount::open(stage, place, each));
    let mut accounts = opened.collect::<Result<Vec<_>>>()?;
    let callers = Callers::of(stage)?;
    let (mut random, mut counts, mut disrupted) =
        (Rng::with_seed(seed), BTreeMap::new(), Disrupted::default());
    let mut telling = JoinSet::new();
    let mut troubles = DISRUPTIONS.iter().enumerate().peekable();
    for round in 0..rounds {
        for account in &mut accounts {
            let count = |wish: super::wish::Wish| *counts.entry(wish.name()).or_insert(0_usize) += 1;
            let opt_ins = account.round(round, ROUND, &mut random, count).await?;
            tell(&mut telling, &callers, account, round, opt_ins);
        }
        if let Some((_, disruption)) = troubles.next_if(|(n, _)| round * DISRUPTIONS.len() >= rounds * n) {
            working(stage, random.u64(5..50)).await?;
            println!("  {:>6.1} s  {}", started.elapsed().as_secs_f64(), disruption.description());
            block_in_place(|| stage.disrupt(*disruption, &mut disrupted))?;
        }
        for account in &accounts {
            block_in_place(|| account.whatsapp.settle(PATIENCE))?;
        }
        while let Some(told) = telling.try_join_next() {
            told??;
        }
    }
    for account in &mut accounts {
        let opt_ins = account.rest();
        tell(&mut telling, &callers, account, rounds, opt_ins);
    }
    while let Some(told) = telling.join_next().await {
        told??;
    }
    println!("  all is said after {:.0} s", started.elapsed().as_secs_f64());
    deliver(stage, &accounts).await?;
    println!("  {disrupted} on the way; {} requests to the doors repeated", callers.repeated());
    let wishes: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    println!("  all has ended after {:.0} s: {}", started.elapsed().as_secs_f64(), wishes.join(", "));
    let dead = stage.queue.dead(None).await?;
    if let Some(letter) = dead.first() {
        bail!("{} dead letters, such as {:?}: {}", dead.len(), letter.body.error, letter.body.opt_in);
    }
    check::people(stage, &accounts).await?;
    println!("  everybody has what the last word gave or left, in Klaviyo's lists and consent");
    let mut answers = Answers::default();
    for account in &accounts {
        for somebody in &account.people {
            answers.add(&account.name, &somebody.written(), &somebody.messages(), 1 + somebody.changes)?;
        }
    }
    answers.tell(stage, disrupted.killed()).await?;
    statuses::check(stage).await?;
    let requests = stage.klaviyo.requests();
    println!("  {requests} requests to Klaviyo, {:.2} a person", requests as f64 / (each * ACCOUNTS) as f64);
    println!("  neither a key nor a person is in {} lines of log", stage.logs_are_clean()?);
    Ok(())
}

/// Brings signed opt-ins to the doors, some of them twice.
fn tell(
    telling: &mut JoinSet<Result<()>>,
    callers: &Callers,
    account: &ShopAccount,
    round: usize,
    opt_ins: Vec<Value>,
) {
    if opt_ins.is_empty() {
        return;
    }
    let (callers, name, id) = (callers.clone(), account.name.clone(), format!("msg_{round}"));
    telling.spawn(async move {
        callers.bring(&name, &id, &opt_ins).await?;
        if round.is_multiple_of(TWICE) {
            callers.bring(&name, &id, &opt_ins).await?;
        }
        Ok(())
    });
}

/// Lets time go on until all webhooks are taken, with those about the replies to them, and nothing is left to do.
async fn deliver(stage: &Stage, accounts: &[ShopAccount]) -> Result<()> {
    let mut left = Vec::new();
    for doubled in 0..PAUSES {
        for account in accounts {
            account.whatsapp.advance(PAUSE * (1 << doubled.saturating_sub(3)));
            block_in_place(|| account.whatsapp.settle(PATIENCE))?;
        }
        stage.drained().await?;
        left = accounts.iter().flat_map(|account| account.whatsapp.webhooks()).collect();
        left.retain(|webhook| webhook.fate != Fate::Taken);
        if left.is_empty() {
            return Ok(());
        }
    }
    let answers: Vec<_> = left.iter().map(|webhook| &webhook.answers).collect();
    bail!("{} webhooks are not taken: {answers:?}", left.len())
}

/// Waits until the workers have made so many requests, so that they are in the midst of work, or have none any more.
async fn working(stage: &Stage, requests: u64) -> Result<()> {
    let (begun, end) = (stage.klaviyo.requests(), Instant::now() + PATIENCE);
    while stage.klaviyo.requests() < begun + requests && !stage.queue.waiting().await?.is_empty() {
        ensure!(Instant::now() < end, "the workers do nothing");
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
