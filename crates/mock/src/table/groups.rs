//! Lists and segments, beside what is in the table of the parent: creating a list, segments, and what a
//! profile is in.

use super::{GET, LISTS_READ, LISTS_WRITE, Operation, POST, PROFILES_QUERY, PROFILES_READ, operation};
use crate::operations::{lists, memberships, segments};
use crate::rates::{DAILY, SELDOM};

const SEGMENTS_READ: &str = "segments:read";

pub(super) static OPERATIONS: &[Operation] = &[
    operation("create_list", POST, "/api/lists", lists::create)
        .query(&["fields[list]"])
        .rate(DAILY)
        .scopes(&[LISTS_WRITE]),
    operation("get_segments", GET, "/api/segments", segments::get_all)
        .query(&["fields[segment]", "filter", "page[cursor]", "page[size]", "sort"])
        .scopes(&[SEGMENTS_READ]),
    operation("get_segment", GET, "/api/segments/{id}", segments::get)
        .query(&["additional-fields[segment]", "fields[segment]"])
        .scopes(&[SEGMENTS_READ]),
    operation("get_profiles_for_segment", GET, "/api/segments/{id}/profiles", segments::get_members)
        .query(PROFILES_QUERY)
        .scopes(&[PROFILES_READ, SEGMENTS_READ]),
    operation("get_lists_for_profile", GET, "/api/profiles/{id}/lists", memberships::get_lists)
        .query(&["fields[list]"])
        .rate(SELDOM)
        .scopes(&[LISTS_READ, PROFILES_READ]),
    operation("get_segments_for_profile", GET, "/api/profiles/{id}/segments", memberships::get_segments)
        .query(&["fields[segment]"])
        .rate(SELDOM)
        .scopes(&[PROFILES_READ, SEGMENTS_READ]),
];
