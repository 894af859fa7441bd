//! The functions of `contacts`.

use super::call;
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
        call!(self, "contacts.lookup", contacts.call_lookup(by))
    }

    /// Creates a profile, or returns the id of the one that has one of its identifiers.
    ///
    /// # Errors
    /// See `contacts.create` in the contract.
    pub async fn create(&self, profile: &NewProfile) -> Result<Answer<Creation>, Error> {
        call!(self, "contacts.create", contacts.call_create(profile))
    }

    /// Creates or updates a profile.
    ///
    /// # Errors
    /// See `contacts.upsert` in the contract.
    pub async fn upsert(&self, profile: &NewProfile) -> Result<Answer<Upserted>, Error> {
        call!(self, "contacts.upsert", contacts.call_upsert(profile))
    }

    /// Adds profiles, by id, to a list, by id. This is membership, not consent.
    ///
    /// # Errors
    /// See `contacts.subscribe` in the contract.
    pub async fn subscribe(&self, list: &str, profiles: &[String]) -> Result<Answer<u32>, Error> {
        let result = call!(self, "contacts.subscribe", contacts.call_subscribe(list, profiles));
        self.forget_missing(Some(list), result, |_| None)
    }

    /// Changes the profile with an id, and returns it as it is then.
    ///
    /// # Errors
    /// See `contacts.update` in the contract.
    pub async fn update(&self, id: &str, changes: &[Change]) -> Result<Answer<Profile>, Error> {
        call!(self, "contacts.update", contacts.call_update(id, changes))
    }

    /// Merges the profile `from` into the profile `into`, and deletes `from`. **This cannot be undone.**
    ///
    /// # Errors
    /// See `contacts.merge` in the contract.
    pub async fn merge(&self, into: &str, from: &str) -> Result<Answer<()>, Error> {
        call!(self, "contacts.merge", contacts.call_merge(into, from))
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
        let result = call!(self, "contacts.opt-in", contacts.call_opt_in(contact, list, consent));
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
        let result = call!(self, "contacts.opt-in-many", contacts.call_opt_in_many(contacts, list, consent));
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
        let result = call!(self, "contacts.opt-out", contacts.call_opt_out(people, channels, lists));
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
        call!(self, "contacts.lookup-many", contacts.call_lookup_many(identifiers))
    }
}
