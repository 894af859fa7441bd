//! The most memory that doors and workers take, with opt-ins and notifications that are made to take as much
//! as possible.

use super::opt_ins::Kind;
use crate::load::LIST;
use crate::load::caller::Callers;
use crate::load::process::peak;
use crate::load::stage::{Stage, number_id};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use klaviyo_mock::Faults;
use klaviyo_service::key::OptInKey;
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::queue::Lane;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What a door, and a worker, may take in MB: half of the limit that the files in deploy/ give them.
const MOST: u64 = 512;
/// Accounts whose opt-ins are made to take room, and how many of them each has: as many bytes as are taken at
/// once.
const HOSTILE: usize = 4;
const OPT_INS: usize = 55;
/// Accounts with many opt-ins that say nothing but an address, and how many each has: as many as are taken at
/// once.
const MANY: usize = 16;
const EACH: usize = 10_000;
/// Requests to a door at once, and opt-ins in each: a megabyte.
const REQUESTS: usize = 60;
const IN_A_REQUEST: usize = 11;

/// Notifications to a door at once, the MB of each, and of how many accounts they are.
const NOTIFICATIONS: usize = 8;
const NOTIFICATION: usize = 4;
const NOTIFIED: usize = 8;

/// Runs it and prints the most that each took.
pub(super) async fn run() -> Result<()> {
    println!("The most memory that a process took, of {MOST} MB:");
    let door = door().await?;
    println!("  a door, {REQUESTS} requests of 1 MB at once, NATS standing still: {door} MB");
    let notified = notified().await?;
    println!("  a door, {NOTIFICATIONS} notifications of {NOTIFICATION} MB at once: {notified} MB");
    let worker = worker().await?;
    println!(
        "  a worker, {HOSTILE} accounts with 5 MB of objects and {MANY} with {EACH} short opt-ins: {worker} MB"
    );
    ensure!(door.max(notified).max(worker) <= MOST, "that is more than they may take");
    Ok(())
}

async fn door() -> Result<u64> {
    let stage = Stage::new(1, 1, Faults::none()).await?;
    let (account, door) =
        (stage.accounts.first().context("an account")?, stage.doors.first().context("a door")?);
    let callers = Callers::of(&stage)?;
    stage.nats.pause()?;
    let mut calls = JoinSet::new();
    for n in 0..REQUESTS {
        let (callers, account) = (callers.clone(), account.clone());
        let opt_ins: Vec<Value> =
            (0..IN_A_REQUEST).map(|m| hostile(&account, IN_A_REQUEST * n + m)).collect();
        calls.spawn(async move { callers.bring(&account, &format!("msg_{n}"), &opt_ins).await });
    }
    // Longer than a door waits for the queue.
    sleep(Duration::from_secs(25)).await;
    stage.nats.resume()?;
    while let Some(call) = calls.join_next().await {
        ensure!(call??.len() == IN_A_REQUEST, "a request was not answered whole");
    }
    Ok(peak(door.pid())? >> 10)
}

/// A door whose accounts are notified by WhatsApp of as many wishes as fit, all at once.
async fn notified() -> Result<u64> {
    let stage = Stage::new(NOTIFIED, 1, Faults::none()).await?;
    let door = stage.doors.first().context("a door")?;
    let callers = Callers::of(&stage)?;
    stage.nats.pause()?;
    let mut calls = JoinSet::new();
    for n in 0..NOTIFICATIONS {
        let account = stage.accounts.get(n % NOTIFIED).context("an account")?.clone();
        let callers = callers.clone();
        calls.spawn(async move { callers.notify(&account, wishes(&account, n)?).await });
    }
    sleep(Duration::from_secs(5)).await;
    stage.nats.resume()?;
    while let Some(call) = calls.join_next().await {
        if let Err(e) = call? {
            println!("{e}");
        }
    }
    Ok(peak(door.pid())? >> 10)
}

/// A notification to an account with as many wishes of people without a number as fit.
fn wishes(account: &str, number: usize) -> Result<Vec<u8>> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (head, tail) = (r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"value":"#, "]}}]}]}");
    let mut body = head.to_owned();
    body.push_str(&format!(r#"{{"metadata":{{"phone_number_id":"{}"}},"messages":["#, number_id(account)));
    let wish = |n: usize| {
        format!(r#"{{"id":"{number}.{n}","from":"IN.1","text":{{"body":"SUBSCRIBE"}},"timestamp":{at}}}"#)
    };
    for n in 0.. {
        let wish = wish(n);
        if body.len() + wish.len() + 1 + tail.len() > NOTIFICATION << 20 {
            break;
        }
        if n > 0 {
            body.push(',');
        }
        body.push_str(&wish);
    }
    body.push_str(tail);
    Ok(body.into_bytes())
}

async fn worker() -> Result<u64> {
    let mut stage = Stage::new(HOSTILE + MANY, 0, Faults::none()).await?;
    for (n, account) in stage.accounts.iter().enumerate() {
        let opt_ins: Vec<Value> = if n < HOSTILE {
            (0..OPT_INS).map(|number| hostile(account, number)).collect()
        } else {
            (0..EACH).map(|number| Kind::Bare.opt_in(account, number)).collect()
        };
        let named: Result<Vec<(OptInKey, Bytes)>> = opt_ins.into_iter().enumerate().map(named).collect();
        for put in stage.queue.put(Lane::OptIns, named?).await {
            put?;
        }
    }
    stage.add_worker()?;
    let worker = stage.workers.first().context("a worker")?;
    stage.drained().await?;
    Ok(peak(worker.pid())? >> 10)
}

/// An opt-in that is as large as one may be, of as many objects as there is room for.
fn hostile(account: &str, number: usize) -> Value {
    let objects: Vec<Value> = vec![json!({ "": 0 }); 11_500];
    json!({
        "account": account, "list": LIST, "email": format!("contact+{number}@example.com"),
        "properties": { "objects": objects },
    })
}

fn named((number, mut opt_in): (usize, Value)) -> Result<(OptInKey, Bytes)> {
    if let Some(opt_in) = opt_in.as_object_mut() {
        opt_in.insert("id".to_owned(), number.to_string().into());
    }
    let opt_in: OptIn = serde_json::from_value(opt_in)?;
    Ok((OptInKey::new(&opt_in.account, &number.to_string()), opt_in.to_json()))
}
