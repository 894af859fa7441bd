//! The work on one account, for as long as this worker has its lease.

use super::batch::{Batch, Stop};
use super::budget::BudgetShare;
use super::changes;
use super::context::WorkerContext;
use super::in_flight::{InFlight, pause};
use super::settle::Settler;
use super::status::AccountState;
use crate::account::Account;
use crate::outcome::Reason;
use crate::queue::{AccountQueue, Backlog, Lease, MAX_BATCH, QueueError};
use crate::secrets::Authentication;
use klaviyo_host::{Meter, Tenant};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, info, warn};

/// How long an account without waiting opt-ins is kept.
const IDLE: Duration = Duration::from_secs(5);
/// How long a batch may go on after the worker began to shut down.
const LAST_BATCH: Duration = Duration::from_secs(20);
/// The longest pause before one opt-in of an account is tried. Klaviyo may have refused a good key during an
/// outage, and a gateway may ask to wait for a day.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);
/// How long opt-ins stay in flight during a pause. In a longer one they go back to the queue, because each
/// message in flight has to be extended all the time.
const LONGEST_IN_FLIGHT: Duration = Duration::from_secs(10);
/// How long the last outcomes may take to be written when the account is given up.
const LAST_OUTCOMES: Duration = Duration::from_secs(5);
/// The pause before a failed renewal of the lease is repeated.
const RENEW_AGAIN: Duration = Duration::from_millis(500);
/// The factor by which the next batch is larger after one that was done.
const GROWTH: usize = 10;

/// Works on an account until nothing waits, another worker is to have it, the lease is lost, or the worker
/// shuts down.
pub(super) async fn run(context: Arc<WorkerContext>, mut lease: Lease) {
    let account = lease.account().clone();
    info!(%account, "the account is this worker's");
    context.status.has(&account, AccountState::Working);
    let in_flight = InFlight::default();
    let settler = Settler {
        queue: &context.queue,
        account: &account,
        in_flight: &in_flight,
        status: &context.status,
        unwritten: &context.unwritten,
    };
    let opt_ins = || work_through_failures(&context, settler);
    let is_lost = tokio::select! {
        () = renew_until_lost(&mut lease) => true,
        () = in_flight.extend_forever() => false,
        () = changes::beside(&context, &account, &in_flight, opt_ins) => false,
        () = async { context.shutdown().await; sleep(LAST_BATCH).await } => false,
    };
    if !is_lost {
        // The next owner finds these outcomes. Those that are not written in time are written when the
        // account comes back.
        let caught_up = timeout(LAST_OUTCOMES, settler.catch_up()).await;
        if !matches!(caught_up, Ok(Ok(()))) {
            warn!(%account, "not everything that was done is noted; what is not may be done again");
        }
    }
    let room = in_flight.nak_all(Duration::ZERO).await;
    context.unwritten.keep_room(&account, room);
    context.status.has_no_more(&account);
    context.feeds.has_no_more(&account);
    if is_lost {
        warn!(%account, "the lease is lost: NATS was away, or this process was stopped for longer than it lasts");
    } else {
        lease.release().await;
        info!(%account, "the account is given up");
    }
}

async fn renew_until_lost(lease: &mut Lease) {
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

/// Works on the account. After each failure of the queue it tries again, after a longer pause.
async fn work_through_failures(context: &WorkerContext, settler: Settler<'_>) {
    let Settler { account, in_flight, .. } = settler;
    let mut worker = AccountWorker {
        context,
        settler,
        share: context.budget.share(),
        batch_size: MAX_BATCH,
        klaviyo_failures: 0,
        quiet_since: Instant::now(),
    };
    let mut failures = 0;
    while worker.goes_on() {
        let Err(error) = worker.work(&mut failures).await else { return };
        failures += 1;
        let delay = pause(failures);
        warn!(
            %account, seconds = delay.as_secs(), error = &error as &dyn Error,
            "the queue fails; Klaviyo is asked for nothing meanwhile"
        );
        context.status.queue_failed(account, &error);
        if delay > LONGEST_IN_FLIGHT {
            drop(in_flight.nak_all(delay).await);
        }
        worker.rest(delay).await;
    }
}

/// The work on one account.
struct AccountWorker<'a> {
    context: &'a WorkerContext,
    settler: Settler<'a>,
    share: BudgetShare<'a>,
    /// How many opt-ins the next batch has at most.
    batch_size: usize,
    /// How often Klaviyo was unavailable since a batch was done.
    klaviyo_failures: u32,
    /// When the queue delivered something the last time.
    quiet_since: Instant,
}

