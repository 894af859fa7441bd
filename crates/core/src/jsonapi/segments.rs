//! Segments.

use crate::Segment;
use crate::json::Json;
use alloc::string::String;

/// A segment resource.
pub(crate) fn segment(resource: &Json<'_>) -> Result<Segment, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [name, created, updated] = attributes.strings(["name", "created", "updated"])?;
    let [active, processing] = attributes.members(["is_active", "is_processing"])?;
    Ok(Segment {
        id,
        // A segment without a name must not hide the other segments.
        name: name.unwrap_or_default(),
        created,
        updated,
        active: active.optional_boolean()?,
        processing: processing.optional_boolean()?,
    })
}
