//! The worker itself: which accounts it takes, and when it ends.

use super::account_worker;
use super::backlog::BacklogView;
use super::budget::Budget;
use super::changes;
use super::context::{Assignment, WorkerContext};
use super::settle::Unwritten;
use super::status::Status;
use crate::account::Account;
use crate::clock;
use crate::feed::{FeedStatus, Sender};
use crate::ops::{Health, Readiness};
use crate::queue::{Queue, QueueError, WorkerReport, Workers};
use crate::reply::{Cloud, Replier};
use crate::secrets::{SecretKind, Secrets};
use crate::tenant_cache::TenantCache;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tracing::{error, info, warn};

/// How often the worker looks for accounts with waiting opt-ins.
const POLL: Duration = Duration::from_millis(500);

/// A worker.
pub struct Worker {
    context: Arc<WorkerContext>,
}

impl Worker {
    /// A worker with a random name. `max_attempts` is how often an opt-in is tried before it becomes a dead
    /// letter. `sender` sends the changes of accounts that have settings for it, and `cloud` the
    /// replies of accounts that have a token.
    #[must_use]
    pub fn new(
        queue: Arc<Queue>,
        secrets: Arc<Secrets>,
        tenants: TenantCache,
        max_attempts: NonZeroU32,
        sender: impl Into<Arc<Sender>>,
        cloud: Cloud,
        registry: &mut Registry,
    ) -> Self {
        let name = format!("{:016x}", fastrand::u64(..));
        let backlog = Arc::new(BacklogView::new(Arc::clone(&queue)));
        registry.register_collector(Box::new(Arc::clone(&backlog)));
        let context = WorkerContext {
            replier: Replier::new(Arc::new(cloud), Arc::clone(&secrets)),
            queue,
            backlog,
            secrets,
            tenants,
            status: Status::new(&name, registry),
            budget: Budget::default(),
            unwritten: Unwritten::default(),
            max_attempts,
            name,
            sender: sender.into(),
            feeds: FeedStatus::new(registry),
            assignment: watch::Sender::new(Assignment::default()),
            waiting: watch::Sender::new(BTreeMap::new()),
            shutdown: watch::Sender::new(false),
        };
        Self { context: Arc::new(context) }
    }

    /// For `/readyz`.
    #[must_use]
    pub fn health(&self) -> Arc<dyn Health> {
        Arc::clone(&self.context) as Arc<dyn Health>
    }

    /// Works until `shutdown`. Then it ends the batches that are under way if they do not take long, and
    /// returns everything else to the queue.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { context } = self;
        let mut tasks: BTreeMap<Account, JoinHandle<()>> = BTreeMap::new();
        let mut heartbeat = Heartbeat::new(context.queue.workers());
        let (mut ticks, mut was_away) = (interval(POLL), false);
        let mut shutdown = std::pin::pin!(shutdown);
        let ages = clock::spawn({
            let backlog = Arc::clone(&context.backlog);
            async move { backlog.watch_the_oldest().await }
        });
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                _ = ticks.tick() => {}
            }
            let polled = tokio::select! {
                biased;
                () = &mut shutdown => break,
                polled = poll(&context, &mut heartbeat, &mut tasks) => polled,
            };
            context.status.connected(polled.is_ok());
            if polled.is_err() {
                context.backlog.is_away();
            }
            match polled {
                Err(error) if !was_away => {
                    warn!(error = &error as &dyn Error, "the queue is away; waiting for it");
                    was_away = true;
                }
                Ok(()) if was_away => {
                    info!("the queue is back");
                    was_away = false;
                }
                _ => {}
            }
        }
        ages.abort();
        info!("ending: batches that are under way are ended, or given back");
        context.shutdown.send_replace(true);
        for (account, task) in tasks {
            if let Err(error) = task.await {
                error!(%account, %error, "the work on an account ended in a defect; report it");
            }
        }
        context.tenants.settled().await;
        heartbeat.workers.deregister(&context.name).await;
    }
}