impl AccountWorker<'_> {
    fn goes_on(&self) -> bool {
        !self.context.is_shutting_down() && self.context.is_mine(self.settler.account)
    }

    /// Waits, unless the account is assigned to another worker or this one shuts down.
    async fn rest(&self, delay: Duration) {
        let mut assignments = self.context.assignment.subscribe();
        let another = assignments
            .wait_for(|assignment| assignment.owner(self.settler.account) != Some(&self.context.name));
        tokio::select! {
            () = self.context.shutdown() => {}
            _ = another => {}
            () = sleep(delay) => {}
        }
    }

    /// Works on the account until the queue fails. `queue_failures` counts since the queue was well.
    async fn work(&mut self, queue_failures: &mut u32) -> Result<(), QueueError> {
        let Self { context, settler, .. } = *self;
        let Settler { account, in_flight, .. } = settler;
        let mut queue = context.queue.account(account).await?;
        while self.goes_on() {
            settler.catch_up().await?;
            let Some((tenant, key)) = tenant(context, account) else { return Ok(()) };
            if in_flight.is_empty() && !self.take(&mut queue).await? {
                return Ok(());
            }
            let deliveries = in_flight.next(self.batch_size);
            if deliveries.is_empty() {
                continue;
            }
            settler.probe_outcomes(deliveries.len()).await?;
            *queue_failures = 0;
            context.status.has(account, AccountState::Working);
            let (count, meter) = (deliveries.len(), Meter::default());
            let tenant = tenant.metered(meter.clone());
            let result = Batch::new(settler, &tenant, context.max_attempts).work(deliveries).await;
            context.status.used(meter.usage());
            match result {
                Ok(()) => {
                    debug!(%account, count, "a batch is done");
                    self.batch_size = self.batch_size.saturating_mul(GROWTH).min(MAX_BATCH);
                    self.klaviyo_failures = 0;
                }
                Err(Stop::Wait(after, reason)) => self.wait_for_klaviyo(after, reason).await,
                Err(Stop::Account(reason)) => {
                    drop(in_flight.nak_all(Duration::ZERO).await);
                    self.batch_size = 1;
                    wait_for_new_key(context, account, reason, &key).await;
                }
                Err(Stop::Queue(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes messages from the queue. False: the account has none.
    async fn take(&mut self, queue: &mut AccountQueue) -> Result<bool, QueueError> {
        let Self { context, settler: Settler { account, in_flight, .. }, .. } = *self;
        let room = self.share.room();
        // An account without room in the budget takes one message at a time.
        let most = self.batch_size.min(room.messages().max(1));
        let taken = queue.take(most, room.bytes(), IDLE);
        let Some(taken) = context.unless_shutdown(taken).await.transpose()? else { return Ok(true) };
        if !taken.is_empty() {
            self.quiet_since = Instant::now();
            in_flight.add(taken, room);
            return Ok(true);
        }
        // Messages that were naked with a delay come when it is over.
        let since = in_flight.last_redelivery().unwrap_or(self.quiet_since).max(self.quiet_since);
        match queue.recreate_if_stalled(since.elapsed()).await? {
            Backlog::Empty => Ok(false),
            Backlog::Later => Ok(true),
            Backlog::Recreated => {
                warn!(%account, "NATS gave out nothing of what waits; the account's consumer was made anew");
                context.status.recreated.inc();
                self.quiet_since = Instant::now();
                Ok(true)
            }
        }
    }

    /// Waits for Klaviyo as long as it asks for, within bounds.
    async fn wait_for_klaviyo(&mut self, after: Option<Duration>, reason: Reason) {
        let Self { context, settler: Settler { account, in_flight, .. }, .. } = *self;
        self.klaviyo_failures += 1;
        let delay = pause(self.klaviyo_failures).max(after.unwrap_or_default()).min(LONGEST_WAIT);
        warn!(%account, code = reason.code, seconds = delay.as_secs(), "waits for Klaviyo");
        if delay > LONGEST_IN_FLIGHT {
            // The account stays this worker's, so no other one takes them.
            drop(in_flight.nak_all(Duration::ZERO).await);
        }
        // A single opt-in finds out whether Klaviyo is back. The others use up no attempt.
        self.batch_size = 1;
        context.status.has(account, AccountState::Waiting(reason, Instant::now() + delay));
        self.rest(delay).await;
        context.status.has(account, AccountState::Working);
        // Nothing was taken during the pause, so the queue's silence begins now.
        self.quiet_since = Instant::now();
    }
}

/// The tenant of an account and what authenticates it; none if it has no key here.
fn tenant(context: &WorkerContext, account: &Account) -> Option<(Tenant, Authentication)> {
    // Read before the tenant: the tenant's key is this one or a newer one, which costs one attempt too many
    // at worst.
    let key = context.secrets.authentication(account)?;
    Some((context.tenants.get(account).ok()?, key))
}

/// Waits until the account has another key than the refused one, is another worker's, or it is time to try
/// again.
async fn wait_for_new_key(
    context: &WorkerContext,
    account: &Account,
    reason: Reason,
    refused: &Authentication,
) {
    warn!(
        %account, code = reason.code, reason = reason.message,
        "the account is paused until its key changes; nothing of it is lost"
    );
    context.status.has(account, AccountState::Paused(reason));
    let mut changes = context.secrets.changes();
    let mut assignments = context.assignment.subscribe();
    let mut longest = std::pin::pin!(sleep(LONGEST_WAIT));
    let changed = async {
        while context.secrets.authentication(account).as_ref() == Some(refused) && context.is_mine(account) {
            tokio::select! {
                _ = changes.changed() => {}
                _ = assignments.changed() => {}
                () = &mut longest => break,
            }
        }
    };
    context.unless_shutdown(changed).await;
    context.status.has(account, AccountState::Working);
    info!(%account, "the account is tried again");
}
