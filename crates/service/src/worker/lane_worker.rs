//! The work on one lane of an account.

use super::batch::{Batch, Stop};
use super::budget::BudgetShare;
use super::context::{LONGEST_WAIT, WorkerContext};
use super::gate::Gate;
use super::in_flight::pause;
use super::replies::{self, ReplyLane};
use super::settle::Settler;
use super::status::AccountState;
use crate::account::Account;
use crate::outcome::Reason;
use crate::queue::{AccountQueue, Backlog, Lane, MAX_BATCH, QueueError};
use crate::secrets::Authentication;
use klaviyo_host::Tenant;
use std::error::Error;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

/// How long a lane without waiting messages is kept.
const IDLE: Duration = Duration::from_secs(5);
/// How long messages stay in flight during a pause. In a longer one they go back to the queue, because each
/// message in flight has to be extended all the time.
const LONGEST_IN_FLIGHT: Duration = Duration::from_secs(10);
/// How many replies are taken at once.
const REPLIES: usize = 100;
/// The factor by which the next batch is larger after one that was done.
const GROWTH: usize = 10;

/// Works on a lane whenever messages wait there, until the account is given up: when no lane is `awake`.
pub(super) async fn run(
    context: &WorkerContext,
    settler: Settler<'_>,
    gate: &Gate,
    awake: &watch::Sender<usize>,
) {
    let Settler { account, lane, .. } = settler;
    let (mut waiting, mut assignments) = (context.waiting.subscribe(), context.assignment.subscribe());
    let mut others = awake.subscribe();
    loop {
        if context.waits(account, lane) {
            work_through_failures(context, settler, gate).await;
            context.status.has(account, lane, AccountState::Working);
        }
        awake.send_modify(|awake| *awake -= 1);
        loop {
            if !goes_on(context, account) || *others.borrow_and_update() == 0 {
                return;
            }
            tokio::select! {
                biased;
                _ = waiting.changed() => {}
                _ = others.changed() => {}
                _ = assignments.changed() => {}
                () = context.shutdown() => {}
            }
            // What was seen before the lane came to its end does not count.
            if context.waits(account, lane) && goes_on(context, account) {
                break;
            }
        }
        // Nobody wakes up when all others have ended: they would not hear of new messages.
        let is_awake = awake.send_if_modified(|awake| {
            let goes_on = *awake > 0;
            *awake += usize::from(goes_on);
            goes_on
        });
        if !is_awake {
            return;
        }
    }
}

/// Whether the account is still this worker's, and has a key here.
fn goes_on(context: &WorkerContext, account: &Account) -> bool {
    !context.is_shutting_down() && context.is_mine(account) && tenant(context, account).is_some()
}

/// Works on the lane until nothing waits in it. After each failure of the queue it tries again, after a longer pause.
async fn work_through_failures(context: &WorkerContext, settler: Settler<'_>, gate: &Gate) {
    let Settler { account, lane, in_flight, .. } = settler;
    let mut worker = LaneWorker {
        context,
        settler,
        gate,
        replies: ReplyLane::default(),
        share: context.budget.share(),
        batch_size: if lane == Lane::Replies { REPLIES } else { MAX_BATCH },
        klaviyo_failures: 0,
        quiet_since: Instant::now(),
    };
    let mut failures = 0;
    while worker.goes_on() {
        let Err(error) = worker.work(&mut failures).await else { return };
        failures += 1;
        let delay = pause(failures);
        warn!(
            %account, %lane, seconds = delay.as_secs(), error = &error as &dyn Error,
            "the queue fails; Klaviyo is asked for nothing meanwhile"
        );
        context.status.queue_failed(account, lane, &error);
        if delay > LONGEST_IN_FLIGHT {
            drop(in_flight.nak_all(delay).await);
        }
        worker.rest(delay).await;
    }
}

/// The work on a lane of one account.
struct LaneWorker<'a> {
    context: &'a WorkerContext,
    settler: Settler<'a>,
    gate: &'a Gate,
    replies: ReplyLane,
    share: BudgetShare<'a>,
    /// How many opt-ins the next batch has at most.
    batch_size: usize,
    /// How often Klaviyo was unavailable since a batch was done.
    klaviyo_failures: u32,
    /// When the queue delivered something the last time.
    quiet_since: Instant,
}

