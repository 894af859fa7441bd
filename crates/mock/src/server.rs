//! Serves a simulator over HTTP.

use crate::control;
use crate::klaviyo::Klaviyo;
use crate::reply::Reply;
use crate::simulator::Simulator;
use crate::socket::{Line, Listener};
use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use http::Response;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The most bytes that are read of a body. More than Klaviyo allows are read, because a client that still
/// writes would not see the refusal.
const READ_BYTES: usize = 64 * 1024 * 1024;

/// A running server. It stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    simulator: Arc<Simulator>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves a Klaviyo, or one account with Klaviyo's rates, on a free port of the loopback interface.
    ///
    /// # Errors
    /// When there is no free port, or the thread cannot be started.
    pub fn start(klaviyo: impl Into<Klaviyo>) -> Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), klaviyo)
    }

    /// Serves a Klaviyo at this address; port 0 is any free one.
    ///
    /// # Errors
    /// When the address is not free, or the thread cannot be started.
    pub fn start_at(address: SocketAddr, klaviyo: impl Into<Klaviyo>) -> Result<Self> {
        let simulator = Arc::new(Simulator::new(klaviyo));
        let listener =
            std::net::TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let router = Router::new().fallback(serve).with_state(Arc::clone(&simulator));
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
        Ok(Self { address, simulator, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that replaces `https://a.klaviyo.com`, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Tests read and change the simulator while it is served.
impl Deref for Server {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has printed its panic, if it had one.
            let _ = thread.join();
        }
    }
}

/// Answers one request.
async fn serve(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, READ_BYTES).await.ok();
    if parts.uri.path().starts_with("/_mock/") {
        return control::answer(&simulator, &parts, &body.unwrap_or_default()).map(Body::from);
    }
    let ticket = simulator.take_in(&parts);
    if !ticket.plan.latency.is_zero() {
        tokio::time::sleep(ticket.plan.latency).await;
    }
    match simulator.carry_out(&ticket, &parts, body.as_deref()) {
        Reply::Answer(message) => return message.map(Body::from),
        Reply::Reset => line.reset(),
        Reply::Truncated(bytes) | Reply::NotHttp(bytes) => line.close_after(bytes),
    }
    // The connection ends before this is sent.
    Response::default()
}
