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
use crate::secrets::{Kind, Secrets};
use crate::tenant_cache::Tenants;
use assignment::Roster;
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
    shared: Arc<Shared>,
}

/// What all accounts of a worker have in common.
struct Shared {
    queue: Arc<Queue>,
    secrets: Arc<Secrets>,
    tenants: Tenants,
    status: Arc<Status>,
    budget: Budget,
    unwritten: Unwritten,
    attempts: NonZeroU32,
    name: String,
    roster: watch::Sender<Roster>,
    ending: watch::Sender<bool>,
}

/// The pause after so many attempts, a little more or less than for others, so that not all come back at once.
fn pause(attempts: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.75 + 0.5 * fastrand::f64())
}

impl Worker {
    /// A worker, with a name that no other has. `attempts` is how often an opt-in is tried before it becomes a
    /// dead letter.
    #[must_use]
    pub fn new(
        queue: Arc<Queue>,
        secrets: Arc<Secrets>,
        tenants: Tenants,
        attempts: NonZeroU32,
        registry: &mut Registry,
    ) -> Self {
        let name = format!("{:016x}", fastrand::u64(..));
        let status = Arc::new(Status::new(&name, registry));
        let (roster, ending) = (watch::Sender::new(Roster::default()), watch::Sender::new(false));
        let (budget, unwritten) = (Budget::default(), Unwritten::default());
        let shared = Shared {
            queue,
            secrets,
            tenants,
            status,
            budget,
            unwritten,
            attempts,
            name: name.clone(),
            roster,
            ending,
        };
        Self { name, shared: Arc::new(shared) }
    }

    /// For `/readyz`.
    #[must_use]
    pub fn health(&self) -> Arc<dyn Health> {
        self.shared.status.clone()
    }

    /// Works until `shutdown`, ends the batches that are under way if they do not take long, and gives back what is left.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut desks: HashMap<Account, JoinHandle<()>> = HashMap::new();
        let mut register = Register {
            workers: self.shared.queue.workers(),
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
                looked = self.look(&mut register, &mut desks) => looked,
            };
            self.shared.status.connected(looked.is_ok());
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
        self.shared.ending.send_replace(true);
        for (account, desk) in desks {
            if let Err(error) = desk.await {
                error!(%account, %error, "the work on an account ended in a defect; report it");
            }
        }
        register.workers.sign_off(&self.name).await;
    }

    /// Takes the accounts that are to be had.
    async fn look(
        &self,
        register: &mut Register,
        desks: &mut HashMap<Account, JoinHandle<()>>,
    ) -> Result<(), QueueError> {
        let shared = &self.shared;
        if !shared.queue.is_connected() {
            return Err(QueueError::Away);
        }
        for (account, desk) in desks.extract_if(|_, desk| desk.is_finished()) {
            if let Err(error) = desk.await {
                error!(%account, %error, "the work on an account ended in a defect; report it");
                shared.status.has_no_more(&account);
            }
        }
        let waiting = shared.queue.waiting().await?;
        let keyed = shared.secrets.accounts(Kind::ApiKey);
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
        shared.status.without_key(&unable);
        for account in unable.difference(&register.unable) {
            warn!(%account, "opt-ins wait, and there is no key; give it one in {account}.{}", Kind::ApiKey.file());
        }
        if register.is_due() || unable != register.unable {
            register.unable = unable;
            register.sign(&self.name).await?;
            let roster = Roster::new(register.workers.alive().await?);
            shared.roster.send_if_modified(|known| {
                let is_another = *known != roster;
                *known = roster;
                is_another
            });
            shared.status.queue(total, strays, shared.queue.dead_letters().await?);
        }
        for account in waiting.into_keys() {
            if desks.contains_key(&account) || !keyed.contains(&account) || !shared.is_mine(&account) {
                continue;
            }
            if let Some(lease) = shared.queue.lease(&account, &self.name).await? {
                desks.insert(account, tokio::spawn(account_worker::tend(Arc::clone(shared), lease)));
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

impl Shared {
    fn is_mine(&self, account: &Account) -> bool {
        self.roster.borrow().owner(account) == Some(&self.name)
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
