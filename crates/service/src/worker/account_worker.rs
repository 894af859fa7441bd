//! One account, as long as this worker has its lease.

use super::batch::{Batch, Stop};
use super::budget::Share;
use super::in_flight::Held;
use super::settle::Settler;
use super::{Shared, pause};
use crate::account::Account;
use crate::outcome::Reason;
use crate::queue::{AccountQueue, Lease, MOST, QueueError, Standing};
use crate::secrets::{Kind, Text};
use crate::tenant_cache::NoTenant;
use klaviyo_host::types::Code;
use klaviyo_host::{Meter, Tenant};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, info, warn};

/// How long an account is kept without anything to do.
const IDLE: Duration = Duration::from_secs(5);
/// How long after the end was asked for a batch may go on.
const LAST_BATCH: Duration = Duration::from_secs(20);
/// How long an account waits at most before one of its opt-ins is tried: Klaviyo can have refused a good key, in its own
/// trouble, and a gateway can ask for a day.
const PROBE: Duration = Duration::from_secs(10 * 60);
/// How long opt-ins are held while Klaviyo is waited for. For longer they are given back: to hold them takes messages.
const HOLD: Duration = Duration::from_secs(10);
/// How long writing what is not written yet may take when the account is given up.
const CATCHING_UP: Duration = Duration::from_secs(5);
/// How soon a renewal that failed is tried again.
const RENEW_AGAIN: Duration = Duration::from_millis(500);
/// By how much more is tried at once after a batch that was done.
const FASTER: usize = 10;

/// Works on an account until there is nothing to do, another worker is to have it, the lease is lost, or the worker ends.
pub(super) async fn tend(shared: Arc<Shared>, mut lease: Lease) {
    let account = lease.account().clone();
    info!(%account, "the account is this worker's");
    shared.status.works_on(&account);
    let held = Held::default();
    let settler = Settler {
        queue: &shared.queue,
        account: &account,
        held: &held,
        status: &shared.status,
        unwritten: &shared.unwritten,
    };
    let is_lost = tokio::select! {
        () = keep(&mut lease) => true,
        () = held.keep() => false,
        () = work(&shared, settler) => false,
        () = async { shared.ending().await; sleep(LAST_BATCH).await } => false,
    };
    if !is_lost {
        // The next owner finds what was done. What is not written in time is, when the account comes back here.
        let caught_up = timeout(CATCHING_UP, settler.catch_up()).await;
        if !matches!(caught_up, Ok(Ok(()))) {
            warn!(%account, "not everything that was done is noted; what is not may be done again");
        }
    }
    let room = held.give_all_back(Duration::ZERO).await;
    shared.unwritten.keep_room(&account, room);
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

/// Works on the account until there is nothing to do, it is another worker's, or the worker ends. Where the queue fails,
/// it is tried again after growing pauses.
async fn work(shared: &Shared, settler: Settler<'_>) {
    let Settler { account, held, .. } = settler;
    let mut desk = Desk {
        shared,
        account,
        held,
        settler,
        share: shared.budget.share(),
        most: MOST,
        failures: 0,
        quiet: Instant::now(),
    };
    let mut failures = 0;
    while desk.goes_on() {
        let Err(error) = desk.work(&mut failures).await else { return };
        failures += 1;
        let delay = pause(failures);
        warn!(
            %account, seconds = delay.as_secs(), error = &error as &dyn Error,
            "the queue fails; Klaviyo is asked for nothing meanwhile"
        );
        shared.status.queue_failed(account, &error);
        if delay > HOLD {
            drop(held.give_all_back(delay).await);
        }
        desk.rest(delay).await;
    }
}

/// One account that is worked on.
struct Desk<'a> {
    shared: &'a Shared,
    account: &'a Account,
    held: &'a Held,
    settler: Settler<'a>,
    share: Share<'a>,
    /// How many opt-ins are tried at once.
    most: usize,
    /// How often Klaviyo was waited for since a batch was done.
    failures: u32,
    /// Since when the queue gives out nothing.
    quiet: Instant,
}

