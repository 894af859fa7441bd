//! Submits one import of a batch.
//!
//! All other steps of a sync can be taken twice without harm. An import that is submitted twice becomes two
//! jobs, so an import whose answer was lost is looked for among the account's jobs.

use crate::batch::Batch;
use crate::batch::routing::Part;
use crate::engine::caller::Caller;
use crate::engine::jobs::ImportJobs;
use crate::engine::verdict::{Submission, submission};
use crate::error::Error;
use crate::outcome::Reason;
use crate::reporter::{Notice, Reporter};
use crate::state::journal::Journal;
use crate::state::steps::{Line, Refused, Sent};
use klaviyo_host::types::{Code, Refusal};
use std::collections::BTreeSet;

/// Submits an import of a batch, which adds to this list.
pub(crate) async fn submit(
    caller: &Caller,
    journal: &mut Journal,
    jobs: &ImportJobs,
    reporter: &mut dyn Reporter,
    list: Option<&str>,
    batch: &mut Batch,
    part: Part,
) -> Result<Sent, Error> {
    let mut sent = Sent { batch: batch.number, members: part == Part::Members, ..Sent::default() };
    // The rows and contacts that are left to submit.
    let (mut rows, mut contacts) = batch.take_profiles(part);
    let mut unknown = batch.may_be_taken;
    let mut ignored = BTreeSet::new();
    let mut backoff = caller.backoff();
    loop {
        if unknown {
            let found = jobs.find(caller, rows.len(), &ignored).await?;
            match found.as_slice() {
                [] => {}
                [id] => {
                    sent.jobs.push((id.clone(), rows.len()));
                    return Ok(sent);
                }
                several => {
                    let (jobs, contacts) = (several.len(), rows.len());
                    reporter.notice(&Notice::AmbiguousImport { jobs, contacts });
                    ignored.extend(found);
                }
            }
        }
        batch.is_tried = true;
        let people = contacts.as_slice();
        let submitted = caller.once(|tenant| async move { tenant.submit_import(people, list).await }).await;
        let error = match submitted {
            Ok(submission) => {
                for warning in submission.warnings {
                    reporter.notice(&Notice::Warning(warning));
                }
                let taken = submission.jobs.into_iter();
                sent.jobs.extend(taken.map(|submitted| (submitted.job, submitted.rows.len())));
                sent.refused.extend(refused(batch, &rows, &submission.refused));
                let Some(error) = submission.stopped else { return Ok(sent) };
                leave_out(&mut contacts, &submission.refused);
                leave_out(&mut rows, &submission.refused);
                // Klaviyo named so many one after the other; there may be more.
                if error.code == Code::Rejected && !submission.refused.is_empty() && !rows.is_empty() {
                    unknown = false;
                    continue;
                }
                Error::from(Box::new(error))
            }
            Err(error) => error,
        };
        match submission(error.code()) {
            Submission::NotTaken => unknown = false,
            Submission::Refused => {
                sent.rejected = Some(error.error.message);
                return Ok(sent);
            }
            Submission::Unknown => unknown = true,
            Submission::Stop => return Err(error),
        }
        let Err(error) = backoff.pause(error).await else { continue };
        // This run ends. If Klaviyo has nothing that fits now, the next run need not look for it: by then
        // another program's job might fit.
        if unknown && !error.is_interruption() {
            let before = jobs.before();
            let listed = caller.once(|tenant| async move { tenant.imports(before).await }).await;
            match listed.map(|listed| jobs.fitting(listed, rows.len(), &ignored)).as_deref() {
                Ok([]) => journal.write(&Line::Untaken(batch.number))?,
                Ok([id]) => {
                    sent.jobs.push((id.clone(), rows.len()));
                    return Ok(sent);
                }
                _ => {}
            }
        }
        return Err(error);
    }
}

/// The refusals of a call for the state; `rows` are the rows of the call.
pub(crate) fn refused(batch: &Batch, rows: &[usize], refused: &[Refusal]) -> Vec<Refused> {
    let of = |refusal: &Refusal| {
        let row = rows.get(usize::try_from(refusal.index).ok()?)?;
        batch.noted(*row, Reason::of(&refusal.reason))
    };
    refused.iter().filter_map(of).collect()
}

/// Removes what a call refused.
pub(crate) fn leave_out<T>(items: &mut Vec<T>, refused: &[Refusal]) {
    let refused: BTreeSet<u32> = refused.iter().map(|refusal| refusal.index).collect();
    let mut index = 0..u32::MAX;
    items.retain(|_| index.next().is_none_or(|index| !refused.contains(&index)));
}
