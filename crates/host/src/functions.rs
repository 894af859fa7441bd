//! The contract's functions as typed methods of a tenant.

use crate::error::{Answer, Error};
use crate::sandbox::{CallState, Guest};
use crate::tenant::Tenant;
use crate::types::{
    Audience, Code, ConsentOptions, ConsentOutcome, Consents, ContractError, Creation, Identifier,
    ImportFailure, Job, NewProfile, Profile, Receipt, Submission, Subscription, Unsubscription, Upserted,
};
use crate::usage::Usage;
use wasmtime::Store;

impl Tenant {
    /// All lists of the account.
    ///
    /// # Errors
    /// See `lists.all` in the contract.
    pub async fn lists(&self) -> Result<Answer<Vec<Audience>>, Error> {
        self.run("lists.all", async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_lists().call_all(store).await
        })
        .await
    }

    /// The list with this id or exact name. A list that was found is remembered for five minutes, so that a
    /// run of many contacts does not read all lists for each contact.
    ///
    /// # Errors
    /// See `lists.find` in the contract.
    pub async fn find_list(&self, name: &str) -> Result<Answer<Option<Audience>>, Error> {
        let (known, account) = self.account.lists.get(name);
        if let Some(list) = known {
            return Ok(Answer { value: Some(list), usage: Usage::default() });
        }
        let find = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_lists().call_find(store, name).await
        };
        let answer = self.run("lists.find", find).await?;
        if let Some(list) = &answer.value {
            self.account.lists.put(name, list, account);
        }
        Ok(answer)
    }

    /// The profile with this email, phone number, external id or id.
    ///
    /// # Errors
    /// See `contacts.lookup` in the contract.
    pub async fn lookup(&self, by: &Identifier) -> Result<Answer<Option<Profile>>, Error> {
        let lookup = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_contacts().call_lookup(store, by).await
        };
        self.run("contacts.lookup", lookup).await
    }

    /// Creates a profile, or returns the id of the one that has one of its identifiers.
    ///
    /// # Errors
    /// See `contacts.create` in the contract.
    pub async fn create(&self, profile: &NewProfile) -> Result<Answer<Creation>, Error> {
        let create = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_contacts().call_create(store, profile).await
        };
        self.run("contacts.create", create).await
    }

    /// Creates or updates a profile.
    ///
    /// # Errors
    /// See `contacts.upsert` in the contract.
    pub async fn upsert(&self, profile: &NewProfile) -> Result<Answer<Upserted>, Error> {
        let upsert = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_contacts().call_upsert(store, profile).await
        };
        self.run("contacts.upsert", upsert).await
    }

    /// Adds profiles, by id, to a list, by id. This is membership, not consent.
    ///
    /// # Errors
    /// See `contacts.subscribe` in the contract.
    pub async fn subscribe(&self, list: &str, profiles: &[String]) -> Result<Answer<u32>, Error> {
        let subscribe = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_contacts().call_subscribe(store, list, profiles).await
        };
        self.forget_missing(Some(list), self.run("contacts.subscribe", subscribe).await, |_| None)
    }

    /// Looks a contact up, creates it if there is none, and adds it to a list, by id.
    ///
    /// # Errors
    /// See `contacts.opt-in` in the contract.
    pub async fn opt_in(&self, contact: &NewProfile, list: &str) -> Result<Answer<Receipt>, Error> {
        let opt_in = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_contacts().call_opt_in(store, contact, list).await
        };
        self.forget_missing(Some(list), self.run("contacts.opt-in", opt_in).await, |_| None)
    }

    /// The profiles with these identifiers, in the same order; none for an identifier without a profile.
    ///
    /// # Errors
    /// See `contacts.lookup-many` in the contract.
    pub async fn lookup_many(
        &self,
        identifiers: &[Identifier],
    ) -> Result<Answer<Vec<Option<Profile>>>, Error> {
        let lookup_many = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_contacts().call_lookup_many(store, identifiers).await
        };
        self.run("contacts.lookup-many", lookup_many).await
    }

    /// Subscribes people to marketing. This lifts suppressions.
    ///
    /// # Errors
    /// See `consent.grant` in the contract. The answer lists the refused people and, if the call stopped
    /// early, the reason.
    pub async fn grant_consent(
        &self,
        subscriptions: &[Subscription],
        list: Option<&str>,
        options: &ConsentOptions,
    ) -> Result<Answer<ConsentOutcome>, Error> {
        let grant = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_consent().call_grant(store, subscriptions, list, options).await
        };
        self.forget_missing(list, self.run("consent.grant", grant).await, |outcome| outcome.stopped.as_ref())
    }

    /// Unsubscribes people from marketing.
    ///
    /// # Errors
    /// See `consent.revoke` in the contract. The answer lists the refused people and, if the call stopped
    /// early, the reason.
    pub async fn revoke_consent(
        &self,
        unsubscriptions: &[Unsubscription],
        list: Option<&str>,
    ) -> Result<Answer<ConsentOutcome>, Error> {
        let revoke = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_consent().call_revoke(store, unsubscriptions, list).await
        };
        self.forget_missing(list, self.run("consent.revoke", revoke).await, |outcome| {
            outcome.stopped.as_ref()
        })
    }

    /// A person's consent, channel by channel.
    ///
    /// # Errors
    /// See `consent.status` in the contract.
    pub async fn consents(&self, by: &Identifier) -> Result<Answer<Option<Consents>>, Error> {
        let status = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_consent().call_status(store, by).await
        };
        self.run("consent.status", status).await
    }

    /// Imports contacts in bulk, and adds them to a list, by id, if one is given. This is membership, not
    /// consent.
    ///
    /// # Errors
    /// See `bulk.submit` in the contract. The answer lists the refused contacts and, if the call stopped
    /// early, the reason.
    pub async fn submit_import(
        &self,
        contacts: &[NewProfile],
        list: Option<&str>,
    ) -> Result<Answer<Submission>, Error> {
        let submit = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_bulk().call_submit(store, contacts, list).await
        };
        self.forget_missing(list, self.run("bulk.submit", submit).await, |submission| {
            submission.stopped.as_ref()
        })
    }

    /// The progress of an import job.
    ///
    /// # Errors
    /// See `bulk.status` in the contract.
    pub async fn import(&self, job: &str) -> Result<Answer<Job>, Error> {
        let status = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_bulk().call_status(store, job).await
        };
        self.run("bulk.status", status).await
    }

    /// The contacts that an import job could not import.
    ///
    /// # Errors
    /// See `bulk.failures` in the contract.
    pub async fn import_failures(&self, job: &str) -> Result<Answer<Vec<ImportFailure>>, Error> {
        let failures = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_bulk().call_failures(store, job).await
        };
        self.run("bulk.failures", failures).await
    }

    /// The account's import jobs, newest first: those newer than the given one, or the newest 100.
    ///
    /// # Errors
    /// See `bulk.jobs` in the contract.
    pub async fn imports(&self, newer_than: Option<&str>) -> Result<Answer<Vec<Job>>, Error> {
        let jobs = async |guest: &Guest, store: &mut Store<CallState>| {
            guest.klaviyo_connector_bulk().call_jobs(store, newer_than).await
        };
        self.run("bulk.jobs", jobs).await
    }

    /// Forgets a list that a call has named by its id, if Klaviyo does not have it any more: the call failed with
    /// not-found, or stopped with it after a part was done.
    fn forget_missing<T>(
        &self,
        list: Option<&str>,
        result: Result<Answer<T>, Error>,
        stopped: impl FnOnce(&T) -> Option<&ContractError>,
    ) -> Result<Answer<T>, Error> {
        let code = match &result {
            Ok(answer) => stopped(&answer.value).map(|error| error.code),
            Err(error) => Some(error.code()),
        };
        if let Some(list) = list.filter(|_| code == Some(Code::NotFound)) {
            self.account.lists.forget(list);
        }
        result
    }
}
