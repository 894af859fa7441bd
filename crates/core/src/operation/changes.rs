//! Collections in the order of the times of their items.

use super::events::{EVENTS, events};
use super::{Operation, REVISION, get};
use crate::diagnosis::Advice;
use crate::encode::percent_encode;
use crate::jsonapi;
use crate::paging::{Page, page};
use crate::{Event, Group, Member, ORIGIN, Profile, Response, http_date, rfc3339};
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
    get(url, REVISION, READ, |response, document| Ok(dated(response, page(document, jsonapi::profile)?)))
}

/// Get the events that happened at or after a time, in milliseconds since 1970, with the names of their metrics.
pub(crate) fn get_new_events(from: i64) -> Operation<ReadPage<Event>> {
    let filter = percent_encode(&format!("greater-or-equal(datetime,{})", rfc3339::text(from)));
    get_new_events_at(format!("{ORIGIN}{EVENTS}?filter={filter}&include=metric&sort=datetime"))
}

/// Get the events at a link of an earlier answer.
pub(crate) fn get_new_events_at(url: String) -> Operation<ReadPage<Event>> {
    const READ: &Advice = &Advice::read(&["events:read", "metrics:read"]);
    get(url, REVISION, READ, |response, document| Ok(dated(response, events(document)?)))
}

/// Get the members of a group who joined at or after a time, in milliseconds since 1970.
pub(crate) fn get_joined_members(group: &Group, from: i64) -> Operation<ReadPage<Member>> {
    let filter = percent_encode(&format!("greater-or-equal(joined_group_at,{})", rfc3339::text(from)));
    let path = group.path();
    get_joined_members_at(
        group,
        format!("{ORIGIN}{path}/?filter={filter}&page%5Bsize%5D=100&sort=joined_group_at"),
    )
}

/// Get the members of a group at a link of an earlier answer.
pub(crate) fn get_joined_members_at(group: &Group, url: String) -> Operation<ReadPage<Member>> {
    get(url, REVISION, group.advice(), |response, document| {
        Ok(dated(response, page(document, jsonapi::member)?))
    })
}

fn dated<T>(response: &Response, page: Page<T>) -> ReadPage<T> {
    ReadPage { page, now: response.header("date").and_then(http_date::milliseconds) }
}
