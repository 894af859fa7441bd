//! Accounts behind a port.

use crate::account::Account;
use crate::faults::Faults;
use crate::inspect;
use crate::klaviyo::Klaviyo;
use crate::rule::Rule;
use crate::service::{Shared, serve};
use crate::socket::{Line, Listener};
use anyhow::{Context, Result};
use axum::Router;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// A running server. It stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves a Klaviyo, or one account with Klaviyo's rates, on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port or thread can be had.
    pub fn start(klaviyo: impl Into<Klaviyo>) -> Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), klaviyo)
    }

    /// Serves a Klaviyo at this address; port 0 is any free one.
    ///
    /// # Errors
    /// When the address or a thread cannot be had.
    pub fn start_at(address: SocketAddr, klaviyo: impl Into<Klaviyo>) -> Result<Self> {
        let shared = Arc::new(Shared::new(klaviyo.into()));
        let listener =
            std::net::TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let listener = Listener(tokio::net::TcpListener::from_std(listener)?);
            let service = router.into_make_service_with_connect_info::<Line>();
            tokio::select! {
                served = async { axum::serve(listener, service).await } => served,
                _ = stopped => Ok(()),
            }
        };
        let run = move || {
            if let Err(error) = runtime.block_on(serve) {
                eprintln!("klaviyo-mock: stopped serving: {error}");
            }
        };
        let thread = std::thread::Builder::new().name("klaviyo-mock".to_owned()).spawn(run)?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, such as `http://127.0.0.1:40123`. It stands for `https://a.klaviyo.com`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the first account holds now.
    ///
    /// One thread answers all requests. For as long as the guard is kept, the first request that needs this
    /// account stops that thread, and with it all requests, those with other accounts' keys too. Nor can the
    /// thread that keeps the guard ask for this account again: this function, [`Server::account_of`] and
    /// [`Server::state`] would wait for it forever.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.shared.first()
    }

    /// What the account with this key holds now; none if no account has it. As long as the guard is kept,
    /// all waits as with [`Server::account`].
    #[must_use]
    pub fn account_of(&self, key: &str) -> Option<MutexGuard<'_, Account>> {
        self.shared.account_of(key)
    }

    /// How many requests came, whatever their key, those that went wrong on purpose among them.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests()
    }

    /// From now on these things go wrong, and no others. Requests are counted anew.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// The rules, and how often each of them has applied.
    #[must_use]
    pub fn faults(&self) -> Vec<(Rule, u64)> {
        self.shared.injector().tallies().map(|(rule, tally)| (rule.clone(), tally.applied)).collect()
    }

    /// Moves the clock on: windows of rates end, and jobs run.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// All that is held, as `GET /_mock/state` shows it. Keys are masked. It waits
    /// for the guards of all accounts: a thread that keeps one waits forever.
    #[must_use]
    pub fn state(&self) -> Value {
        inspect::state(&self.shared)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened.
            let _ = thread.join();
        }
    }
}
