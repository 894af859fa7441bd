//! Bulk imports.

use super::{Operation, Page, REVISION, get, page};
use crate::batch::{Form, Taken};
use crate::encode::percent_encode;
use crate::jsonapi;
use crate::{Error, Failure, Job, ORIGIN};
use alloc::{boxed::Box, format, string::String};

const JOBS: &str = "/api/profile-bulk-import-jobs/";
/// A second import is a second job.
const LOOK: &str = "see in bulk.jobs whether the job is there before you repeat the call";
const READ: &[&str] = &["lists:read", "profiles:read"];

/// Bulk import profiles.
pub(crate) fn bulk_import(list: Option<&str>) -> Result<Form, Box<Error>> {
    const WRITE: &[&str] = &["lists:write", "profiles:write"];
    let mut form = Form::new("profile-bulk-import-job", 10_000, WRITE, LOOK, Taken::job);
    if let Some(list) = list {
        form.list("lists", list, true)?;
    }
    Ok(form)
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
pub(crate) fn get_import_errors(id: &str) -> Operation<Page<Failure>> {
    get_import_errors_at(format!("{ORIGIN}{JOBS}{}/import-errors/?page%5Bsize%5D=100", percent_encode(id)))
}

/// Get errors for bulk import profiles job, the page at a link of an earlier answer.
pub(crate) fn get_import_errors_at(url: String) -> Operation<Page<Failure>> {
    get(url, REVISION, &["profiles:read"], |_, document| page(document, jsonapi::failure))
}
