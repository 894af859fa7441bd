//! Import jobs.

use super::errors::{detail, row_of};
use crate::json::Json;
use crate::{ImportFailure, Job, JobStatus};
use alloc::{borrow::ToOwned, string::String};

/// An import job resource.
pub(crate) fn job(resource: &Json<'_>) -> Result<Job, String> {
    let [id, attributes] = resource.members(["id", "attributes"])?;
    let id = id.string()?;
    let [status, total, completed, failed] =
        attributes.members(["status", "total_count", "completed_count", "failed_count"])?;
    let status = status.string()?;
    let [created, started, finished, expires] =
        attributes.strings(["created_at", "started_at", "completed_at", "expires_at"])?;
    Ok(Job {
        id,
        status: match status.as_str() {
            "queued" => JobStatus::Queued,
            "processing" => JobStatus::Processing,
            "complete" => JobStatus::Complete,
            "cancelled" => JobStatus::Cancelled,
            _ => JobStatus::Other(status),
        },
        total: total.count()?,
        completed: completed.count()?,
        failed: failed.count()?,
        created,
        started,
        finished,
        expires,
    })
}

/// An import error resource.
pub(crate) fn failure(resource: &Json<'_>) -> Result<ImportFailure, String> {
    let [attributes] = resource.members(["attributes"])?;
    let reason = detail(&attributes);
    let row = reason.pointer.as_deref().and_then(|pointer| row_of(pointer, "profiles")).map(|(row, _)| row);
    let [payload] = attributes.members(["original_payload"])?;
    let payload = payload.object_text()?.map(str::to_owned);
    Ok(ImportFailure { row, reason, payload })
}
