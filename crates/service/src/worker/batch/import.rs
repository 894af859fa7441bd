//! A bulk import of a batch.

use super::{Batch, Item, Stop, stop};
use crate::opt_in_flow::{self, Failure};
use crate::outcome::Receipt;
use klaviyo_host::types::{Job, JobStatus, NewProfile, Submitted};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// When an import is asked for first, and how much more rarely each time.
const FIRST: Duration = Duration::from_secs(1);
const SLOWER: f64 = 1.5;
const RAREST: Duration = Duration::from_secs(15);
/// How long an import may take. Then the contacts are looked up, whatever it does with them later.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

impl Batch<'_> {
    /// Imports contacts into the list, and settles those that Klaviyo has imported. Returns the others, whatever it was
    /// that kept them out: what Klaviyo has against one by itself is said where it is tried by itself.
    pub(super) async fn import(
        &mut self,
        items: Vec<Item>,
        list: &str,
        created: Option<bool>,
    ) -> Result<Vec<Item>, Stop> {
        let contacts: Vec<NewProfile> = items.iter().map(|item| item.asked.contact()).collect();
        let submission = match self.tenant.submit_import(&contacts, Some(list)).await {
            Ok(answer) => answer.value,
            Err(error) => return stop(&Failure::from(&error)).map_or(Ok(items), Err),
        };
        let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
        let mut take = |position: u32| items.get_mut(position as usize).and_then(Option::take);
        for job in &submission.jobs {
            let failed = self.failed(job).await?;
            let Some(failed) = failed else { continue };
            let imported = job.rows.iter().zip(0..).filter(|(_, row)| !failed.contains(row));
            let imported: Vec<(Item, Receipt)> = imported
                .filter_map(|(position, _)| take(*position))
                .map(|item| {
                    let receipt = Receipt {
                        profile_id: None,
                        profile_name: item.asked.first_name.clone(),
                        list_id: list.to_owned(),
                        created,
                        warnings: opt_in_flow::warnings(&item.asked, submission.warnings.clone()),
                    };
                    (item, receipt)
                })
                .collect();
            self.consent(imported, list).await?;
        }
        Ok(items.into_iter().flatten().collect())
    }

    /// Waits for a job. The rows that were not imported; none where that is not known.
    async fn failed(&self, job: &Submitted) -> Result<Option<HashSet<u32>>, Stop> {
        let Some(end) = self.end_of(&job.job).await? else { return Ok(None) };
        if end.failed == 0 {
            return Ok(Some(HashSet::new()));
        }
        let failures = match self.tenant.import_failures(&job.job).await {
            Ok(answer) => answer.value,
            Err(error) => return stop(&Failure::from(&error)).map_or(Ok(None), Err),
        };
        let rows: HashSet<u32> = failures.iter().filter_map(|failure| failure.row).collect();
        // A row of which Klaviyo does not say that it failed is only known to be imported if all of those are known.
        Ok((rows.len() >= end.failed as usize).then_some(rows))
    }

    /// A job that is complete; none where it will not be.
    async fn end_of(&self, job: &str) -> Result<Option<Job>, Stop> {
        let (begun, mut wait) = (Instant::now(), FIRST);
        while begun.elapsed() < PATIENCE {
            sleep(wait).await;
            wait = wait.mul_f64(SLOWER).min(RAREST);
            let job = match self.tenant.import(job).await {
                Ok(answer) => answer.value,
                Err(error) => return stop(&Failure::from(&error)).map_or(Ok(None), Err),
            };
            match job.status {
                JobStatus::Complete => return Ok(Some(job)),
                JobStatus::Cancelled => return Ok(None),
                JobStatus::Queued | JobStatus::Processing | JobStatus::Other(_) => {}
            }
        }
        Ok(None)
    }
}
