//! The values about members of lists and segments.

use crate::Profile;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What has members, by its id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// A list.
    List(String),
    /// A segment.
    Segment(String),
}

/// A member of a list or of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Member {
    /// The person.
    pub profile: Profile,
    /// When the profile became a member, as Klaviyo wrote it.
    pub joined: Option<String>,
}

/// A page of members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MemberPage {
    /// At most 100.
    pub members: Vec<Member>,
    /// The cursor of the next page; none: this is the last one.
    pub next: Option<String>,
}
