//! One process: its clock, when it stands still, and when it dies. Each of its tasks runs as a future of its own
//! ([`Process::own`]), and so does every task that one of them spawns.

use super::network::Network;
use super::server::Server;
use bytes::Bytes;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

thread_local! {
    /// The process whose task runs on this thread.
    static CURRENT: RefCell<Option<Process>> = const { RefCell::new(None) };
}

/// The process whose task runs on this thread; none if it is nobody's.
pub(super) fn current() -> Option<Process> {
    CURRENT.with_borrow(Clone::clone)
}

/// A process that asks JetStream. Once it is dead, nothing of what it does has an effect.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) name: Arc<str>,
    pub(crate) server: Arc<Server>,
    pub(crate) network: Arc<Network>,
    life: Arc<Life>,
}

struct Life {
    is_dead: AtomicBool,
    /// How many requests are left until it dies; many if it lives on.
    requests_left: AtomicU64,
    made: AtomicU64,
    /// How far its clock is ahead, in milliseconds.
    ahead: AtomicI64,
    standstill: Mutex<Standstill>,
    /// The leases that it has asked for last, by account.
    leases: Mutex<BTreeMap<String, Bytes>>,
}

/// When a process stands still.
#[derive(Default)]
struct Standstill {
    /// After so many more requests, for so long.
    next: Option<(u64, Duration)>,
    until: Option<Instant>,
}

impl Process {
    pub(crate) fn new(name: &str, server: &Arc<Server>, network: &Arc<Network>) -> Self {
        let life = Life {
            is_dead: AtomicBool::new(false),
            requests_left: AtomicU64::new(u64::MAX),
            made: AtomicU64::new(0),
            ahead: AtomicI64::new(0),
            standstill: Mutex::default(),
            leases: Mutex::default(),
        };
        Self {
            name: name.into(),
            server: Arc::clone(server),
            network: Arc::clone(network),
            life: Arc::new(life),
        }
    }

    /// Sets how far its clock is ahead, in milliseconds.
    pub(super) fn set_clock(&self, ahead: i64) {
        self.network.note(&format!("the clock of {} is {ahead} ms ahead", self.name));
        self.life.ahead.store(ahead, Ordering::Relaxed);
    }

    pub(super) fn ahead(&self) -> time::Duration {
        time::Duration::milliseconds(self.life.ahead.load(Ordering::Relaxed))
    }

    /// Kills it after so many more requests, of which the last one is carried out.
    pub(crate) fn kill_after(&self, requests: u64) {
        self.life.requests_left.store(requests, Ordering::Relaxed);
    }

    /// Stops it for a time, right after so many more requests.
    pub(super) fn stand_still_after(&self, requests: u64, time: Duration) {
        self.life.standstill.lock().next = Some((requests, time));
    }

    /// Nothing happens to it any more. If it stands still, it wakes by itself.
    pub(super) fn spare(&self) {
        self.kill_after(u64::MAX);
        self.life.standstill.lock().next = None;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.life.is_dead.load(Ordering::Relaxed)
    }

    /// Returns some time after its death.
    pub(super) async fn died(&self) {
        while !self.is_dead() {
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// A number that it had not before.
    pub(super) fn next(&self) -> u64 {
        self.life.made.fetch_add(1, Ordering::Relaxed)
    }

    /// It asks for a lease.
    pub(super) fn asks_for_lease(&self, account: &str, lease: &Bytes) {
        self.life.leases.lock().insert(account.to_owned(), lease.clone());
    }

    /// Whether it has the lease of an account, by the server's word.
    pub(super) fn has_lease(&self, account: &str) -> bool {
        let (stream, subject) = ("KV_klaviyo-leases", format!("$KV.klaviyo-leases.{account}"));
        let now = self.server.state().entry(stream, &subject).and_then(|entry| entry.value);
        now.is_some() && now.as_ref() == self.life.leases.lock().get(account)
    }

    /// Counts a request. False: it is not sent any more.
    pub(crate) fn sends(&self, what: &str) -> bool {
        if self.is_dead() {
            return false;
        }
        let left = self.life.requests_left.fetch_sub(1, Ordering::Relaxed);
        if left <= 1 {
            self.life.is_dead.store(true, Ordering::Relaxed);
            self.network.note(&format!("{} is killed after: {what}", self.name));
        }
        let mut standstill = self.life.standstill.lock();
        match &mut standstill.next {
            Some((requests @ 1.., _)) => *requests -= 1,
            Some((0, time)) => {
                let (seconds, until) = (time.as_secs(), Instant::now() + *time);
                *standstill = Standstill { next: None, until: Some(until) };
                self.network.note(&format!("{} stands still for {seconds} s after: {what}", self.name));
            }
            None => {}
        }
        left > 0
    }

    fn stands_still_until(&self) -> Option<Instant> {
        self.life.standstill.lock().until.filter(|until| *until > Instant::now())
    }

    /// A future that is this process's: it has its clock, and stops and dies with it.
    pub(super) fn own<F: Future>(&self, future: F) -> Owned<F> {
        Owned { process: self.clone(), future: Box::pin(future), standstill: None }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// See [`Process::own`].
pub(super) struct Owned<F> {
    process: Process,
    future: Pin<Box<F>>,
    standstill: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Owned<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if self.process.is_dead() {
            return Poll::Pending;
        }
        if let Some(until) = self.process.stands_still_until() {
            let mut standstill = Box::pin(sleep_until(until));
            let poll = standstill.as_mut().poll(context);
            self.standstill = Some(standstill);
            if poll.is_pending() {
                return Poll::Pending;
            }
        }
        self.standstill = None;
        let before = CURRENT.replace(Some(self.process.clone()));
        let poll = self.future.as_mut().poll(context);
        CURRENT.set(before);
        poll
    }
}
