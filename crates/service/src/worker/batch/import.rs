//! A bulk import of opt-ins.

use super::admission::Admitted;
use super::attempt::{Batch, Stop};
use super::item::Item;
use crate::opt_in_flow::{self, Failure};
use crate::outcome::Receipt;
use backon::{BackoffBuilder, ExponentialBuilder};
use klaviyo_host::types::{Audience, Job, JobStatus, NewProfile, Submitted};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pauses between questions about a job.
const POLLS: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_factor(1.5)
    .with_max_delay(Duration::from_secs(15))
    .without_max_times();
/// How long a job may take. After that the contacts are looked up, whatever the job still does with them.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

impl Batch<'_> {
    /// Imports contacts into the list, and settles those that Klaviyo has imported. Returns the others,
    /// whatever kept them out: when each is tried by itself, Klaviyo says what it has against it.
    pub(super) async fn import(&self, items: Vec<Item>, list: &Audience) -> Result<Vec<Item>, Stop> {
        let items = items.into_iter().map(|item| (item, ())).collect();
        let (pass, Admitted { members, superseded }) = self.pass(items, &list.id).await?;
        let items: Vec<Item> = members.into_iter().map(|(item, ())| item).collect();
        if items.is_empty() {
            drop(pass);
            self.take_back(superseded).await?;
            return Ok(items);
        }
        let contacts: Vec<NewProfile> = items.iter().map(|item| item.request.contact()).collect();
        let submitted = self.tenant.submit_import(&contacts, Some(&list.id)).await;
        drop(pass);
        self.take_back(superseded).await?;
        let submission = match submitted {
            Ok(answer) => answer.value,
            Err(error) => return Stop::by(&Failure::from(&error)).map_or(Ok(items), Err),
        };
        let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
        let mut take = |position: u32| items.get_mut(position as usize).and_then(Option::take);
        for job in &submission.jobs {
            let Some(failed) = self.failed_rows(job).await? else { continue };
            let imported = job.rows.iter().zip(0..).filter(|(_, row)| !failed.contains(row));
            let imported: Vec<(Item, Receipt)> = imported
                .filter_map(|(position, _)| take(*position))
                .map(|item| {
                    let receipt = Receipt {
                        profile_id: None,
                        profile_name: item.request.first_name.clone(),
                        list_id: list.id.clone(),
                        created: true,
                        warnings: opt_in_flow::warnings(&item.request, submission.warnings.clone()),
                        ..Receipt::default()
                    };
                    (item, receipt)
                })
                .collect();
            // People may have opted out while the job put them on the list.
            let (pass, Admitted { members, superseded }) = self.pass(imported, &list.id).await?;
            drop(pass);
            self.take_back(superseded).await?;
            self.consent(members, list).await?;
        }
        Ok(items.into_iter().flatten().collect())
    }

    /// Waits for a job. Returns the rows that were not imported; none if that is not known.
    async fn failed_rows(&self, job: &Submitted) -> Result<Option<HashSet<u32>>, Stop> {
        let Some(complete) = self.completion(&job.job).await? else { return Ok(None) };
        if complete.failed == 0 {
            return Ok(Some(HashSet::new()));
        }
        let failures = match self.tenant.import_failures(&job.job).await {
            Ok(answer) => answer.value,
            Err(error) => return Stop::by(&Failure::from(&error)).map_or(Ok(None), Err),
        };
        let rows: HashSet<u32> = failures.iter().filter_map(|failure| failure.row).collect();
        // A row that is not named was imported only if all failed rows are named.
        Ok((rows.len() >= complete.failed as usize).then_some(rows))
    }

    /// The job when it is complete; none if it was cancelled, cannot be read or takes too long.
    async fn completion(&self, job: &str) -> Result<Option<Job>, Stop> {
        let begun = Instant::now();
        for pause in POLLS.build() {
            if begun.elapsed() >= PATIENCE {
                break;
            }
            sleep(pause).await;
            let job = match self.tenant.import(job).await {
                Ok(answer) => answer.value,
                Err(error) => return Stop::by(&Failure::from(&error)).map_or(Ok(None), Err),
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
