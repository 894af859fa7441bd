//! Ends the rows of import jobs that Klaviyo has ended.

use crate::batch::Batch;
use crate::engine::caller::Caller;
use crate::error::Error;
use crate::outcome::{Reason, RowOutcome};
use klaviyo_host::types::{ImportFailure, Job, JobStatus};

/// Ends the rows of a job if Klaviyo has ended it. `status` is none if Klaviyo does not know the job any
/// more.
pub(crate) async fn settle(
    caller: &Caller,
    batches: impl IntoIterator<Item = &mut Batch>,
    id: &str,
    status: Option<&Job>,
) -> Result<(), Error> {
    let (failures, rest) = match status {
        None => {
            let reason = "Klaviyo does not know its import any more, which it keeps for seven days; it may or may not have \
                          been imported";
            (Vec::new(), Some(Reason::new("", reason)))
        }
        Some(job) => {
            let all = job.completed.saturating_add(job.failed) >= job.total;
            let rest = match &job.status {
                JobStatus::Complete => None,
                JobStatus::Cancelled => {
                    Some(Reason::new("", "its import was stopped in Klaviyo; it may not have been imported"))
                }
                // A new word of Klaviyo for the end.
                JobStatus::Other(_) if all && job.finished.is_some() => None,
                JobStatus::Queued | JobStatus::Processing | JobStatus::Other(_) => return Ok(()),
            };
            let failures = if job.failed > 0 {
                caller.patiently(|tenant| async move { tenant.import_failures(id).await }).await?
            } else {
                Vec::new()
            };
            let told = u32::try_from(failures.len()).unwrap_or(u32::MAX);
            (failures, rest.or_else(|| untold(job.failed, told)))
        }
    };
    for batch in batches {
        if let Some(index) = batch.jobs.iter().position(|job| job.id == id) {
            let job = batch.jobs.swap_remove(index);
            end_job(batch, &job.rows, &failures, rest);
            break;
        }
    }
    Ok(())
}

/// The reason for all rows of a job if Klaviyo counts more failures than it lists.
fn untold(failed: u32, told: u32) -> Option<Reason> {
    let reason = "Klaviyo could not import all contacts of its import, and does not say of each whether it is one of \
                  them; sync it again";
    (told < failed).then(|| Reason::new("", reason))
}

/// Ends the rows of a job. A failure of an unknown row may be any of them.
fn end_job(batch: &mut Batch, rows: &[usize], failures: &[ImportFailure], mut rest: Option<Reason>) {
    for failure in failures {
        let reason = Reason::of(&failure.reason);
        match failure.row.and_then(|row| rows.get(usize::try_from(row).ok()?)) {
            Some(row) => batch.end_row(*row, RowOutcome::Failed(reason)),
            None => {
                rest.get_or_insert_with(|| {
                    let reason = format!(
                        "Klaviyo could not import a contact of its import, and does not say which: {}; sync it again",
                        reason.reason
                    );
                    Reason::new("", reason)
                });
            }
        }
    }
    if let Some(reason) = rest {
        for row in rows {
            batch.end_row(*row, RowOutcome::Failed(reason.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::routing::Routing;
    use crate::decode::lookahead::Position;
    use crate::input::rows::Row;
    use crate::settings::Settings;
    use klaviyo_host::types::Detail;

    fn failure(row: Option<u32>) -> ImportFailure {
        let reason = Detail {
            code: "invalid".to_owned(),
            title: String::new(),
            detail: "no".to_owned(),
            pointer: None,
        };
        ImportFailure { row, reason, payload: None }
    }

    /// Which of four good rows failed, when the job had the last three of them.
    fn failed(failures: &[ImportFailure], rest: Option<Reason>) -> Vec<usize> {
        let contact = |line| if line == 0 { Err(Reason::default()) } else { Ok(Box::default()) };
        let row = |line| Row { line, is_blank: false, position: Position::default(), record: contact(line) };
        let routing = Routing::new(&Settings::default(), None, "");
        let mut batch = Batch::new(0, (0..5).map(row).collect(), &routing, 5, Position::default());
        // By their index, of which the refused row has the first.
        end_job(&mut batch, &[2, 3, 4], failures, rest);
        batch.good.iter().map(|row| row - 1).filter(|good| batch.has_ended(good + 1)).collect()
    }

    #[test]
    fn what_failed_is_told_and_what_may_have_failed_is_not_done() {
        assert!(failed(&[], None).is_empty());
        assert_eq!(failed(&[failure(Some(1))], None), [2]);
        assert_eq!(failed(&[failure(Some(0)), failure(Some(2))], None), [1, 3]);
        assert_eq!(failed(&[failure(None)], None), [1, 2, 3]);
        assert_eq!(failed(&[failure(Some(3))], None), [1, 2, 3]);
        assert_eq!(failed(&[], Some(Reason::default())), [1, 2, 3]);
        assert!(failed(&[], untold(2, 2)).is_empty());
        assert_eq!(failed(&[failure(Some(1))], untold(2, 1)), [1, 2, 3]);
    }
}
