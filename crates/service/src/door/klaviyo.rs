//! Klaviyo's own webhooks, which make the feed of an account's changes prompt.

use super::body;
use super::enqueue::unavailable;
use super::reply::Rejection;
use super::state::Door;
use crate::account::Account;
use crate::secrets::SecretKind;
use crate::signature::{SignatureError, check_klaviyo};
use axum::extract::{Path, Request, State};
use http::{HeaderMap, StatusCode};
use std::sync::Arc;

/// Wakes the feed of the account. Nothing else comes of a webhook, so one that is repeated does no harm, and what is in it
/// is not read.
pub(super) async fn post_webhook(
    State(door): State<Arc<Door>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode, Rejection> {
    let body = door.bodies.read(request, body::NOTIFICATION).await?;
    let account = account.parse::<Account>().ok();
    let keys =
        account.as_ref().and_then(|account| door.secrets.mac_keys(account, SecretKind::KlaviyoWebhookSecret));
    keys.as_ref().unwrap_or(&door.decoy_keys).check(|key| check_klaviyo(&headers, key, &body))?;
    let (Some(account), Some(_)) = (account, keys) else { return Err(SignatureError::Signature.into()) };
    let (_, _admitted) = door.admission.admit(&account, body)?;
    door.backend.wake_changes(&account).await.map_err(|error| unavailable(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
