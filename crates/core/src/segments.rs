//! The segments of an account, and who is in them.

use crate::operation::segments::{
    get_segments, get_segments_at, get_segments_of_profile, get_segments_of_profile_at,
};
use crate::{Error, Group, Http, MemberPage, Segment, check, membership, paging};
use alloc::{borrow::ToOwned, boxed::Box, vec::Vec};

/// All segments, in Klaviyo's order.
///
/// # Errors
/// When a page cannot be read, and when a `next` link leaves Klaviyo's origin, repeats, or never ends.
pub fn all(http: &mut dyn Http) -> Result<Vec<Segment>, Box<Error>> {
    paging::collect(http, get_segments(), get_segments_at)
}

/// A page of the members, those who joined first at the start.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, also when the cursor is not from a page
/// of this segment, and the errors of Klaviyo and of the transport.
pub fn members(http: &mut dyn Http, segment: &str, cursor: Option<&str>) -> Result<MemberPage, Box<Error>> {
    let group = Group::Segment(check::path_segment("segment", segment)?.to_owned());
    membership::page(http, &group, cursor)
}

/// The segments that a profile, by its id, is in.
///
/// # Errors
/// As [`all`]; [`Code::InvalidInput`](crate::Code::InvalidInput) when the id is empty.
pub fn of_profile(http: &mut dyn Http, profile: &str) -> Result<Vec<Segment>, Box<Error>> {
    let profile = check::path_segment("profile", profile)?;
    paging::collect(http, get_segments_of_profile(profile), get_segments_of_profile_at)
}
