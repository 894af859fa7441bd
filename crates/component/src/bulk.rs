//! The interface `bulk`.

use crate::abi::{function, record, variant};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::{ImportFailure, Job, JobStatus, NewProfile, Submission, Submitted, bulk};

function!("bulk", "submit", (a, b, c, d, e), |http, contacts: Vec<NewProfile>, list: Option<String>| {
    bulk::submit(http, &contacts, list.as_deref())
});
function!("bulk", "check", (a, b), |_http, contacts: Vec<NewProfile>| bulk::check(&contacts));
function!("bulk", "status", (a, b), |http, job: String| bulk::status(http, &job));
function!("bulk", "failures", (a, b), |http, job: String| bulk::failures(http, &job));
function!("bulk", "jobs", (a, b, c), |http, newer_than: Option<String>| bulk::jobs(
    http,
    newer_than.as_deref()
));

record!(Lower, submission: Submission { jobs, refused, warnings, stopped });
record!(Lower, submitted: Submitted { job, rows });
variant!(Lower, job_status: JobStatus { Queued, Processing, Complete, Cancelled, Other(word) });
record!(Lower, job: Job {
    id, status, total, completed, failed, created, started, finished, expires,
});
record!(Lower, failure: ImportFailure { row, reason, payload });
