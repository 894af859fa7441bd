//! Serves a simulated WhatsApp over HTTP, and sends its webhooks.

use crate::api;
use crate::business::Business;
use crate::control;
use crate::lanes;
use crate::problem::{Problem, json_answer};
use crate::shared::Shared;
use crate::whatsapp::WhatsApp;
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use http::Response;
use klaviyo_mock::{Line, Port, Reply};
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// The most bytes that are read of a body.
const READ_BYTES: usize = 4 * 1024 * 1024;

/// A running WhatsApp. It stops when it is dropped: webhooks that wait are not sent.
pub struct Server {
    whatsapp: WhatsApp,
    port: Arc<Port>,
}

impl Server {
    /// Serves a business on a free port of the loopback interface, and sends its webhooks.
    ///
    /// # Errors
    /// When there is no free port, or a thread cannot be started.
    pub fn start(business: Business) -> Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), business)
    }

    /// Serves a business at this address; port 0 is any free one.
    ///
    /// # Errors
    /// When the address is not free, or a thread cannot be started.
    pub fn start_at(address: SocketAddr, business: Business) -> Result<Self> {
        let servers = Self::start_all_at(address, vec![business])?;
        servers.into_iter().next().context("there is no business")
    }

    /// Serves several businesses on one free port of the loopback interface, as the Graph API serves all at one
    /// address: a message is for the business whose number's id is in the path. Each has people, a clock and faults of
    /// its own. `/_whatsapp/` is about the first one.
    ///
    /// # Errors
    /// When two have the same id of their number, there is no free port, or a thread cannot be started.
    pub fn start_all(businesses: Vec<Business>) -> Result<Vec<Self>> {
        Self::start_all_at((Ipv4Addr::LOCALHOST, 0).into(), businesses)
    }

    fn start_all_at(address: SocketAddr, businesses: Vec<Business>) -> Result<Vec<Self>> {
        let ids: HashSet<&str> = businesses.iter().map(|business| &*business.address.number_id).collect();
        ensure!(ids.len() == businesses.len(), "two businesses have the same phone number id");
        let all: Arc<[WhatsApp]> =
            businesses.into_iter().map(|business| WhatsApp(Arc::new(Shared::new(business)))).collect();
        let router = Router::new().fallback(serve).with_state(Arc::clone(&all));
        let service = router.into_make_service_with_connect_info::<Line>();
        let port =
            Port::open(address, "whatsapp-mock", |listener| async { axum::serve(listener, service).await })?;
        let port = Arc::new(port);
        let server = |whatsapp: &WhatsApp| Self { whatsapp: whatsapp.clone(), port: Arc::clone(&port) };
        let servers: Vec<Self> = all.iter().map(server).collect();
        for server in &servers {
            lanes::start(&server.whatsapp.0)?;
        }
        Ok(servers)
    }

    /// The address that replaces `https://graph.facebook.com`, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        self.port.url()
    }
}

/// Tests act for people and read the state while it is served.
impl Deref for Server {
    type Target = WhatsApp;

    fn deref(&self) -> &WhatsApp {
        &self.whatsapp
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.whatsapp.0.change(|world| world.is_over = true);
    }
}

/// The business that a request is for: the one whose number's id is in the path, or else the first, which answers that
/// it has no such number.
fn addressed<'a>(all: &'a [WhatsApp], path: &str) -> Option<&'a WhatsApp> {
    let id = path.split('/').nth(2).unwrap_or_default();
    all.iter().find(|whatsapp| whatsapp.0.business.address.number_id == id).or(all.first())
}

/// Answers one request.
async fn serve(
    State(all): State<Arc<[WhatsApp]>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response<Body> {
    let Some(whatsapp) = addressed(&all, request.uri().path()).cloned() else { return Response::default() };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, READ_BYTES).await.ok();
    if parts.uri.path().starts_with("/_whatsapp/") {
        let answer = move || control::answer(&whatsapp, &parts, &body.unwrap_or_default());
        // It may block. It ends early only when the simulator stops.
        return spawn_blocking(answer).await.unwrap_or_default().map(Body::from);
    }
    let shared = &*whatsapp.0;
    let (plan, request) = shared.change(|world| {
        world.requests += 1;
        (world.injector.plan(parts.method.as_str(), parts.uri.path()), world.requests)
    });
    if !plan.latency.is_zero() {
        tokio::time::sleep(plan.latency).await;
    }
    let trace = format!("A{request:010x}");
    let answer = || {
        let body =
            body.as_deref().ok_or_else(|| Problem::InvalidParameter("The body is too large.".to_owned()));
        match body.and_then(|body| api::answer(shared, &parts, body)) {
            Ok(document) => json_answer(200, &document),
            Err(problem) => problem.answer(&trace),
        }
    };
    if let Some(fault) = plan.fault {
        shared.report(&format!("← {} {}: the fault {fault}", parts.method, parts.uri.path()));
    }
    let refused = |status, _| Problem::Status(status).answer(&trace);
    line.send(Reply::of(plan.fault, whatsapp.date(), answer, refused)).map(Body::from)
}
