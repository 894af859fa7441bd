//! The functions of `bulk`.

use super::call;
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
        let result = call!(self, "bulk.submit", bulk.call_submit(contacts, list));
        self.forget_missing(list, result, |submission| submission.stopped.as_ref())
    }

    /// The contacts that cannot be imported as they are, with the reasons. Sends nothing.
    ///
    /// # Errors
    /// See `bulk.check` in the contract.
    pub async fn check_import(&self, contacts: &[NewProfile]) -> Result<Answer<Vec<Refusal>>, Error> {
        call!(self, "bulk.check", bulk.call_check(contacts))
    }

    /// The progress of an import job.
    ///
    /// # Errors
    /// See `bulk.status` in the contract.
    pub async fn import(&self, job: &str) -> Result<Answer<Job>, Error> {
        call!(self, "bulk.status", bulk.call_status(job))
    }

    /// The contacts that an import job could not import.
    ///
    /// # Errors
    /// See `bulk.failures` in the contract.
    pub async fn import_failures(&self, job: &str) -> Result<Answer<Vec<ImportFailure>>, Error> {
        call!(self, "bulk.failures", bulk.call_failures(job))
    }

    /// The account's import jobs, newest first: those newer than the given one, or the newest 100.
    ///
    /// # Errors
    /// See `bulk.jobs` in the contract.
    pub async fn imports(&self, newer_than: Option<&str>) -> Result<Answer<Vec<Job>>, Error> {
        call!(self, "bulk.jobs", bulk.call_jobs(newer_than))
    }
}
