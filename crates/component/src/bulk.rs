//! The interface `bulk`.

use crate::Connector;
use crate::contract::bulk::{Failure, Guest, Job, JobStatus, NewProfile, Refusal, Submission, Submitted};
use crate::convert::{each, record, variant};
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core as klaviyo;
use klaviyo_core::bulk;

impl Guest for Connector {
    fn submit(contacts: Vec<NewProfile>, list: Option<String>) -> Answer<Submission> {
        answer(bulk::submit(&mut Import("bulk.submit"), &each(contacts), list.as_deref()))
    }

    fn check(contacts: Vec<NewProfile>) -> Answer<Vec<Refusal>> {
        answer(bulk::check(&each(contacts)))
    }

    fn status(job: String) -> Answer<Job> {
        answer(bulk::status(&mut Import("bulk.status"), &job))
    }

    fn failures(job: String) -> Answer<Vec<Failure>> {
        answer(bulk::failures(&mut Import("bulk.failures"), &job))
    }

    fn jobs(newer_than: Option<String>) -> Answer<Vec<Job>> {
        answer(bulk::jobs(&mut Import("bulk.jobs"), newer_than.as_deref()))
    }
}

record!(klaviyo::Submission => Submission { jobs, refused, warnings, stopped });
record!(klaviyo::Submitted => Submitted { job, rows });
variant!(klaviyo::JobStatus => JobStatus { Queued, Processing, Complete, Cancelled, Other(word) });
record!(klaviyo::Job => Job { id, status, total, completed, failed, created, started, finished, expires });
record!(klaviyo::ImportFailure => Failure { row, reason, payload });
