//! One account, as long as this worker has its lease.

use super::batch::{Batch, Stop};
use super::budget::BudgetShare;
use super::in_flight::InFlight;
use super::settle::Settler;
use super::{WorkerContext, pause};
use crate::account::Account;
use crate::outcome::Reason;
use crate::queue::{AccountQueue, Backlog, Lease, MAX_BATCH, QueueError};
use crate::secrets::{SecretKind, SecretText};
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
pub(super) async fn tend(context: Arc<WorkerContext>, mut lease: Lease) {
    let account = lease.account().clone();
    info!(%account, "the account is this worker's");
    context.status.works_on(&account);
    let in_flight = InFlight::default();
    let settler = Settler {
        queue: &context.queue,
        account: &account,
        in_flight: &in_flight,
        status: &context.status,
        unwritten: &context.unwritten,
    };
    let is_lost = tokio::select! {
        () = keep(&mut lease) => true,
        () = in_flight.keep() => false,
        () = work(&context, settler) => false,
        () = async { context.ending().await; sleep(LAST_BATCH).await } => false,
    };
    if !is_lost {
        // The next owner finds what was done. What is not written in time is, when the account comes back here.
        let caught_up = timeout(CATCHING_UP, settler.catch_up()).await;
        if !matches!(caught_up, Ok(Ok(()))) {
            warn!(%account, "not everything that was done is noted; what is not may be done again");
        }
    }
    let room = in_flight.nak_all(Duration::ZERO).await;
    context.unwritten.keep_room(&account, room);
    context.status.has_no_more(&account);
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
async fn work(context: &WorkerContext, settler: Settler<'_>) {
    let Settler { account, in_flight, .. } = settler;
    let mut account_worker = AccountWorker {
        context,
        account,
        in_flight,
        settler,
        share: context.budget.share(),
        most: MAX_BATCH,
        failures: 0,
        quiet: Instant::now(),
    };
    let mut failures = 0;
    while account_worker.goes_on() {
        let Err(error) = account_worker.work(&mut failures).await else { return };
        failures += 1;
        let delay = pause(failures);
        warn!(
            %account, seconds = delay.as_secs(), error = &error as &dyn Error,
            "the queue fails; Klaviyo is asked for nothing meanwhile"
        );
        context.status.queue_failed(account, &error);
        if delay > HOLD {
            drop(in_flight.nak_all(delay).await);
        }
        account_worker.rest(delay).await;
    }
}

/// One account that is worked on.
struct AccountWorker<'a> {
    context: &'a WorkerContext,
    account: &'a Account,
    in_flight: &'a InFlight,
    settler: Settler<'a>,
    share: BudgetShare<'a>,
    /// How many opt-ins are tried at once.
    most: usize,
    /// How often Klaviyo was waited for since a batch was done.
    failures: u32,
    /// Since when the queue gives out nothing.
    quiet: Instant,
}

