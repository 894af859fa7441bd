//! The functions of `contacts`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{
    Change, Channel, Creation, Departures, Enrollments, Identifier, NewProfile, Permission, Profile, Receipt,
    Upserted,
};

impl Tenant {
    /// The profile with this email, phone number, external id or id.
    ///
    /// # Errors
    /// See `contacts.lookup` in the contract.
    pub async fn lookup(&self, by: &Identifier) -> Result<Answer<Option<Profile>>, Error> {
        self.invoke("contacts.lookup", (by,)).await
    }

    /// Creates a profile, or returns the id of the one that has one of its identifiers.
    ///
    /// # Errors
    /// See `contacts.create` in the contract.
    pub async fn create(&self, profile: &NewProfile) -> Result<Answer<Creation>, Error> {
        self.invoke("contacts.create", (profile,)).await
    }

    /// Creates or updates a profile.
    ///
    /// # Errors
    /// See `contacts.upsert` in the contract.
    pub async fn upsert(&self, profile: &NewProfile) -> Result<Answer<Upserted>, Error> {
        self.invoke("contacts.upsert", (profile,)).await
    }

    /// Adds profiles, by id, to a list, by id. This is membership, not consent.
    ///
    /// # Errors
    /// See `contacts.subscribe` in the contract.
    pub async fn subscribe(&self, list: &str, profiles: &[String]) -> Result<Answer<u32>, Error> {
        let result = self.invoke("contacts.subscribe", (list, profiles)).await;
        self.forget_missing(Some(list), result, |_| None)
    }

    /// Changes the profile with an id, and returns it as it is then.
    ///
    /// # Errors
    /// See `contacts.update` in the contract.
    pub async fn update(&self, id: &str, changes: &[Change]) -> Result<Answer<Profile>, Error> {
        self.invoke("contacts.update", (id, changes)).await
    }

    /// Merges the profile `from` into the profile `into`, and deletes `from`. **This cannot be undone.**
    ///
    /// # Errors
    /// See `contacts.merge` in the contract.
    pub async fn merge(&self, into: &str, from: &str) -> Result<Answer<()>, Error> {
        self.invoke("contacts.merge", (into, from)).await
    }

    /// Looks a contact up, creates it if there is none, and adds it to a list, by id. With a permission, the person is
    /// subscribed to marketing too.
    ///
    /// # Errors
    /// See `contacts.opt-in` in the contract.
    pub async fn opt_in(
        &self,
        contact: &NewProfile,
        list: &str,
        consent: Option<&Permission>,
    ) -> Result<Answer<Receipt>, Error> {
        let result = self.invoke("contacts.opt-in", (contact, list, consent)).await;
        self.forget_missing(Some(list), result, |_| None)
    }

    /// Opts many contacts in, in fewer requests.
    ///
    /// # Errors
    /// See `contacts.opt-in-many` in the contract. The answer says what became of each contact and, if the call
    /// stopped early, the reason.
    pub async fn opt_in_many(
        &self,
        contacts: &[NewProfile],
        list: &str,
        consent: Option<&Permission>,
    ) -> Result<Answer<Enrollments>, Error> {
        let result = self.invoke("contacts.opt-in-many", (contacts, list, consent)).await;
        self.forget_missing(Some(list), result, |enrollments| enrollments.stopped.as_ref())
    }

    /// Takes people's consent to marketing on channels, takes them off lists, by their ids, and says what they had.
    ///
    /// # Errors
    /// See `contacts.opt-out` in the contract. The answer says what became of each person and, if the call stopped
    /// early, the reason.
    pub async fn opt_out(
        &self,
        people: &[Identifier],
        channels: &[Channel],
        lists: &[String],
    ) -> Result<Answer<Departures>, Error> {
        let result: Result<Answer<Departures>, Error> =
            self.invoke("contacts.opt-out", (people, channels, lists)).await;
        if let Ok(answer) = &result {
            answer.value.missing_lists.iter().for_each(|list| self.account.lists.forget(list));
        }
        result
    }

    /// The profiles with these identifiers, in the same order; none for an identifier without a profile.
    ///
    /// # Errors
    /// See `contacts.lookup-many` in the contract.
    pub async fn lookup_many(
        &self,
        identifiers: &[Identifier],
    ) -> Result<Answer<Vec<Option<Profile>>>, Error> {
        self.invoke("contacts.lookup-many", (identifiers,)).await
    }
}
