//! Gives the consents of one batch.

use crate::batch::Batch;
use crate::engine::caller::Caller;
use crate::engine::submit::{leave_out, refused};
use crate::engine::verdict::is_about_contacts;
use crate::error::Error;
use crate::reporter::{Notice, Reporter};
use crate::state::journal::Journal;
use crate::state::saved::SavedState;
use crate::state::steps::{Granted, Line};
use klaviyo_host::types::{Code, ConsentOptions, Subscription};

/// Gives the consents of a batch whose imports have ended.
pub(crate) async fn give(
    caller: &Caller,
    journal: &mut Journal,
    saved: &SavedState,
    reporter: &mut dyn Reporter,
    options: &ConsentOptions,
    list: Option<&str>,
    batch: &mut Batch,
) -> Result<(), Error> {
    for (number, chunk) in std::mem::take(&mut batch.chunks).into_iter().enumerate() {
        let options = &chunk.options(options);
        let rows: Vec<usize> = chunk.rows.into_iter().filter(|row| !batch.has_ended(*row)).collect();
        if rows.is_empty() {
            continue;
        }
        if let Some(granted) = saved.granted.get(&(batch.number, number)) {
            batch.end_answered(&rows, &granted.refused, granted.rejected.as_deref());
            continue;
        }
        batch.is_tried = true;
        let mut granted = Granted { batch: batch.number, chunk: number, refused: Vec::new(), rejected: None };
        // The rows whose consent is left to give.
        let mut asked = rows.clone();
        let mut backoff = caller.backoff();
        while !asked.is_empty() {
            let people: Vec<Subscription> = asked.iter().filter_map(|row| batch.subscription(*row)).collect();
            let people = people.as_slice();
            let given =
                caller.once(|tenant| async move { tenant.grant_consent(people, list, options).await }).await;
            let error = match given {
                Ok(outcome) => {
                    for warning in outcome.warnings {
                        reporter.notice(&Notice::Warning(warning));
                    }
                    granted.refused.extend(refused(batch, &asked, &outcome.refused));
                    let Some(error) = outcome.stopped else { break };
                    leave_out(&mut asked, &outcome.refused);
                    // Klaviyo named so many one after the other; there may be more.
                    if error.code == Code::Rejected && !outcome.refused.is_empty() {
                        continue;
                    }
                    Error::from(Box::new(error))
                }
                Err(error) => error,
            };
            if is_about_contacts(error.code()) {
                granted.rejected = Some(error.error.message);
                break;
            }
            if let Err(error) = backoff.pause(error).await {
                // The refusals count, whatever becomes of the other rows.
                batch.end_answered(&rows, &granted.refused, granted.rejected.as_deref());
                return Err(error);
            }
        }
        journal.write(&Line::Granted(granted.clone()))?;
        batch.end_answered(&rows, &granted.refused, granted.rejected.as_deref());
    }
    batch.end_grants();
    Ok(())
}
