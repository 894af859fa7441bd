//! One account, as long as this worker has its lease.

use super::batch::{Batch, Stop};
use super::held::Held;
use super::lists::Lists;
use super::{Shared, pause};
use crate::account::Account;
use crate::outcome::Reason;
use crate::queue::{AccountQueue, Lease, MOST, QueueError, Taken};
use crate::secrets::{Kind, Text};
use crate::tenants::NoTenant;
use klaviyo_host::Tenant;
use klaviyo_host::types::Code;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout_at};
use tracing::{debug, info, warn};

/// How long an account is kept without anything to do.
const IDLE: Duration = Duration::from_secs(5);
/// How long after the end was asked for a batch may go on.
const LAST_BATCH: Duration = Duration::from_secs(20);
/// How long a paused account waits at most: Klaviyo can have refused a good key, in its own trouble.
const PROBE: Duration = Duration::from_secs(10 * 60);
/// How long opt-ins are held while Klaviyo is waited for. For longer they are given back: to hold them takes messages.
const HOLD: Duration = Duration::from_secs(10);
/// How soon a renewal that failed is tried again.
const RENEW_AGAIN: Duration = Duration::from_millis(500);
/// By how much more is tried at once after a batch that was done.
const FASTER: usize = 10;

/// Works on an account until there is nothing to do, another worker is to have it, the lease is lost, or the worker ends.
pub(super) async fn tend(shared: Arc<Shared>, mut lease: Lease) {
    let account = lease.account().clone();
    info!(%account, "the account is this worker's");
    shared.status.has(&account, None);
    let held = Held::default();
    let is_lost = tokio::select! {
        () = keep(&mut lease) => true,
        () = held.keep() => false,
        () = work(&shared, &account, &held) => false,
        () = async { shared.ending().await; sleep(LAST_BATCH).await } => false,
    };
    // With the lease still held, so that the next owner finds them.
    held.give_all_back(Duration::ZERO).await;
    shared.status.has_no_more(&account);
    if is_lost {
        warn!(%account, "the lease is lost: NATS was away, or this process was stopped for longer than it lasts");
    } else {
        lease.release().await;
        info!(%account, "the account is given up");
    }
}

/// Renews the lease until it is lost.
async fn keep(lease: &mut Lease) {
    let mut wait = Lease::RENEW;
    loop {
        sleep(wait).await;
        let until = lease.until();
        wait = match timeout_at(until, lease.renew()).await {
            Ok(Ok(true)) => Lease::RENEW,
            Ok(Err(error)) if until.elapsed().is_zero() => {
                debug!(account = %lease.account(), %error, "the lease is not renewed yet");
                RENEW_AGAIN
            }
            Ok(Ok(false) | Err(_)) | Err(_) => return,
        };
    }
}

async fn work(shared: &Shared, account: &Account, held: &Held) {
    let queue = match shared.queue.account(account).await {
        Ok(queue) => queue,
        Err(error) => return warn!(%account, error = &error as &dyn std::error::Error, "cannot take opt-ins"),
    };
    let mut lists = Lists::default();
    let (mut most, mut failures) = (MOST, 0);
    while !shared.is_ending() && shared.is_mine(account) {
        let (tenant, key) = match tenant(shared, account) {
            Ok(found) => found,
            Err(NoTenant::NoKey(_)) => return,
            Err(NoTenant::Unfit(_, error)) => {
                let key = shared.secrets.get(account, Kind::ApiKey);
                let reason = Reason::new(Code::Unauthenticated, format!("the key cannot be one: {error}"));
                paused(shared, account, reason, key.as_ref()).await;
                continue;
            }
        };
        if held.is_empty() {
            let Some(taken) = take(shared, account, &queue, most).await else { return };
            taken.into_iter().for_each(|taken| held.hold(taken));
        }
        let batch = Batch {
            queue: &shared.queue,
            tenant: &tenant,
            account,
            held,
            lists: &mut lists,
            status: &shared.status,
            attempts: shared.attempts,
            company: Vec::new(),
        };
        let taken = held.next(most);
        let count = taken.len();
        match batch.work(taken).await {
            Ok(()) => {
                debug!(%account, count, "a batch is done");
                (most, failures) = (most.saturating_mul(FASTER).min(MOST), 0);
                shared.status.has(account, None);
            }
            Err(Stop::Wait(after, reason)) => {
                failures += 1;
                let delay = pause(failures).max(after.unwrap_or_default());
                warn!(%account, code = reason.code, seconds = delay.as_secs(), "waits for Klaviyo");
                if delay > HOLD {
                    held.give_all_back(delay).await;
                }
                // One opt-in finds out when Klaviyo is back; the others are not tried in vain meanwhile.
                most = 1;
                shared.unless_ending(sleep(delay)).await;
            }
            Err(Stop::Account(reason)) => {
                held.give_all_back(Duration::ZERO).await;
                lists = Lists::default();
                most = 1;
                paused(shared, account, reason, Some(&key)).await;
            }
            Err(Stop::Queue(error)) => {
                return warn!(%account, error = &error as &dyn std::error::Error, "the batch is left");
            }
        }
    }
}

fn tenant(shared: &Shared, account: &Account) -> Result<(Tenant, Text), NoTenant> {
    // The key that is in use is this one or a newer one, which is then tried for nothing.
    let key = shared.secrets.get(account, Kind::ApiKey).ok_or_else(|| NoTenant::NoKey(account.clone()))?;
    Ok((shared.tenants.get(account)?, key))
}

/// None: there is nothing, or no queue to ask. The account is given up, and taken again if there is something after all.
async fn take(shared: &Shared, account: &Account, queue: &AccountQueue, most: usize) -> Option<Vec<Taken>> {
    let asked = async {
        let taken = queue.take(most, IDLE).await?;
        if taken.is_empty() && queue.forgets().await? {
            info!(%account, "NATS was restarted, and gives out nothing of what waits; it is asked anew");
        }
        Ok(taken)
    };
    let taken: Result<_, QueueError> = shared.unless_ending(asked).await?;
    let taken = taken.inspect_err(|error| debug!(%account, %error, "cannot take opt-ins"));
    taken.ok().filter(|taken| !taken.is_empty())
}

/// Waits until the account has another key, is another worker's, or it is time to see whether anything has changed.
async fn paused(shared: &Shared, account: &Account, reason: Reason, refused: Option<&Text>) {
    warn!(
        %account, code = reason.code, reason = reason.message,
        "the account is paused until its key changes; nothing of it is lost"
    );
    shared.status.has(account, Some(reason));
    let mut changes = shared.secrets.changes();
    let mut rosters = shared.roster.subscribe();
    let changed = async {
        while shared.secrets.get(account, Kind::ApiKey).as_ref() == refused && shared.is_mine(account) {
            tokio::select! {
                _ = changes.changed() => {}
                _ = rosters.changed() => {}
                () = sleep(PROBE) => break,
            }
        }
    };
    shared.unless_ending(changed).await;
    shared.status.has(account, None);
    info!(%account, "the account is tried again");
}
