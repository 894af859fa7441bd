//! The consent of changed profiles: one request for each.

use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_host::{Error, Tenant};
use serde_json::{Value, json};

/// How many are asked for at once.
const AT_ONCE: usize = 4;

/// The consent of each of these profiles of `changes.profiles`, as `consent.status` of the contract has it; null for one
/// that was deleted since.
///
/// # Errors
/// When a call fails.
pub async fn consents(tenant: &Tenant, profiles: &[Value]) -> Result<Vec<Value>, Error> {
    let ids: Vec<Value> = profiles.iter().map(|profile| json!({ "id": profile.get("id") })).collect();
    let status = |id: Value| async move { tenant.call("consent.status", &[id]).await };
    let consents = stream::iter(ids).map(status).buffered(AT_ONCE);
    consents.map_ok(|answer| answer.value).try_collect().await
}
