//! Klaviyo's bulk imports: many contacts at once.
//!
//! An import is not consent to marketing.

use crate::batch::{PROFILES, Row};
use crate::jsonapi::NewResource;
use crate::operation::REVISION;
use crate::operation::imports::{
    bulk_import, get_import_errors, get_import_errors_at, get_job, get_jobs, get_jobs_at,
};
use crate::paging::{self, Wanted};
use crate::{
    Error, Http, ImportFailure, Job, NewProfile, Refusal, Submission, Submitted, check, identifiers,
};
use alloc::{boxed::Box, vec::Vec};

/// Klaviyo's limit on the contacts of one request.
pub const CONTACTS: usize = 10_000;

/// The contacts that [`submit`] would refuse before it sends anything, by position.
///
/// # Errors
/// None.
pub fn check(contacts: &[NewProfile]) -> Result<Vec<Refusal>, Box<Error>> {
    let refusal = |(index, contact)| {
        let error = bytes(contact).err()?;
        Some(Refusal { index, reason: error.reason() })
    };
    // The memory of a component cannot hold 2^32 contacts.
    Ok((0..u32::MAX).zip(contacts).filter_map(refusal).collect())
}

/// The bytes that a contact takes in a request of [`submit`], with a comma.
///
/// # Errors
/// Why [`check`] refuses it.
pub fn bytes(contact: &NewProfile) -> Result<usize, Box<Error>> {
    Ok(PROFILES.checked(row(contact)?)?.json.len() + 1)
}

/// The bytes that one request of [`submit`] has for its contacts: [`bytes`] of each of them.
#[must_use]
pub fn room(list: Option<&str>) -> usize {
    // An id can always be written, so there is always room.
    bulk_import(list).map_or(0, |bulk| bulk.room())
}

/// Checks a contact, and writes the row to send.
fn row(contact: &NewProfile) -> Result<Row, Box<Error>> {
    let attributes = check::contact(contact)?;
    attributes.get("email").map(identifiers::bulk_email).transpose()?;
    Row::new(&NewResource { kind: "profile", id: None, attributes }, REVISION)
}

/// Submits contacts for import, in as few jobs as Klaviyo's limits allow.
///
/// # Errors
/// Those of Klaviyo and of the transport, when nothing was accepted. Later failures are in
/// [`Submission::stopped`].
pub fn submit(
    http: &mut dyn Http,
    contacts: &[NewProfile],
    list: Option<&str>,
) -> Result<Submission, Box<Error>> {
    check::optional_id("list", list)?;
    let report = bulk_import(list)?.send(http, &mut contacts.iter().map(row), &mut ())?;
    let jobs = report
        .accepted
        .into_iter()
        .map(|accepted| Submitted { job: accepted.job, rows: accepted.rows })
        .collect();
    Ok(Submission { jobs, refused: report.refused, warnings: report.warnings, stopped: report.stopped })
}

/// The progress of a job.
///
/// # Errors
/// [`Code::InvalidInput`](crate::Code::InvalidInput) before anything is sent, and the errors of Klaviyo and
/// of the transport.
pub fn status(http: &mut dyn Http, job: &str) -> Result<Job, Box<Error>> {
    get_job(check::path_segment("job", job)?).send(http)
}

/// The contacts that a job could not import.
///
/// # Errors
/// As [`status`], and when a `next` link leaves Klaviyo's origin, repeats, or never ends.
pub fn failures(http: &mut dyn Http, job: &str) -> Result<Vec<ImportFailure>, Box<Error>> {
    paging::collect(http, get_import_errors(check::path_segment("job", job)?), get_import_errors_at)
}

/// The jobs that are newer than the given one, or the newest 100; the newest first.
///
/// # Errors
/// As [`failures`].
pub fn jobs(http: &mut dyn Http, newer_than: Option<&str>) -> Result<Vec<Job>, Box<Error>> {
    check::optional_id("newer-than", newer_than)?;
    let Some(known) = newer_than else {
        return Ok(get_jobs().send(http)?.items);
    };
    let mut jobs = Vec::new();
    paging::each(http, get_jobs(), get_jobs_at, &mut |job: Job| {
        if job.id == known {
            return Ok(Wanted::Enough);
        }
        jobs.push(job);
        Ok(Wanted::More)
    })?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Response};
    use alloc::{format, string::ToString};

    /// The bodies of the requests in which contacts are submitted.
    fn bodies(contacts: &[NewProfile], list: Option<&str>) -> Vec<usize> {
        let mut sizes = Vec::new();
        let mut http = |request: Request| {
            sizes.push(request.body.len());
            Ok(Response { status: 202, headers: Vec::new(), body: br#"{"data":{"id":"1"}}"#.to_vec() })
        };
        submit(&mut http, contacts, list).unwrap();
        sizes
    }

    #[test]
    fn what_fits_into_the_room_is_one_request() {
        let contact = |index: usize, length: usize| NewProfile {
            email: Some(format!("{index:02}@example.com")),
            // Each takes two bytes in JSON.
            first_name: Some("\n".repeat(8) + "x" + &"\"".repeat(length)),
            ..NewProfile::default()
        };
        for list in [None, Some("Y6nRLr")] {
            let mut contacts: Vec<_> = (0..60).map(|index| contact(index, 45_000)).collect();
            let mut left = room(list);
            contacts.retain(|contact| {
                let taken = bytes(contact).unwrap();
                let fits = taken <= left;
                left -= if fits { taken } else { 0 };
                fits
            });
            let empty = bytes(&contact(99, 0)).unwrap();
            contacts.push(contact(99, (left - empty) / 2));
            let [size] = bodies(&contacts, list)[..] else { panic!("more than one request") };
            assert!((4_999_997..=5_000_000).contains(&size), "{size}");
            contacts.push(contact(98, 0));
            assert_eq!(bodies(&contacts, list).len(), 2);
        }
    }

    #[test]
    fn what_is_refused_takes_no_bytes() {
        let nobody = NewProfile { first_name: Some("x".to_string()), ..NewProfile::default() };
        let long = NewProfile {
            email: Some("a@example.com".to_string()),
            properties: Some(format!("{{\"x\":\"{}\"}}", "x".repeat(100_000))),
            ..NewProfile::default()
        };
        for refused in [nobody, long] {
            let refusals = check(core::slice::from_ref(&refused)).unwrap();
            let reasons: Vec<_> = refusals.into_iter().map(|refusal| refusal.reason).collect();
            assert_eq!(reasons, [bytes(&refused).unwrap_err().reason()]);
        }
    }
}
