//! What ends a profile or its messages: merging, suppressing, deleting.

use super::{Operation, POST, PROFILES_WRITE, SUBSCRIPTIONS_WRITE, operation};
use crate::operations::deletions::delete;
use crate::operations::merges::merge;
use crate::operations::suppressions::{suppress, unsuppress};
use crate::rates::{SELDOM, SLOW};

pub(super) static OPERATIONS: &[Operation] = &[
    operation("merge_profiles", POST, "/api/profile-merge", merge)
        .query(&["fields[profile]"])
        .rate(SLOW)
        .scopes(&[PROFILES_WRITE]),
    operation("bulk_suppress_profiles", POST, "/api/profile-suppression-bulk-create-jobs", suppress)
        .query(&["fields[profile-suppression-bulk-create-job]"])
        .scopes(&[PROFILES_WRITE, SUBSCRIPTIONS_WRITE]),
    operation("bulk_unsuppress_profiles", POST, "/api/profile-suppression-bulk-delete-jobs", unsuppress)
        .query(&["fields[profile-suppression-bulk-delete-job]"])
        .scopes(&[SUBSCRIPTIONS_WRITE]),
    operation("request_profile_deletion", POST, "/api/data-privacy-deletion-jobs", delete)
        .rate(SELDOM)
        .scopes(&["data-privacy:write"]),
];
