//! The outcomes that callers ask for.

use super::reply::Rejection;
use super::state::Door;
use crate::id::OptInId;
use crate::ops::Connection;
use crate::signature::{SignedHeaders, unix_time};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::HeaderMap;
use std::sync::Arc;

pub(super) async fn get_outcome(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    connection: Option<Extension<Connection>>,
) -> Result<Response, Rejection> {
    let signed = SignedHeaders::of(&headers, unix_time())?;
    let account = id.parse().ok().map(|OptInId { key, .. }| key.account).filter(|_| signed.id == id);
    let account =
        account.ok_or_else(|| Rejection::unsigned("sign with the id that is asked for as webhook-id"))?;
    door.check_signature(&signed, &account, b"")?;
    let empty = door.bodies.empty(connection.map(|Extension(connection)| connection));
    let (_, _admitted) = door.admission.admit(&account, empty)?;
    Ok(Json(door.backend.outcome(&id).await?).into_response())
}