impl Desk<'_> {
    fn goes_on(&self) -> bool {
        !self.shared.is_ending() && self.shared.is_mine(self.account)
    }

    /// Waits, as long as this is the account's worker.
    async fn rest(&self, delay: Duration) {
        let mut rosters = self.shared.roster.subscribe();
        let another = rosters.wait_for(|roster| roster.owner(self.account) != Some(&self.shared.name));
        tokio::select! {
            () = self.shared.ending() => {}
            _ = another => {}
            () = sleep(delay) => {}
        }
    }

    /// Works on the account, with the queue in order. `failures` is how often the queue has failed since it was
    /// well.
    async fn work(&mut self, failures: &mut u32) -> Result<(), QueueError> {
        let Self { shared, account, held, settler, .. } = *self;
        let mut queue = shared.queue.account(account).await?;
        while self.goes_on() {
            settler.catch_up().await?;
            let (tenant, key) = match tenant(shared, account) {
                Ok(found) => found,
                Err(NoTenant::NoKey(_)) => return Ok(()),
                Err(NoTenant::Unfit(_, error)) => {
                    let key = shared.secrets.get(account, Kind::ApiKey);
                    let reason =
                        Reason::new(Code::Unauthenticated, format!("the key cannot be one: {error}"));
                    paused(shared, account, reason, key.as_ref()).await;
                    continue;
                }
            };
            if held.is_empty() && !self.take(&mut queue).await? {
                return Ok(());
            }
            let taken = held.next(self.most);
            if taken.is_empty() {
                continue;
            }
            settler.prove(taken.len()).await?;
            // The queue is well.
            *failures = 0;
            shared.status.works_on(account);
            let meter = Meter::default();
            let batch = Batch {
                settler,
                tenant: &tenant.metered(meter.clone()),
                attempts: shared.attempts,
                company: Vec::new(),
            };
            let count = taken.len();
            let result = batch.work(taken).await;
            shared.status.used(meter.usage());
            match result {
                Ok(()) => {
                    debug!(%account, count, "a batch is done");
                    self.most = self.most.saturating_mul(FASTER).min(MOST);
                    self.failures = 0;
                }
                Err(Stop::Wait(after, reason)) => self.wait(after, reason).await,
                Err(Stop::Account(reason)) => {
                    drop(held.give_all_back(Duration::ZERO).await);
                    self.most = 1;
                    paused(shared, account, reason, Some(&key)).await;
                }
                Err(Stop::Queue(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what waits. False: there is nothing.
    async fn take(&mut self, queue: &mut AccountQueue) -> Result<bool, QueueError> {
        let Self { shared, account, .. } = *self;
        let room = self.share.room();
        // Without any room it is one.
        let most = self.most.min(room.messages().max(1));
        let taken = queue.take(most, room.bytes(), IDLE);
        let Some(taken) = shared.unless_ending(taken).await.transpose()? else { return Ok(true) };
        if !taken.is_empty() {
            self.quiet = Instant::now();
            self.held.hold(taken, room);
            return Ok(true);
        }
        // What was given back for later comes when it is due.
        let since = self.held.later().unwrap_or(self.quiet).max(self.quiet);
        match queue.standing(since.elapsed()).await? {
            Standing::Empty => Ok(false),
            Standing::Later => Ok(true),
            Standing::Recreated => {
                warn!(%account, "NATS gave out nothing of what waits; the account's consumer was made anew");
                shared.status.recreated();
                self.quiet = Instant::now();
                Ok(true)
            }
        }
    }

    /// Waits for Klaviyo, as long as it asks for, within bounds: what asks for a day may be something in between.
    async fn wait(&mut self, after: Option<Duration>, reason: Reason) {
        let Self { shared, account, .. } = *self;
        self.failures += 1;
        let delay = pause(self.failures).max(after.unwrap_or_default()).min(PROBE);
        warn!(%account, code = reason.code, seconds = delay.as_secs(), "waits for Klaviyo");
        if delay > HOLD {
            // Nobody else takes them: the account stays this worker's.
            drop(self.held.give_all_back(Duration::ZERO).await);
        }
        // One opt-in finds out when Klaviyo is back; the others are not tried in vain meanwhile.
        self.most = 1;
        shared.status.waits_for_klaviyo(account, reason, Instant::now() + delay);
        self.rest(delay).await;
        shared.status.works_on(account);
        // What was given back was not given out meanwhile.
        self.quiet = Instant::now();
    }
}

fn tenant(shared: &Shared, account: &Account) -> Result<(Tenant, Text), NoTenant> {
    // The key that is in use is this one or a newer one, which is then tried for nothing.
    let key = shared.secrets.get(account, Kind::ApiKey).ok_or_else(|| NoTenant::NoKey(account.clone()))?;
    Ok((shared.tenants.get(account)?, key))
}

/// Waits until the account has another key, is another worker's, or it is time to see whether anything has changed.
async fn paused(shared: &Shared, account: &Account, reason: Reason, refused: Option<&Text>) {
    warn!(
        %account, code = reason.code, reason = reason.message,
        "the account is paused until its key changes; nothing of it is lost"
    );
    shared.status.pauses(account, reason);
    let mut changes = shared.secrets.changes();
    let mut rosters = shared.roster.subscribe();
    let mut probe = std::pin::pin!(sleep(PROBE));
    let changed = async {
        while shared.secrets.get(account, Kind::ApiKey).as_ref() == refused && shared.is_mine(account) {
            tokio::select! {
                _ = changes.changed() => {}
                _ = rosters.changed() => {}
                () = &mut probe => break,
            }
        }
    };
    shared.unless_ending(changed).await;
    shared.status.works_on(account);
    info!(%account, "the account is tried again");
}
