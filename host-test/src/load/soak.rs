//! Many opt-ins at once, against a Klaviyo where something goes wrong with one request in ten.

use crate::canary::{self, KEY};
use crate::component::{artifact, cache};
use crate::load::process::resident;
use crate::load::{LIST, LIST_NAME};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_host::types::NewProfile;
use klaviyo_host::{Connector, Disposition, Egress, Error, Limits, Pace, Secret, Tenant, Usage};
use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Server};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many times faster than Klaviyo's rates the simulator and the host go.
const HASTE: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// What goes wrong, with one request in ten.
pub(crate) const FAULTS: [&str; 7] = [
    "*: 2% latency 300ms",
    "*: 2% status 429 retry-after 1",
    "*: 1% status 429",
    "*: 1% status 500",
    "*: 2% status 503",
    "*: 1% reset-before",
    "*: 1% reset-after",
];
/// One contact in so many opts in twice, from two callers at about the same time.
const TWICE: usize = 20;
/// The suite fails when a contact needs more calls than this.
const TRIES: u32 = 50;

/// How many contacts, callers and accounts.
#[derive(Clone, Debug, clap::Args)]
pub struct SoakSize {
    /// What the faults are drawn by
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many contacts opt in
    #[arg(long, default_value_t = 10_000)]
    pub opt_ins: usize,
    /// How many callers there are at once
    #[arg(long, default_value_t = 64)]
    pub callers: usize,
    /// How many accounts
    #[arg(long, default_value_t = 8)]
    pub tenants: usize,
}

#[derive(Default)]
struct Tally {
    calls: usize,
    failed: BTreeMap<&'static str, usize>,
    usage: Usage,
}

/// Runs it and prints what happened.
///
/// # Errors
/// When a contact is lost, or is there twice, or a call fails for good, or memory grows with the number of
/// calls.
pub fn run(size: &SoakSize) -> Result<()> {
    ensure!(size.opt_ins > 0 && size.callers > 0 && size.tenants > 0, "there is nothing to do");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let keys: Vec<String> = (0..size.tenants).map(|n| format!("{KEY}_tenant_{n}")).collect();
    let server = simulator(&keys, size.seed)?;
    let limits = Limits { concurrent_calls: u32::try_from(size.callers)?, ..Limits::default() };
    let connector = Connector::builder()
        .limits(limits)
        .egress(Egress::endpoint(&server.url())?)
        .cache(cache())
        .load(artifact())
        .context("`cargo xtask build` makes the component")?;
    let tenant = |(n, key): (usize, &String)| {
        let tenant = Tenant::builder(&connector, Secret::new(key)?).name(format!("tenant {n}"));
        Ok(tenant.pace(Pace::times(HASTE)).build())
    };
    let tenants: Arc<Vec<Tenant>> = Arc::new(keys.iter().enumerate().map(tenant).collect::<Result<_>>()?);

    println!(
        "{} opt-ins, {} callers, {} tenants, seed {}",
        size.opt_ins, size.callers, size.tenants, size.seed
    );
    let started = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let turns = size.opt_ins + size.opt_ins / TWICE;
    let tally = runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..size.callers {
            callers.spawn(caller(Arc::clone(&tenants), Arc::clone(&next), turns, size.opt_ins));
        }
        let mut memory = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        let mut tally = Tally::default();
        loop {
            tokio::select! {
                ended = callers.join_next() => match ended {
                    Some(ended) => tally.add(ended??),
                    None => break,
                },
                _ = tick.tick() => memory.push((next.load(Ordering::Relaxed).min(turns), resident().unwrap_or_default())),
            }
        }
        memory.push((turns, resident().unwrap_or_default()));
        flat(&memory, turns)?;
        Ok::<_, anyhow::Error>(tally)
    })?;
    let took = started.elapsed();

    for (rule, times) in server.faults() {
        println!("  {times:>6} × {rule}");
    }
    let failed: Vec<String> = tally.failed.iter().map(|(code, times)| format!("{times} {code}")).collect();
    let failed = if failed.is_empty() { "none".to_owned() } else { failed.join(", ") };
    println!("  {} calls, of which failed and were repeated: {failed}", tally.calls);
    println!("  {} requests in {} attempts", tally.usage.requests, tally.usage.attempts);
    println!("  {:.1} s, {:.0} opt-ins a second", took.as_secs_f64(), turns as f64 / took.as_secs_f64());
    for (n, key) in keys.iter().enumerate() {
        let contacts = (0..size.opt_ins).filter(|contact| contact % size.tenants == n).map(email).collect();
        let account = server.account_of(key).context("a tenant has no account")?;
        complete(&account, &contacts).with_context(|| format!("tenant {n}"))?;
    }
    println!("every contact is in its list exactly once, and no profile is there twice");
    Ok(())
}

