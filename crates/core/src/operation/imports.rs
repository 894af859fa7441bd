//! Bulk imports.

use super::{Operation, REVISION, get};
use crate::batch::{Accepted, BulkRequest, FORM, PROFILES};
use crate::bulk::CONTACTS;
use crate::diagnosis::Advice;
use crate::encode::percent_encode;
use crate::jsonapi;
use crate::paging::{Page, page};
use crate::{Error, ImportFailure, Job, ORIGIN};
use alloc::{boxed::Box, format, string::String};

const JOBS: &str = "/api/profile-bulk-import-jobs/";
const READ: &Advice = &Advice::read(&["lists:read", "profiles:read"]);

/// Bulk import profiles.
pub(crate) fn bulk_import(list: Option<&str>) -> Result<BulkRequest, Box<Error>> {
    const WRITE: &Advice = &Advice {
        scopes: &["lists:write", "profiles:write"],
        form: FORM,
        // An import that is repeated is a second job.
        if_uncertain: "see in bulk.jobs whether the job is there before you repeat the call",
    };
    let mut bulk = BulkRequest::new("profile-bulk-import-job", PROFILES, CONTACTS, WRITE, Accepted::job);
    bulk.list("lists", list, true)?;
    Ok(bulk)
}

/// Get bulk import profiles job.
pub(crate) fn get_job(id: &str) -> Operation<Job> {
    get(format!("{ORIGIN}{JOBS}{}/", percent_encode(id)), REVISION, READ, |_, document| {
        let [data] = document.members(["data"])?;
        jsonapi::job(&data)
    })
}

/// Get bulk import profiles jobs, the newest first, the first page.
pub(crate) fn get_jobs() -> Operation<Page<Job>> {
    get_jobs_at(format!("{ORIGIN}{JOBS}?sort=-created_at&page%5Bsize%5D=100"))
}

/// Get bulk import profiles jobs, the page at a link of an earlier answer.
pub(crate) fn get_jobs_at(url: String) -> Operation<Page<Job>> {
    get(url, REVISION, READ, |_, document| page(document, jsonapi::job))
}

/// Get errors for bulk import profiles job, the first page.
pub(crate) fn get_import_errors(id: &str) -> Operation<Page<ImportFailure>> {
    get_import_errors_at(format!("{ORIGIN}{JOBS}{}/import-errors/?page%5Bsize%5D=100", percent_encode(id)))
}

/// Get errors for bulk import profiles job, the page at a link of an earlier answer.
pub(crate) fn get_import_errors_at(url: String) -> Operation<Page<ImportFailure>> {
    const READ: &Advice = &Advice::read(&["profiles:read"]);
    get(url, REVISION, READ, |_, document| page(document, jsonapi::failure))
}
