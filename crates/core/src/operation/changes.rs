//! Collections in the order of the times of their items.

use super::{Operation, REVISION, get};
use crate::diagnosis::Advice;
use crate::encode::percent_encode;
use crate::json::Json;
use crate::jsonapi;
use crate::paging::{self, Page};
use crate::{ORIGIN, Profile, Response, http_date, rfc3339};
use alloc::{format, string::String};

/// A page, and the time of its answer.
pub(crate) struct ReadPage<T> {
    pub(crate) page: Page<T>,
    /// Milliseconds since 1970; none if the answer does not say it.
    pub(crate) now: Option<i64>,
}

/// Get the profiles that were updated at or after a time, in milliseconds since 1970.
pub(crate) fn get_changed_profiles(from: i64) -> Operation<ReadPage<Profile>> {
    // Klaviyo has no `greater-or-equal` here.
    let filter = format!("greater-than(updated,{})", rfc3339::text(from.saturating_sub(1)));
    let filter = percent_encode(&filter);
    get_changed_profiles_at(format!("{ORIGIN}/api/profiles/?filter={filter}&page%5Bsize%5D=100&sort=updated"))
}

/// Get the profiles at a link of an earlier answer.
pub(crate) fn get_changed_profiles_at(url: String) -> Operation<ReadPage<Profile>> {
    const READ: &Advice = &Advice::read(&["profiles:read"]);
    get(url, REVISION, READ, |response, document| read_page(response, document, jsonapi::profile))
}

fn read_page<T>(
    response: &Response,
    document: &Json<'_>,
    read: fn(&Json<'_>) -> Result<T, String>,
) -> Result<ReadPage<T>, String> {
    let now = response.header("date").and_then(http_date::milliseconds);
    Ok(ReadPage { page: paging::page(document, read)?, now })
}