fn simulator(keys: &[String], seed: u64) -> Result<Server> {
    let account = |key: &String| {
        let mut account = Account::default();
        account.add_key(key, Account::SCOPES);
        account.add_list(LIST, LIST_NAME);
        account
    };
    let mut faults = Faults::seeded(seed);
    for rule in FAULTS {
        faults = faults.rule(rule.parse()?);
    }
    let mut accounts = keys.iter().map(account);
    let mut klaviyo = Klaviyo::from(accounts.next().context("there is no tenant")?);
    for account in accounts {
        klaviyo = klaviyo.account(account);
    }
    Server::start(klaviyo.rates(Rates::times(HASTE.get())).faults(faults))
}

fn email(contact: usize) -> String {
    format!("contact+{contact}@example.com")
}

/// Opts contacts in until all turns are taken. The last turns repeat contacts of earlier ones.
async fn caller(
    tenants: Arc<Vec<Tenant>>,
    next: Arc<AtomicUsize>,
    turns: usize,
    contacts: usize,
) -> Result<Tally> {
    let mut tally = Tally::default();
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        if turn >= turns {
            return Ok(tally);
        }
        // Turns 0 and 1, 21 and 22, … are of the same contact: mostly at the same time.
        let contact = (turn - turn.div_ceil(TWICE + 1)).min(contacts - 1);
        let tenant = tenants.get(contact % tenants.len()).context("there is no tenant")?;
        let profile = NewProfile {
            email: Some(email(contact)),
            phone_number: Some(format!("+9198{contact:08}")),
            first_name: Some("Priya".to_owned()),
            ..NewProfile::default()
        };
        opt_in(tenant, &profile, &mut tally).await?;
    }
}

async fn opt_in(tenant: &Tenant, profile: &NewProfile, tally: &mut Tally) -> Result<()> {
    for _ in 0..TRIES {
        tally.calls += 1;
        let error = match tenant.opt_in(profile, LIST, None).await {
            Ok(answer) => {
                tally.usage += answer.usage;
                return Ok(());
            }
            Err(error) => error,
        };
        canary::check(&format!("{error} {error:?} {tenant:?}"))?;
        tally.usage += error.usage;
        // `Retry` is for failures that nothing here causes: one of those is a failure of the suite.
        if error.disposition() != Disposition::RetryLater {
            return Err(error.into());
        }
        *tally.failed.entry(error.code().as_str()).or_default() += 1;
        tokio::time::sleep(Error::retry_after(&error).unwrap_or(Duration::from_millis(100))).await;
    }
    bail!("a contact could not be opted in with {TRIES} calls")
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.usage += other.usage;
        for (code, times) in other.failed {
            *self.failed.entry(code).or_default() += times;
        }
    }
}

/// Fails unless Klaviyo holds what was sent, and nothing else.
fn complete(account: &Account, contacts: &BTreeSet<String>) -> Result<()> {
    let mut ids = BTreeSet::new();
    let mut emails = BTreeSet::new();
    for profile in account.profiles() {
        let email = profile.attributes.get("email").and_then(|email| email.as_str()).context("no email")?;
        ensure!(emails.insert(email.to_owned()), "there are two profiles of {email}");
        ids.insert(profile.id.clone());
    }
    ensure!(emails == *contacts, "there are {} profiles, and {} contacts", emails.len(), contacts.len());
    let members = account.members(LIST);
    ensure!(
        members.iter().cloned().collect::<BTreeSet<_>>() == ids,
        "the list has {} members",
        members.len()
    );
    ensure!(members.len() == ids.len(), "somebody is in the list twice");
    Ok(())
}

/// Fails if memory grows after the first quarter by more than the simulator, in this process, holds of each
/// contact.
fn flat(memory: &[(usize, u64)], turns: usize) -> Result<()> {
    const SIMULATED: u64 = 6;
    const NOISE: u64 = 32 << 10;
    let quarter = memory.iter().find(|(turn, _)| *turn >= turns / 4);
    let (Some((from, before)), Some((to, after))) = (quarter, memory.last()) else { return Ok(()) };
    let allowed = SIMULATED * (to - from) as u64 + NOISE;
    println!("  {} MB resident after a quarter, {} MB in the end", before >> 10, after >> 10);
    ensure!(after.saturating_sub(*before) <= allowed, "memory grew from {before} to {after} KB");
    Ok(())
}
