//! The functions of `segments`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{MemberPage, Segment};

impl Tenant {
    /// All segments of the account.
    ///
    /// # Errors
    /// See `segments.all` in the contract.
    pub async fn segments(&self) -> Result<Answer<Vec<Segment>>, Error> {
        self.invoke("segments.all", ()).await
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
        self.invoke("segments.members", (segment, cursor)).await
    }

    /// The segments that a profile, by its id, is in.
    ///
    /// # Errors
    /// See `segments.of-profile` in the contract.
    pub async fn segments_of_profile(&self, profile: &str) -> Result<Answer<Vec<Segment>>, Error> {
        self.invoke("segments.of-profile", (profile,)).await
    }
}
