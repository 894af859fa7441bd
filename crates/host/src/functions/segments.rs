//! The functions of `segments`.

use super::call;
use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{MemberPage, Segment};

impl Tenant {
    /// All segments of the account.
    ///
    /// # Errors
    /// See `segments.all` in the contract.
    pub async fn segments(&self) -> Result<Answer<Vec<Segment>>, Error> {
        call!(self, "segments.all", segments.call_all())
    }

    /// A page of the members of a segment, by id: the first, or the one that an earlier page's `next` stands for.
    ///
    /// # Errors
    /// See `segments.members` in the contract.
    pub async fn segment_members(
        &self,
        segment: &str,
        cursor: Option<&str>,
    ) -> Result<Answer<MemberPage>, Error> {
        call!(self, "segments.members", segments.call_members(segment, cursor))
    }

    /// The segments that a profile, by its id, is in.
    ///
    /// # Errors
    /// See `segments.of-profile` in the contract.
    pub async fn segments_of_profile(&self, profile: &str) -> Result<Answer<Vec<Segment>>, Error> {
        call!(self, "segments.of-profile", segments.call_of_profile(profile))
    }
}
