//! The functions of `contacts`.

use super::call;
use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{Creation, Identifier, NewProfile, Profile, Receipt, Upserted};

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

    /// Looks a contact up, creates it if there is none, and adds it to a list, by id.
    ///
    /// # Errors
    /// See `contacts.opt-in` in the contract.
    pub async fn opt_in(&self, contact: &NewProfile, list: &str) -> Result<Answer<Receipt>, Error> {
        let result = call!(self, "contacts.opt-in", contacts.call_opt_in(contact, list));
        self.forget_missing(Some(list), result, |_| None)
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
