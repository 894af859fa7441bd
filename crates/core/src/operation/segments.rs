//! Segments.

use super::{Operation, REVISION, get};
use crate::diagnosis::Advice;
use crate::encode::percent_encode;
use crate::jsonapi;
use crate::paging::{Page, page};
use crate::{ORIGIN, Segment};
use alloc::{format, string::String};

/// Get segments, the first page.
pub(crate) fn get_segments() -> Operation<Page<Segment>> {
    get_segments_at(format!("{ORIGIN}/api/segments/"))
}

/// Get segments, the page at a link of an earlier answer.
pub(crate) fn get_segments_at(url: String) -> Operation<Page<Segment>> {
    const READ: &Advice = &Advice::read(&["segments:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::segment))
}

/// Get segments for profile, the first page.
pub(crate) fn get_segments_of_profile(profile: &str) -> Operation<Page<Segment>> {
    get_segments_of_profile_at(format!("{ORIGIN}/api/profiles/{}/segments/", percent_encode(profile)))
}

/// Get segments for profile, the page at a link of an earlier answer.
pub(crate) fn get_segments_of_profile_at(url: String) -> Operation<Page<Segment>> {
    const READ: &Advice = &Advice::read(&["segments:read", "profiles:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::segment))
}
