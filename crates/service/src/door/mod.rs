//! The front door: HTTP for callers who sign their opt-ins, and for WhatsApp's webhook.
//!
//! | route | for |
//! |---|---|
//! | `POST /v1/opt-ins` | an opt-in, or an array of them, signed as in Standard Webhooks |
//! | `GET /v1/opt-ins/{id}` | the outcome of an opt-in in the queue, signed with its id as `webhook-id` |
//! | `POST /v1/opt-outs` | an opt-out, or an array of them, signed in the same way |
//! | `GET /v1/opt-outs/{id}` | the outcome of an opt-out in the queue |
//! | `GET /v1/whatsapp/{account}` | Meta's question whether the webhook is wanted |
//! | `POST /v1/whatsapp/{account}` | Meta's notifications |
//! | `POST /v1/klaviyo/{account}` | Klaviyo's own webhooks, which wake the feed of changes |
//!
//! A request passes, in this order: the limits on bodies, its signature, its account's share of the door, the
//! check of all its opt-ins, the replay cache, the account's rate. A request that fails one of them has no
//! effect. In a body without a valid signature only the account is read.

mod accept;
mod admission;
mod body;
mod direct;
mod enqueue;
mod health;
mod klaviyo;
mod metrics;
mod opt_ins;
mod opt_outs;
mod outcomes;
mod replay;
mod replies;
mod reply;
mod seldom;
mod signed;
mod state;
mod webhook;
mod whatsapp;

pub use state::{Door, DoorLimits, DoorSettings};

use crate::request_id::{self, RequestId};
use crate::trace_context;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode};
use klaviyo_host::types::Code;
use reply::{RefusalReason, Rejection};
use std::sync::Arc;
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, debug, info, info_span};

const KLAVIYO: &str = "/v1/klaviyo/{account}";
const WHATSAPP: &str = "/v1/whatsapp/{account}";

/// The routes of a door.
pub fn routes(door: &Arc<Door>) -> Router {
    let not_found =
        async || Rejection::new(StatusCode::NOT_FOUND, Code::NotFound.as_str(), "there is no such page");
    let not_allowed = async || {
        Rejection::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "the header Allow names the methods",
        )
    };
    Router::new()
        .route("/v1/opt-ins", post(opt_ins::post_opt_ins))
        .route("/v1/opt-ins/{id}", get(outcomes::get_outcome))
        .route("/v1/opt-outs", post(opt_outs::post_opt_outs))
        .route("/v1/opt-outs/{id}", get(outcomes::get_outcome))
        .route(WHATSAPP, get(webhook::get_verification).post(webhook::post_notification))
        .route(KLAVIYO, post(klaviyo::post_webhook))
        .method_not_allowed_fallback(not_allowed)
        .route_layer(from_fn_with_state(Arc::clone(door), observe))
        .with_state(Arc::clone(door))
        .fallback(not_found)
}

/// Counts requests by route, and gives each its id: to its answer, to the log and to what it puts into the queue.
async fn observe(State(door): State<Arc<Door>>, path: MatchedPath, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let _under_way = door.metrics.begun();
    let (id, route) = (RequestId::of(request.headers()), label(path.as_str()));
    let span = info_span!("request", request = %id, route, status = Empty);
    trace_context::follow(&span, request.headers());
    let mut response = id.clone().scope(next.run(request)).instrument(span.clone()).await;
    let (status, milliseconds) = (response.status(), begun.elapsed().as_millis());
    span.record("status", status.as_u16());
    span.in_scope(|| match status.is_server_error() {
        true => info!(request = %id, route, status = status.as_u16(), milliseconds, "answered"),
        false => debug!(request = %id, route, status = status.as_u16(), milliseconds, "answered"),
    });
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(request_id::HEADER, id);
    }
    if let Some(RefusalReason(reason)) = response.extensions().get() {
        door.metrics.refused(reason);
    }
    door.metrics.request(route, status, begun.elapsed());
    response
}

/// The label of a route in the metrics. A router may be nested under a path of its own.
fn label(route: &str) -> &'static str {
    match route {
        route if route.ends_with(WHATSAPP) => "whatsapp",
        route if route.ends_with(KLAVIYO) => "klaviyo",
        route if route.contains("/v1/opt-outs") => "opt-outs",
        _ => "opt-ins",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::{DoorLimits, DoorSettings};
    use crate::reply::Cloud;
    use crate::secrets::Secrets;
    use crate::tenant_cache::TenantCache;
    use axum::body::Body;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use klaviyo_host::Connector;
    use prometheus_client::registry::Registry;

    fn built(path: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(path)
    }

    #[tokio::test]
    async fn requests_are_counted_by_the_route_that_they_match() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
        let connector =
            Connector::builder().cache(built("tmp")).load(built("component/klaviyo.wasm")).unwrap();
        let tenants = TenantCache::new(connector, None, Arc::clone(&secrets));
        let settings = DoorSettings {
            words: Vec::new(),
            numbers_only: false,
            rate: 1.try_into().unwrap(),
            concurrency: 1.try_into().unwrap(),
            limits: DoorLimits::default(),
        };
        let mut registry = Registry::default();
        let door =
            Arc::new(Door::direct(tenants, secrets, settings, Cloud::new(None).unwrap(), &mut registry));
        // Nested, a request has another path than its route.
        for (base, router) in
            [("", routes(&door)), ("/v1/whatsapp", Router::new().nest("/v1/whatsapp", routes(&door)))]
        {
            for (method, path) in [
                ("POST", "/v1/opt-ins"),
                ("GET", "/v1/opt-ins/shop-1.7"),
                ("POST", "/v1/opt-outs"),
                ("GET", "/v1/opt-outs/shop-1.7"),
                ("GET", "/v1/whatsapp/shop-1"),
                ("PUT", "/v1/whatsapp/shop-1"),
                ("POST", "/v1/klaviyo/shop-1"),
                ("GET", "/v1/whatever"),
            ] {
                let request = Request::builder().method(method).uri(format!("{base}{path}"));
                let request = request.body(Body::empty()).unwrap();
                TowerToHyperService::new(router.clone()).call(request).await.unwrap();
            }
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let mut counted: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("klaviyo_door_requests_total")).collect();
        counted.sort_unstable();
        assert_eq!(
            counted,
            [
                "{route=\"klaviyo\",status=\"401\"} 2",
                "{route=\"opt-ins\",status=\"401\"} 4",
                "{route=\"opt-outs\",status=\"401\"} 4",
                "{route=\"whatsapp\",status=\"403\"} 2",
                "{route=\"whatsapp\",status=\"405\"} 2",
            ]
        );
    }
}
