//! Makes all calls of a sync without sending them, and counts the requests and the time that they take at
//! Klaviyo's rates.

pub(crate) mod recording;

use crate::batch::Batch;
use crate::batch::batches::Batches;
use crate::batch::routing::{Mode, Part, Routing};
use crate::dry_run::recording::DryAccount;
use crate::error::Error;
use crate::input::OpenInput;
use crate::outcome::{Counts, Reason, RowOutcome};
use crate::reporter::Reporter;
use crate::run::now;
use crate::settings::Settings;
use crate::state::saved::SavedState;
use klaviyo_host::Endpoint;
use std::collections::BTreeMap;

/// The size of a sync.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The rows. Those that would be sent count as done.
    pub counts: Counts,
    /// How many requests, by the operation, such as `bulk import`. Not those that ask about the progress of
    /// imports.
    pub requests: BTreeMap<&'static str, u64>,
    /// The least time that these requests take at Klaviyo's published rates, in seconds.
    pub seconds: u64,
}

/// Makes all calls of a sync in an account in which nothing happens. The reporter gets the requests and the
/// rows.
///
/// `list_id` is the id of the settings' list, or what shall stand for it. State and report are not touched.
///
/// # Errors
/// The input cannot be read, or the reporter fails.
pub async fn dry_run(
    input: OpenInput,
    settings: &Settings,
    list_id: Option<&str>,
    account: DryAccount,
    reporter: &mut dyn Reporter,
) -> Result<Plan, Error> {
    let routing = Routing::new(settings, list_id.map(str::to_owned), &now());
    let batches = Batches::new(input.rows, routing, &SavedState::default());
    let mut run = DryRun { account, batches, reporter, counts: Counts::default(), requests: BTreeMap::new() };
    if list_id.is_some() {
        run.account.tenant.lists().await?;
        run.show()?;
    }
    match run.batches.routing.mode {
        Mode::OneByOne => run.one_by_one().await?,
        Mode::Members | Mode::Consent(_) => run.in_bulk().await?,
    }
    let seconds = run.requests.values().map(|(count, endpoint)| least_seconds(endpoint, *count));
    Ok(Plan {
        counts: run.counts,
        seconds: seconds.max().unwrap_or_default(),
        requests: run.requests.into_iter().map(|(name, (count, _))| (name, count)).collect(),
    })
}

struct DryRun<'a> {
    account: DryAccount,
    batches: Batches,
    reporter: &'a mut dyn Reporter,
    counts: Counts,
    requests: BTreeMap<&'static str, (u64, &'static Endpoint)>,
}

impl DryRun<'_> {
    async fn in_bulk(&mut self) -> Result<(), Error> {
        let mut looked = false;
        while let Some(mut batch) = self.batches.next().await? {
            for part in Part::ALL {
                let (_, contacts) = batch.take_profiles(part);
                if contacts.is_empty() {
                    continue;
                }
                if !looked {
                    looked = true;
                    self.account.tenant.imports(None).await?;
                    self.show()?;
                }
                let list = self.batches.routing.import_list(part);
                self.account.tenant.submit_import(&contacts, list).await?;
                self.show()?;
            }
            self.grant(&mut batch).await?;
            for row in batch.rows {
                self.end(row.line, &row.outcome());
            }
        }
        Ok(())
    }

    async fn grant(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let Mode::Consent(options) = self.batches.routing.mode.clone() else { return Ok(()) };
        for chunk in std::mem::take(&mut batch.chunks) {
            let people: Vec<_> = chunk.rows.iter().filter_map(|row| batch.subscription(*row)).collect();
            let list = self.batches.routing.list.as_deref();
            let options = chunk.options(&options);
            self.account.tenant.grant_consent(&people, list, &options).await?;
            self.show()?;
        }
        Ok(())
    }

    async fn one_by_one(&mut self) -> Result<(), Error> {
        let list = self.batches.routing.list.clone().unwrap_or_default();
        while let Some(batch) = self.batches.next_unchecked(1).await? {
            for mut row in batch.rows {
                if let Some(contact) = row.take_profile() {
                    let result = self.account.tenant.opt_in(&contact, &list, None).await;
                    self.show()?;
                    if let Err(error) = result {
                        row.end(RowOutcome::Refused(Reason::error(&Error::from(error).error)));
                    }
                }
                self.end(row.line, &row.outcome());
            }
        }
        Ok(())
    }

    fn end(&mut self, line: u64, outcome: &RowOutcome) {
        self.reporter.row(line, outcome);
        self.counts.add(outcome);
    }

    /// Counts the recorded requests, and shows them.
    fn show(&mut self) -> Result<(), Error> {
        for request in self.account.take_requests() {
            let endpoint = Endpoint::of(&request.method, request.url.path());
            self.requests.entry(endpoint.name).or_insert((0, endpoint)).0 += 1;
            let shown = self.reporter.request(&request);
            shown.map_err(|error| Error::other(format!("cannot write the requests: {error}")))?;
        }
        Ok(())
    }
}

/// The least seconds that so many requests take at the rates of an endpoint. The first one takes none.
fn least_seconds(endpoint: &Endpoint, count: u64) -> u64 {
    let before = count.saturating_sub(1);
    let (burst, steady) = (u64::from(endpoint.rates.burst), u64::from(endpoint.rates.steady));
    before / steady * 60 + before % steady / burst
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn requests_take_their_time() {
        let import = Endpoint::of(&Method::POST, "/api/profile-bulk-import-jobs/");
        assert_eq!(
            [0, 1, 10, 11, 150, 151, 301].map(|count| least_seconds(import, count)),
            [0, 0, 0, 1, 14, 60, 120]
        );
        let create = Endpoint::of(&Method::POST, "/api/profiles/");
        assert_eq!([75, 76, 700, 701].map(|count| least_seconds(create, count)), [0, 1, 9, 60]);
    }
}
