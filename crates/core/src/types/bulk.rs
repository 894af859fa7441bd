//! The values of `bulk`.

use crate::{Detail, Error, Refusal};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::Serialize;

/// A job that Klaviyo took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Submitted {
    /// Klaviyo's id.
    pub job: String,
    /// The contacts in it, each as its position in the argument.
    pub rows: Vec<u32>,
}

/// The result of [`submit`](crate::bulk::submit).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Submission {
    /// The jobs.
    pub jobs: Vec<Submitted>,
    /// The contacts that are in no job.
    pub refused: Vec<Refusal>,
    /// The values that Klaviyo took only in part.
    pub warnings: Vec<String>,
    /// Why the rest was not submitted.
    pub stopped: Option<Box<Error>>,
}

/// The status of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// The job has not begun.
    Queued,
    /// The job is being processed.
    Processing,
    /// Done.
    Complete,
    /// Stopped.
    Cancelled,
    /// Another word.
    Other(String),
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Job {
    /// Klaviyo's id.
    pub id: String,
    /// The status.
    pub status: JobStatus,
    /// How many contacts it has.
    pub total: u32,
    /// How many were imported so far.
    pub completed: u32,
    /// How many could not be imported.
    pub failed: u32,
    /// When it was created, as Klaviyo wrote it.
    pub created: Option<String>,
    /// When it was begun, as Klaviyo wrote it.
    pub started: Option<String>,
    /// When it was done, as Klaviyo wrote it.
    pub finished: Option<String>,
    /// Until when it is kept, as Klaviyo wrote it.
    pub expires: Option<String>,
}

/// A contact that a job could not import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImportFailure {
    /// Its position in the job.
    pub row: Option<u32>,
    /// Klaviyo's reason.
    pub reason: Detail,
    /// The contact as it was sent: the text of a JSON object.
    pub payload: Option<String>,
}
