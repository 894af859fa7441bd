//! Members of lists and segments.

use super::profile;
use crate::Member;
use crate::json::Json;
use alloc::string::String;

/// A profile resource of a list's or a segment's members.
pub(crate) fn member(resource: &Json<'_>) -> Result<Member, String> {
    let profile = profile(resource)?;
    let [attributes] = resource.members(["attributes"])?;
    let [joined] = attributes.strings(["joined_group_at"])?;
    Ok(Member { profile, joined })
}
