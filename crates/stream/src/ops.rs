//! What doors and workers have in common as services: a listener with limits, `/healthz`, `/readyz` and `/metrics`.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// How long the headers of a request may take, and a connection may be without one.
const HEADERS: Duration = Duration::from_secs(10);
/// How large they may be together.
const HEADER_BYTES: usize = 16 << 10;
/// How many connections are open at once; more wait to be accepted.
const CONNECTIONS: usize = 1_024;
/// How long requests that are under way may take after the end was asked for.
const GRACE: Duration = Duration::from_secs(30);

/// Whether a service can do its work.
pub trait Health: Send + Sync + 'static {
    /// As it is now.
    fn readiness(&self) -> Readiness;
}

/// What `/readyz` answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    /// 200, or 503.
    pub ready: bool,
    /// What else there is to say.
    pub document: Value,
}

#[derive(Clone)]
struct Service {
    health: Arc<dyn Health>,
    registry: Arc<Registry>,
}

/// The routes `/healthz` (the process answers), `/readyz` and `/metrics` (for Prometheus).
pub fn router(health: Arc<dyn Health>, registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Service { health, registry })
}

async fn readyz(State(service): State<Service>) -> Response {
    let Readiness { ready, document } = service.health.readiness();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(document)).into_response()
}

async fn metrics(State(service): State<Service>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &service.registry) {
        Ok(()) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A port that is listened at.
pub struct Listener(TcpListener);

impl Listener {
    /// Listens; port 0 is any free one.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Serves until `shutdown`; then accepts nothing more, and ends what is under way, if that does not take
    /// long.
    pub async fn serve(self, router: Router, shutdown: impl Future<Output = ()>) {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEADER_BYTES);
        let (connections, graceful) = (Arc::new(Semaphore::new(CONNECTIONS)), GracefulShutdown::new());
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accept = async {
                // It is never closed.
                let permit = Arc::clone(&connections).acquire_owned().await.ok();
                (permit, self.0.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Too many open files, say: those that are open end.
                    warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            // Answers are short, and written at once.
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(router.clone());
            let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    debug!(%error, "a connection ended");
                }
                drop(permit);
            });
        }
        drop(self.0);
        if timeout(GRACE, graceful.shutdown()).await.is_err() {
            warn!("some requests have not ended in {} s; they are broken off", GRACE.as_secs());
        }
    }
}
