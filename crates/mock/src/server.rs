//! Serves a simulator over HTTP.

use crate::control;
use crate::klaviyo::Klaviyo;
use crate::port::Port;
use crate::simulator::Simulator;
use crate::socket::Line;
use anyhow::Result;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use http::Response;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

/// The most bytes that are read of a body. More than Klaviyo allows are read, because a client that still
/// writes would not see the refusal.
const READ_BYTES: usize = 64 * 1024 * 1024;

/// A running server. It stops when it is dropped.
pub struct Server {
    simulator: Arc<Simulator>,
    port: Port,
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
        let router = Router::new().fallback(serve).with_state(Arc::clone(&simulator));
        let service = router.into_make_service_with_connect_info::<Line>();
        let port =
            Port::open(address, "klaviyo-mock", |listener| async { axum::serve(listener, service).await })?;
        Ok(Self { simulator, port })
    }

    /// The address that replaces `https://a.klaviyo.com`, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        self.port.url()
    }
}

/// Tests read and change the simulator while it is served.
impl Deref for Server {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
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
    line.send(simulator.carry_out(&ticket, &parts, body.as_deref())).map(Body::from)
}
