//! The account behind a port of this machine.

use crate::Account;
use crate::answer::{Answer, Refusal};
use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Klaviyo's limit on a request.
const BODY_BYTES: usize = 5_000_000;

/// A running server. It stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    account: Arc<Mutex<Account>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves an account on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port or thread can be had.
    pub fn start(account: Account) -> Result<Self> {
        let account = Arc::new(Mutex::new(account));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("cannot listen on a loopback port")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let router = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served,
                _ = stopped => Ok(()),
            }
        };
        let run = move || {
            if let Err(error) = runtime.block_on(serve) {
                eprintln!("klaviyo-mock: stopped serving: {error}");
            }
        };
        let thread = std::thread::Builder::new().name("klaviyo-mock".to_owned()).spawn(run)?;
        Ok(Self { address, account, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, such as `http://127.0.0.1:40123`. It stands for `https://a.klaviyo.com`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the account holds now. Requests wait for as long as the guard is kept.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
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

async fn answer(State(account): State<Arc<Mutex<Account>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES).await else {
        let detail = "The payload is larger than 5 MB.";
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        let refusal = Refusal::new(status, "payload_too_large", "Payload too large.", detail);
        return Answer::from(refusal).into_response(0);
    };
    let mut account = lock(&account);
    let answer = account.answer(&parts.method, &parts.uri, &parts.headers, &body);
    answer.into_response(account.requests)
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    // The account is whole between requests, even if one of them panicked.
    account.lock().unwrap_or_else(PoisonError::into_inner)
}
