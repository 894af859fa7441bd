//! The functions of `changes`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{EventPage, Group, JoinedPage, Position, ProfilePage};

impl Tenant {
    /// A page of the profiles that were created or changed since.
    ///
    /// # Errors
    /// See `changes.profiles` in the contract.
    pub async fn changed_profiles(&self, from: &Position) -> Result<Answer<ProfilePage>, Error> {
        self.invoke("changes.profiles", (from,)).await
    }

    /// A page of the people who joined a list or a segment since.
    ///
    /// # Errors
    /// See `changes.members` in the contract.
    pub async fn joined_members(&self, of: &Group, from: &Position) -> Result<Answer<JoinedPage>, Error> {
        self.invoke("changes.members", (of, from)).await
    }

    /// A page of the events that happened since, of all people and metrics.
    ///
    /// # Errors
    /// See `changes.events` in the contract.
    pub async fn new_events(&self, from: &Position) -> Result<Answer<EventPage>, Error> {
        self.invoke("changes.events", (from,)).await
    }
}
