//! The engine room: takes the accounts that are this worker's to take, and works on each.
//!
//! The workers that live sign a register, and each computes from it who is to have which account. What makes
//! an account one worker's is its lease: that two registers differ for a moment does no harm.

mod account_worker;
mod assignment;
mod batch;
mod budget;
mod in_flight;
mod plan;
mod settle;
mod status;

use crate::account::Account;
use crate::ops::Health;
use crate::queue::{Queue, QueueError, Workers};
use crate::secrets::{SecretKind, Secrets};
use crate::tenant_cache::TenantCache;
use assignment::Assignment;
use budget::Budget;
use prometheus_client::registry::Registry;
use settle::Unwritten;
use status::Status;
use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tracing::{error, info, warn};

/// A number of requests.
type Requests = usize;

/// How often to look for accounts with something to do.
const LOOK: Duration = Duration::from_millis(500);
/// The pauses before an opt-in is tried again: a second, and twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// A worker.
pub struct Worker {
    name: String,
    context: Arc<WorkerContext>,
}

/// What all accounts of a worker have in common.
struct WorkerContext {
    queue: Arc<Queue>,
    secrets: Arc<Secrets>,
    tenants: TenantCache,
    status: Arc<Status>,
    budget: Budget,
    unwritten: Unwritten,
    attempts: NonZeroU32,
    name: String,
    assignment: watch::Sender<Assignment>,
    ending: watch::Sender<bool>,
}

/// The pause after so many attempts, a little more or less than for others, so that not all come back at once.
fn pause(attempts: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.75 + 0.5 * fastrand::f64())
}

impl Worker {
    /// A worker, with a name that no other has. `attempts` is how often an opt-in is tried before it becomes a
    /// dead dead_letter.
    #[must_use]
    pub fn new(
        queue: Arc<Queue>,
        secrets: Arc<Secrets>,
        tenants: TenantCache,
        attempts: NonZeroU32,
        registry: &mut Registry,
    ) -> Self {
        let name = format!("{:016x}", fastrand::u64(..));
        let status = Arc::new(Status::new(&name, registry));
        let (assignment, ending) = (watch::Sender::new(Assignment::default()), watch::Sender::new(false));
        let (budget, unwritten) = (Budget::default(), Unwritten::default());
        let context = WorkerContext {
            queue,
            secrets,
            tenants,
            status,
            budget,
            unwritten,
            attempts,
            name: name.clone(),
            assignment,
            ending,
        };
        Self { name, context: Arc::new(context) }
    }

    /// For `/readyz`.
    #[must_use]
    pub fn health(&self) -> Arc<dyn Health> {
        self.context.status.clone()
    }

    /// Works until `shutdown`, ends the batches that are under way if they do not take long, and gives back what is left.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut account_workers: HashMap<Account, JoinHandle<()>> = HashMap::new();
        let mut register = Register {
            workers: self.context.queue.workers(),
            signed: None,
            unable: BTreeSet::new(),
            strays: 0,
        };
        let (mut ticks, mut was_away) = (interval(LOOK), false);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                _ = ticks.tick() => {}
            }
            let looked = tokio::select! {
                () = &mut shutdown => break,
                looked = self.look(&mut register, &mut account_workers) => looked,
            };
            self.context.status.connected(looked.is_ok());
            match looked {
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
        info!("ending: batches that are under way are ended, or given back");
        self.context.ending.send_replace(true);
        for (account, account_worker) in account_workers {
            if let Err(error) = account_worker.await {
                error!(%account, %error, "the work on an account ended in a defect; report it");
            }
        }
        register.workers.sign_off(&self.name).await;
    }

    /// Takes the accounts that are to be had.
    async fn look(
        &self,
        register: &mut Register,
        account_workers: &mut HashMap<Account, JoinHandle<()>>,
    ) -> Result<(), QueueError> {
        let context = &self.context;
        if !context.queue.is_connected() {
            return Err(QueueError::Away);
        }
        for (account, account_worker) in
            account_workers.extract_if(|_, account_worker| account_worker.is_finished())
        {
            if let Err(error) = account_worker.await {
                error!(%account, %error, "the work on an account ended in a defect; report it");
                context.status.has_no_more(&account);
            }
        }
        let waiting = context.queue.waiting().await?;
        let keyed = context.secrets.accounts(SecretKind::ApiKey);
        let strays = waiting.strays.values().sum();
        if strays > register.strays {
            let subjects: Vec<&str> = waiting.strays.keys().take(10).map(String::as_str).collect();
            warn!(
                strays,
                ?subjects,
                "messages are in the queue under names that no account can have; nobody takes them"
            );
        }
        register.strays = strays;
        let total = waiting.total();
        let waiting = waiting.accounts;
        let unable: BTreeSet<Account> =
            waiting.keys().filter(|account| !keyed.contains(*account)).cloned().collect();
        context.status.without_key(&unable);
        for account in unable.difference(&register.unable) {
            warn!(%account, "opt-ins wait, and there is no key; give it one in {account}.{}", SecretKind::ApiKey.file());
        }
        if register.is_due() || unable != register.unable {
            register.unable = unable;
            register.sign(&self.name).await?;
            let assignment = Assignment::new(register.workers.alive().await?);
            context.assignment.send_if_modified(|known| {
                let is_another = *known != assignment;
                *known = assignment;
                is_another
            });
            context.status.queue(total, strays, context.queue.dead_letters().await?);
        }
        for account in waiting.into_keys() {
            if account_workers.contains_key(&account)
                || !keyed.contains(&account)
                || !context.is_mine(&account)
            {
                continue;
            }
            if let Some(lease) = context.queue.lease(&account, &self.name).await? {
                account_workers
                    .insert(account, tokio::spawn(account_worker::tend(Arc::clone(context), lease)));
            }
        }
        Ok(())
    }
}

/// This worker's entry among those that live.
struct Register {
    workers: Workers,
    signed: Option<Instant>,
    unable: BTreeSet<Account>,
    /// Messages of no account.
    strays: usize,
}

impl Register {
    fn is_due(&self) -> bool {
        self.signed.is_none_or(|signed| signed.elapsed() >= Workers::RENEW)
    }

    async fn sign(&mut self, worker: &str) -> Result<(), QueueError> {
        self.workers.sign(worker, &self.unable).await?;
        self.signed = Some(Instant::now());
        Ok(())
    }
}

impl WorkerContext {
    fn is_mine(&self, account: &Account) -> bool {
        self.assignment.borrow().owner(account) == Some(&self.name)
    }

    fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Returns when the worker is to end.
    async fn ending(&self) {
        // The sender is in here: it is not dropped before.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// None: the worker is to end before this has.
    async fn unless_ending<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.ending() => None,
            done = future => Some(done),
        }
    }
}
