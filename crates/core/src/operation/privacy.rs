//! Suppressions, and the deletion of people.

use super::{Operation, REPEAT, REVISION, json, nothing_or_data, post};
use crate::batch::{Accepted, BulkRequest, FORM, PROFILES};
use crate::diagnosis::Advice;
use crate::jsonapi::{Body, Deletion, Identified, NewResource};
use crate::{Error, ORIGIN};
use alloc::{boxed::Box, format};

/// Klaviyo's limit on the addresses of one request.
const ADDRESSES: usize = 100;

/// Bulk suppress profiles.
pub(crate) fn bulk_suppress() -> BulkRequest {
    const WRITE: &Advice =
        &Advice { scopes: &["profiles:write", "subscriptions:write"], form: FORM, if_uncertain: REPEAT };
    BulkRequest::new("profile-suppression-bulk-create-job", PROFILES, ADDRESSES, WRITE, Accepted::unnamed)
}

/// Bulk unsuppress profiles.
pub(crate) fn bulk_unsuppress() -> BulkRequest {
    const WRITE: &Advice = &Advice { scopes: &["subscriptions:write"], form: FORM, if_uncertain: REPEAT };
    BulkRequest::new("profile-suppression-bulk-delete-job", PROFILES, ADDRESSES, WRITE, Accepted::unnamed)
}

/// Request profile deletion.
pub(crate) fn request_deletion(
    id: Option<&str>,
    identifiers: Identified<'_>,
) -> Result<Operation<()>, Box<Error>> {
    const WRITE: &Advice = &Advice {
        scopes: &["data-privacy:write"],
        form: "{data: {type: 'data-privacy-deletion-job', attributes: {profile: {data: {type: 'profile', …}}}}}",
        if_uncertain: REPEAT,
    };
    let profile = Body { data: NewResource { kind: "profile", id, attributes: identifiers } };
    let attributes = Deletion { profile };
    let body = json(&Body { data: NewResource { kind: "data-privacy-deletion-job", id: None, attributes } })?;
    let request = post(format!("{ORIGIN}/api/data-privacy-deletion-jobs/"), REVISION, body);
    Ok(Operation { request, advice: WRITE, read: |_, document| nothing_or_data(document) })
}
