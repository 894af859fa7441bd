//! Lists.

use crate::Audience;
use crate::json::Json;
use alloc::string::String;
use serde::Serialize;

/// The attributes of a list to create.
#[derive(Serialize)]
pub(crate) struct NewList<'a> {
    pub(crate) name: &'a str,
}

/// A list resource.
pub(crate) fn list(resource: &Json<'_>) -> Result<Audience, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [name, created, updated, opt_in] =
        attributes.strings(["name", "created", "updated", "opt_in_process"])?;
    // A list without a name must not hide the other lists.
    let name = name.unwrap_or_default();
    Ok(Audience { id, name, created, updated, opt_in })
}
