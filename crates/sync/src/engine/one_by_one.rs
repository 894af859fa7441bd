//! Opts contacts in one by one, several at once, in the steps of the contract's `opt-in`.
//!
//! All steps are safe to repeat. So the state has only batches that have ended, and the rest is done again.

use crate::batch::{Batch, BatchRow};
use crate::engine::caller::Caller;
use crate::engine::verdict::is_about_contacts;
use crate::error::Error;
use crate::outcome::{Reason, RowOutcome};
use crate::settings::AT_ONCE;
use tokio::task::JoinSet;

/// How many rows are reported together.
pub(crate) const ROWS: usize = 50;

/// Opts the contacts of a batch in.
pub(crate) async fn opt_in(caller: &Caller, batch: &mut Batch, list: &str) -> Result<(), Error> {
    let mut calls = JoinSet::new();
    let mut stop = None;
    let mut indexes = 0..batch.rows.len();
    loop {
        while stop.is_none() && calls.len() < AT_ONCE {
            if caller.interrupt.is_asked() {
                stop = Some(Error::interrupted());
                break;
            }
            let next = |index: usize| Some((index, batch.rows.get_mut(index)?.take_profile()?));
            let Some((index, contact)) = indexes.by_ref().find_map(next) else { break };
            batch.is_tried = true;
            let (caller, list) = (caller.clone(), list.to_owned());
            calls.spawn(async move {
                let call = |tenant: klaviyo_host::Tenant| {
                    let (contact, list) = (&contact, &list);
                    async move { tenant.opt_in(contact, list, None).await }
                };
                (index, caller.patiently(call).await)
            });
        }
        let Some(ended) = calls.join_next().await else { break };
        let (index, result) = ended.map_err(|error| Error::other(format!("a call ended badly: {error}")))?;
        let outcome = match result {
            Ok(receipt) => {
                let said = receipt.warnings.iter().map(|warning| Reason::new("", warning));
                let own = batch.rows.get(index).and_then(BatchRow::warning);
                let all: Vec<Reason> = own.into_iter().chain(said).collect();
                RowOutcome::Done(if all.is_empty() { Reason::default() } else { Reason::all(&all) })
            }
            Err(error) if is_about_contacts(error.code()) => RowOutcome::Refused(Reason::error(&error.error)),
            Err(error) => {
                stop.get_or_insert(error);
                continue;
            }
        };
        batch.end_row(index, outcome);
    }
    stop.map_or(Ok(()), Err)
}