/// The state of the opt-ins' work, with that of the feeds beside it. A feed that waits does not change whether the worker
/// is ready.
impl Health for WorkerContext {
    fn readiness(&self) -> Readiness {
        let mut readiness = self.status.readiness();
        if let Some(document) = readiness.document.as_object_mut() {
            document.insert("changes".to_owned(), self.feeds.document());
        }
        readiness
    }
}

/// Takes the accounts that wait, are assigned to this worker and have a key here.
async fn poll(
    context: &Arc<WorkerContext>,
    heartbeat: &mut Heartbeat,
    tasks: &mut BTreeMap<Account, JoinHandle<()>>,
) -> Result<(), QueueError> {
    if !context.queue.is_connected() {
        return Err(QueueError::Away);
    }
    for (account, task) in tasks.extract_if(.., |_, task| task.is_finished()) {
        if let Err(error) = task.await {
            error!(%account, %error, "the work on an account ended in a defect; report it");
            context.status.has_no_more(&account);
        }
    }
    let waiting = context.queue.waiting().await?;
    let keyed = context.secrets.authenticated();
    let strays = waiting.strays.values().sum();
    if strays > heartbeat.strays {
        let subjects: Vec<&str> = waiting.strays.keys().take(10).map(String::as_str).collect();
        warn!(
            strays,
            ?subjects,
            "messages are in the queue under names that no account can have; nobody takes them"
        );
    }
    heartbeat.strays = strays;
    let unable: BTreeSet<Account> =
        waiting.accounts.keys().filter(|account| !keyed.contains(*account)).cloned().collect();
    context.status.without_key(&unable);
    for account in unable.difference(&heartbeat.unable) {
        let [key, oauth] = [SecretKind::ApiKey, SecretKind::Oauth].map(SecretKind::file);
        warn!(%account, "opt-ins wait, and there is no key; give it one in {account}.{key}, or connect it: {account}.{oauth}");
    }
    if heartbeat.is_due() || unable != heartbeat.unable {
        let report = WorkerReport::new(
            unable,
            context.status.reports(),
            context.feeds.held(),
            context.tenants.rates(),
        );
        heartbeat.send(&context.name, report).await?;
        let assignment = Assignment::new(heartbeat.workers.alive().await?);
        context.assignment.send_if_modified(|known| {
            let is_another = *known != assignment;
            *known = assignment;
            is_another
        });
        context.backlog.saw(&waiting, context.queue.dead_letters().await?);
    }
    let waiting = waiting.accounts;
    let named: BTreeSet<Account> = waiting.keys().cloned().collect();
    // Before an account is taken: its lanes give it up again if they do not see that something waits.
    context.waiting.send_if_modified(|known| {
        let is_another = *known != waiting;
        *known = waiting;
        is_another
    });
    for account in &named | &changes::accounts(context, &keyed) {
        if tasks.contains_key(&account) || !keyed.contains(&account) || !context.is_mine(&account) {
            continue;
        }
        if let Some(lease) = context.queue.lease(&account, &context.name).await? {
            tasks.insert(account, clock::spawn(account_worker::run(Arc::clone(context), lease)));
        }
    }
    Ok(())
}

/// The heartbeat of this worker, and what it has told or logged.
struct Heartbeat {
    workers: Workers,
    sent: Option<Instant>,
    /// The accounts with waiting opt-ins for which this worker has no key.
    unable: BTreeSet<Account>,
    /// How many messages are no account's.
    strays: usize,
}

impl Heartbeat {
    fn new(workers: Workers) -> Self {
        Self { workers, sent: None, unable: BTreeSet::new(), strays: 0 }
    }

    fn is_due(&self) -> bool {
        self.sent.is_none_or(|sent| sent.elapsed() >= Workers::RENEW)
    }

    async fn send(&mut self, worker: &str, report: WorkerReport) -> Result<(), QueueError> {
        self.workers.heartbeat(worker, &report).await?;
        self.unable = report.unable;
        self.sent = Some(Instant::now());
        Ok(())
    }
}
