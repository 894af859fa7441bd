//! `--one-by-one`: each contact in the steps of `opt-in`, several at once.
//!
//! All steps are safe to repeat. So only batches that have ended are journaled, and what was under way is done again.

use super::batches::Batch;
use super::engine::Engine;
use super::outcome::{Outcome, Why};
use crate::failure::Failure;
use klaviyo_host::types::{Code, NewProfile};
use tokio::task::JoinSet;

/// How many rows are reported together.
const ROWS: usize = 50;
/// How many contacts are under way at once.
pub(super) const AT_ONCE: usize = 8;

impl Engine {
    pub(super) async fn one_by_one(&mut self) -> Result<(), Failure> {
        let interrupt = self.caller.interrupt().clone();
        loop {
            let some = tokio::select! {
                some = self.batches.some(ROWS) => some?,
                () = interrupt.asked() => return Err(Failure::interrupted()),
            };
            let Some((mut batch, rows)) = some else { return Ok(()) };
            let contacts =
                (0..).zip(rows).filter_map(|(place, row)| Some((place, row.contact.ok()?.profile)));
            let result = self.opt_in(&mut batch, contacts).await;
            match result {
                Ok(()) => {
                    self.finish(batch)?;
                    self.tell(0);
                }
                Err(failure) => {
                    self.keep(batch);
                    return Err(failure);
                }
            }
        }
    }

    /// Opts the contacts of a batch in, each with its place among the rows.
    async fn opt_in(
        &self,
        batch: &mut Batch,
        mut contacts: impl Iterator<Item = (usize, NewProfile)>,
    ) -> Result<(), Failure> {
        let list = self.settings.list.clone().unwrap_or_default();
        let mut calls = JoinSet::new();
        let mut stop = None;
        loop {
            while stop.is_none() && calls.len() < AT_ONCE {
                if self.caller.interrupt().is_asked() {
                    stop = Some(Failure::interrupted());
                    break;
                }
                let Some((place, contact)) = contacts.next() else { break };
                batch.is_tried = true;
                let (caller, list) = (self.caller.clone(), list.clone());
                calls.spawn(async move {
                    let call = |tenant: klaviyo_host::Tenant| {
                        let (contact, list) = (&contact, &list);
                        async move { tenant.opt_in(contact, list).await }
                    };
                    (place, caller.patiently(call).await)
                });
            }
            let Some(ended) = calls.join_next().await else { break };
            let (place, result) =
                ended.map_err(|error| Failure::other(format!("a call ended badly: {error}")))?;
            let outcome = match result {
                Ok(receipt) => {
                    let said = receipt.warnings.iter().map(|warning| Why::new("", warning));
                    let all: Vec<Why> = batch.warnings.remove(&place).into_iter().chain(said).collect();
                    Outcome::Done(if all.is_empty() { Why::default() } else { Why::all(&all) })
                }
                Err(failure) => match failure.error.code {
                    Code::InvalidInput | Code::Rejected | Code::Conflict => {
                        Outcome::Refused(Why::error(&failure.error))
                    }
                    _ => {
                        stop.get_or_insert(failure);
                        continue;
                    }
                },
            };
            if let Some((_, ended)) = batch.rows.get_mut(place) {
                *ended = Some(outcome);
            }
        }
        stop.map_or(Ok(()), Err)
    }
}
