//! Suppressions, and the deletion of people.

use super::{Body, NewResource};
use serde::Serialize;

/// The identifiers of a person who is suppressed or deleted.
#[derive(Default, Serialize)]
pub(crate) struct Identified<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<&'a str>,
}

/// The attributes of a deletion.
#[derive(Serialize)]
pub(crate) struct Deletion<'a> {
    pub(crate) profile: Body<NewResource<'a, Identified<'a>>>,
}
