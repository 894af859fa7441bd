//! The parts that doors and workers share as services: a listener with limits, and `/healthz`, `/readyz` and
//! `/metrics`.

mod connections;
mod listener;
mod progress;

pub use connections::{Connection, InUse};
pub use listener::{Listener, ListenerSettings};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::registry::Registry;
use serde_json::Value;
use std::sync::Arc;

/// Whether a service can do its work.
pub trait Health: Send + Sync + 'static {
    /// Its state now.
    fn readiness(&self) -> Readiness;
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    /// Whether it is 200; otherwise it is 503.
    pub ready: bool,
    /// The body.
    pub document: Value,
}

#[derive(Clone)]
struct Observed {
    health: Arc<dyn Health>,
    registry: Arc<Registry>,
}

/// The routes `/healthz` (the process answers), `/readyz` and `/metrics` (for Prometheus). They check no
/// signature, so they are for a listener that strangers cannot reach.
pub fn router(health: Arc<dyn Health>, registry: Arc<Registry>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Observed { health, registry })
}

async fn readyz(State(service): State<Observed>) -> Response {
    let Readiness { ready, document } = service.health.readiness();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(document)).into_response()
}

async fn metrics(State(service): State<Observed>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &service.registry) {
        Ok(()) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