impl LaneWorker<'_> {
    fn goes_on(&self) -> bool {
        goes_on(self.context, self.settler.account)
    }

    /// Waits, unless the account is assigned to another worker or this one shuts down.
    async fn rest(&self, delay: Duration) {
        let mut assignments = self.context.assignment.subscribe();
        let another = assignments
            .wait_for(|assignment| assignment.owner(self.settler.account) != Some(&self.context.name));
        tokio::select! {
            biased;
            () = self.context.shutdown() => {}
            _ = another => {}
            () = sleep(delay) => {}
        }
    }

    /// Works on the lane until the queue fails. `queue_failures` counts since the queue was well.
    async fn work(&mut self, queue_failures: &mut u32) -> Result<(), QueueError> {
        let Self { context, settler, gate, .. } = *self;
        let Settler { account, lane, in_flight, .. } = settler;
        let mut queue = context.queue.account(account, lane).await?;
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
            if lane == Lane::Replies {
                let held = self.replies.send(context, settler, deliveries).await?;
                *queue_failures = 0;
                if replies::wait(context, settler, held, async |delay| self.rest(delay).await).await {
                    self.quiet_since = Instant::now();
                }
                continue;
            }
            settler.probe_outcomes(deliveries.len()).await?;
            *queue_failures = 0;
            context.status.has(account, lane, AccountState::Working);
            let count = deliveries.len();
            let result = Batch::new(settler, gate, &tenant, context.max_attempts).work(deliveries).await;
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
                    wait_for_new_key(context, settler, reason, &key).await;
                }
                Err(Stop::Queue(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes messages from the queue. False: the lane has none.
    async fn take(&mut self, queue: &mut AccountQueue) -> Result<bool, QueueError> {
        let Self { context, settler: Settler { account, lane, in_flight, .. }, .. } = *self;
        let room = self.share.room();
        // An account without room in the budget takes one message at a time.
        let most = self.batch_size.min(room.messages().max(1));
        queue.follow_server().await?;
        let taken = queue.take(most, room.bytes(), IDLE);
        let Some(taken) = context.unless_shutdown(taken).await.transpose()? else { return Ok(true) };
        if !taken.is_empty() {
            self.quiet_since = Instant::now();
            context.status.delivered(lane, &taken);
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
                context.status.counters.recreated.inc();
                self.quiet_since = Instant::now();
                Ok(true)
            }
        }
    }

    /// Waits for Klaviyo as long as it asks for, within bounds.
    async fn wait_for_klaviyo(&mut self, after: Option<Duration>, reason: Reason) {
        let Self { context, settler: Settler { account, lane, in_flight, .. }, .. } = *self;
        self.klaviyo_failures += 1;
        let delay = pause(self.klaviyo_failures).max(after.unwrap_or_default()).min(LONGEST_WAIT);
        warn!(%account, %lane, code = reason.code, seconds = delay.as_secs(), "waits for Klaviyo");
        if delay > LONGEST_IN_FLIGHT {
            // The account stays this worker's, so no other one takes them.
            drop(in_flight.nak_all(Duration::ZERO).await);
        }
        // A single opt-in finds out whether Klaviyo is back. The others use up no attempt.
        self.batch_size = 1;
        context.status.has(account, lane, AccountState::Waiting(reason, Instant::now() + delay));
        self.rest(delay).await;
        context.status.has(account, lane, AccountState::Working);
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
    settler: Settler<'_>,
    reason: Reason,
    refused: &Authentication,
) {
    let Settler { account, lane, .. } = settler;
    warn!(
        %account, code = reason.code, reason = reason.message,
        "the account is paused until its key, or the file of its app, changes; nothing of it is lost"
    );
    context.status.has(account, lane, AccountState::Paused(reason));
    context.wait_while(account, || context.secrets.authentication(account).as_ref() == Some(refused)).await;
    context.status.has(account, lane, AccountState::Working);
    info!(%account, "the account is tried again");
}
