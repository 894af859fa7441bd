//! What doors and workers have in common as services: a listener with limits, `/healthz`, `/readyz` and `/metrics`.

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

/// The routes `/healthz` (the process answers), `/readyz` and `/metrics` (for Prometheus). They have no signature:
/// they are for a listener that strangers do not reach.
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
