//! How the service does, for its operator: a page, and the JSON that it shows.
//!
//! | route | |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /overview` | accounts, what waits, dead letters |
//! | `GET /overview/dead-letters/{id}` | one dead letter, whole |
//! | `POST /overview/retry`, `POST /overview/drop` | decides about dead letters: `{"ids": […]}` |
//!
//! The last three lines are for a process that connects as an operator. Nobody signs in here, so these routes are for
//! a listener that strangers cannot reach, as `/metrics` is. A browser of somebody who can reach it is another matter:
//! see [`guard`].

mod document;
mod guard;
mod mask;
mod page;

pub use document::Overview;

use crate::id::OptInId;
use crate::queue::{DeadLetter, Queue, QueueError};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use tracing::info;

/// The most dead letters that are decided about at once.
const MOST_IDS: usize = 1_000;
/// The longest body of a decision, in bytes: that many ids.
const LONGEST_BODY: usize = 160 * MOST_IDS;

/// The routes of a process that may decide about dead letters, or of one that may only look.
pub fn routes(overview: Arc<Overview>) -> Router {
    let looked_at = Router::new().route("/", get(page::page)).route("/overview", get(shown));
    let all = if overview.decides() {
        looked_at
            .route("/overview/dead-letters/{id}", get(letter))
            .route("/overview/retry", post(retry))
            .route("/overview/drop", post(give_up))
            .layer(DefaultBodyLimit::max(LONGEST_BODY))
    } else {
        looked_at
    };
    all.layer(middleware::from_fn(guard::check)).with_state(overview)
}

async fn shown(State(overview): State<Arc<Overview>>) -> Response {
    match overview.document().await {
        Ok(document) => Json(document).into_response(),
        Err(error) => away(&error),
    }
}

async fn letter(State(overview): State<Arc<Overview>>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<OptInId>() else { return gone() };
    match overview.queue().find_dead_letter(&id).await {
        Ok(Some(letter)) => Json(letter.document()).into_response(),
        Ok(None) => gone(),
        Err(error) => away(&error),
    }
}

/// The dead letters that are decided about.
#[derive(Deserialize)]
struct Which {
    ids: Vec<String>,
}

async fn retry(State(overview): State<Arc<Overview>>, headers: HeaderMap, which: Json<Which>) -> Response {
    let work = async |queue: &Queue, letter: &DeadLetter| queue.retry(letter).await;
    decide(&overview, &headers, which, "put back into the queue", work).await
}

async fn give_up(State(overview): State<Arc<Overview>>, headers: HeaderMap, which: Json<Which>) -> Response {
    let work = async |queue: &Queue, letter: &DeadLetter| queue.give_up(letter).await;
    decide(&overview, &headers, which, "given up", work).await
}

/// Decides about dead letters, and answers how many were still there.
async fn decide(
    overview: &Overview,
    headers: &HeaderMap,
    Json(Which { ids }): Json<Which>,
    decision: &'static str,
    work: impl AsyncFn(&Queue, &DeadLetter) -> Result<bool, QueueError>,
) -> Response {
    if let Err(refusal) = guard::is_from_page(headers) {
        return told(StatusCode::FORBIDDEN, refusal);
    }
    if ids.len() > MOST_IDS {
        return told(StatusCode::UNPROCESSABLE_ENTITY, "decide about at most 1,000 dead letters at once");
    }
    let Ok(ids) = ids.iter().map(|id| id.parse()).collect::<Result<Vec<OptInId>, _>>() else {
        return told(StatusCode::UNPROCESSABLE_ENTITY, "one of these is not the id of a dead letter");
    };
    let (queue, mut count) = (overview.queue(), 0_u64);
    let mut decided = async || -> Result<(), QueueError> {
        for id in &ids {
            if let Some(letter) = queue.find_dead_letter(id).await?
                && work(queue, &letter).await?
            {
                count += 1;
                info!(%id, decision, "an operator has decided about a dead letter");
            }
        }
        Ok(())
    };
    let ended = decided().await;
    overview.look_again().await;
    match ended {
        Ok(()) => Json(json!({ "count": count })).into_response(),
        Err(error) => {
            let message = format!("{count} were {decision}, then: {}; repeat it for the rest", chain(&error));
            told(StatusCode::SERVICE_UNAVAILABLE, &message)
        }
    }
}

fn gone() -> Response {
    told(StatusCode::NOT_FOUND, "there is no such dead letter any more")
}

fn away(error: &QueueError) -> Response {
    told(StatusCode::SERVICE_UNAVAILABLE, &chain(error))
}

fn told(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

/// An error and its causes, in one line.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