impl AccountWorker<'_> {
    fn goes_on(&self) -> bool {
        !self.context.is_ending() && self.context.is_mine(self.account)
    }

    /// Waits, as long as this is the account's worker.
    async fn rest(&self, delay: Duration) {
        let mut assignments = self.context.assignment.subscribe();
        let another =
            assignments.wait_for(|assignment| assignment.owner(self.account) != Some(&self.context.name));
        tokio::select! {
            () = self.context.ending() => {}
            _ = another => {}
            () = sleep(delay) => {}
        }
    }

    /// Works on the account, with the queue in order. `failures` is how often the queue has failed since it was
    /// well.
    async fn work(&mut self, failures: &mut u32) -> Result<(), QueueError> {
        let Self { context, account, in_flight, settler, .. } = *self;
        let mut queue = context.queue.account(account).await?;
        while self.goes_on() {
            settler.catch_up().await?;
            let (tenant, key) = match tenant(context, account) {
                Ok(found) => found,
                Err(NoTenant::NoKey(_)) => return Ok(()),
                Err(NoTenant::Unfit(_, error)) => {
                    let key = context.secrets.get(account, SecretKind::ApiKey);
                    let reason =
                        Reason::new(Code::Unauthenticated, format!("the key cannot be one: {error}"));
                    paused(context, account, reason, key.as_ref()).await;
                    continue;
                }
            };
            if in_flight.is_empty() && !self.take(&mut queue).await? {
                return Ok(());
            }
            let taken = in_flight.next(self.most);
            if taken.is_empty() {
                continue;
            }
            settler.probe_outcomes(taken.len()).await?;
            // The queue is well.
            *failures = 0;
            context.status.works_on(account);
            let meter = Meter::default();
            let batch = Batch {
                settler,
                tenant: &tenant.metered(meter.clone()),
                attempts: context.attempts,
                attempted: Vec::new(),
            };
            let count = taken.len();
            let result = batch.work(taken).await;
            context.status.used(meter.usage());
            match result {
                Ok(()) => {
                    debug!(%account, count, "a batch is done");
                    self.most = self.most.saturating_mul(FASTER).min(MAX_BATCH);
                    self.failures = 0;
                }
                Err(Stop::Wait(after, reason)) => self.wait(after, reason).await,
                Err(Stop::Account(reason)) => {
                    drop(in_flight.nak_all(Duration::ZERO).await);
                    self.most = 1;
                    paused(context, account, reason, Some(&key)).await;
                }
                Err(Stop::Queue(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what waits. False: there is nothing.
    async fn take(&mut self, queue: &mut AccountQueue) -> Result<bool, QueueError> {
        let Self { context, account, .. } = *self;
        let room = self.share.room();
        // Without any room it is one.
        let most = self.most.min(room.messages().max(1));
        let taken = queue.take(most, room.bytes(), IDLE);
        let Some(taken) = context.unless_ending(taken).await.transpose()? else { return Ok(true) };
        if !taken.is_empty() {
            self.quiet = Instant::now();
            self.in_flight.hold(taken, room);
            return Ok(true);
        }
        // What was given back for later comes when it is due.
        let since = self.in_flight.later().unwrap_or(self.quiet).max(self.quiet);
        match queue.recreate_if_stalled(since.elapsed()).await? {
            Backlog::Empty => Ok(false),
            Backlog::Later => Ok(true),
            Backlog::Recreated => {
                warn!(%account, "NATS gave out nothing of what waits; the account's consumer was made anew");
                context.status.recreated();
                self.quiet = Instant::now();
                Ok(true)
            }
        }
    }

    /// Waits for Klaviyo, as long as it asks for, within bounds: what asks for a day may be something in between.
    async fn wait(&mut self, after: Option<Duration>, reason: Reason) {
        let Self { context, account, .. } = *self;
        self.failures += 1;
        let delay = pause(self.failures).max(after.unwrap_or_default()).min(PROBE);
        warn!(%account, code = reason.code, seconds = delay.as_secs(), "waits for Klaviyo");
        if delay > HOLD {
            // Nobody else takes them: the account stays this worker's.
            drop(self.in_flight.nak_all(Duration::ZERO).await);
        }
        // One opt-in finds out when Klaviyo is back; the others are not tried in vain meanwhile.
        self.most = 1;
        context.status.waits_for_klaviyo(account, reason, Instant::now() + delay);
        self.rest(delay).await;
        context.status.works_on(account);
        // What was given back was not given out meanwhile.
        self.quiet = Instant::now();
    }
}

fn tenant(context: &WorkerContext, account: &Account) -> Result<(Tenant, SecretText), NoTenant> {
    // The key that is in use is this one or a newer one, which is then tried for nothing.
    let key =
        context.secrets.get(account, SecretKind::ApiKey).ok_or_else(|| NoTenant::NoKey(account.clone()))?;
    Ok((context.tenants.get(account)?, key))
}

/// Waits until the account has another key, is another worker's, or it is time to see whether anything has changed.
async fn paused(context: &WorkerContext, account: &Account, reason: Reason, refused: Option<&SecretText>) {
    warn!(
        %account, code = reason.code, reason = reason.message,
        "the account is paused until its key changes; nothing of it is lost"
    );
    context.status.pauses(account, reason);
    let mut changes = context.secrets.changes();
    let mut assignments = context.assignment.subscribe();
    let mut probe = std::pin::pin!(sleep(PROBE));
    let changed = async {
        while context.secrets.get(account, SecretKind::ApiKey).as_ref() == refused && context.is_mine(account)
        {
            tokio::select! {
                _ = changes.changed() => {}
                _ = assignments.changed() => {}
                () = &mut probe => break,
            }
        }
    };
    context.unless_ending(changed).await;
    context.status.works_on(account);
    info!(%account, "the account is tried again");
}
