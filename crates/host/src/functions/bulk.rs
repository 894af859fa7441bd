//! The functions of `bulk`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{ImportFailure, Job, NewProfile, Refusal, Submission};

impl Tenant {
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
        let result = self.invoke("bulk.submit", (contacts, list)).await;
        self.forget_missing(list, result, |submission| submission.stopped.as_ref())
    }

    /// The contacts that cannot be imported as they are, with the reasons. Sends nothing.
    ///
    /// # Errors
    /// See `bulk.check` in the contract.
    pub async fn check_import(&self, contacts: &[NewProfile]) -> Result<Answer<Vec<Refusal>>, Error> {
        self.invoke("bulk.check", (contacts,)).await
    }

    /// The progress of an import job.
    ///
    /// # Errors
    /// See `bulk.status` in the contract.
    pub async fn import(&self, job: &str) -> Result<Answer<Job>, Error> {
        self.invoke("bulk.status", (job,)).await
    }

    /// The contacts that an import job could not import.
    ///
    /// # Errors
    /// See `bulk.failures` in the contract.
    pub async fn import_failures(&self, job: &str) -> Result<Answer<Vec<ImportFailure>>, Error> {
        self.invoke("bulk.failures", (job,)).await
    }

    /// The account's import jobs, newest first: those newer than the given one, or the newest 100.
    ///
    /// # Errors
    /// See `bulk.jobs` in the contract.
    pub async fn imports(&self, newer_than: Option<&str>) -> Result<Answer<Vec<Job>>, Error> {
        self.invoke("bulk.jobs", (newer_than,)).await
    }
}
