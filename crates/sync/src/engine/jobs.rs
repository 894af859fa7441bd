//! Tells the import jobs of a sync from the others of the account, and finds an import whose answer was lost.

use crate::engine::caller::Caller;
use crate::error::Error;
use crate::state::saved::SavedState;
use crate::state::steps::{Baseline, Sent};
use klaviyo_host::types::{Code, Job};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a request whose answer was lost may still be on its way to Klaviyo.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

/// The import jobs of a sync among those of the account.
pub(crate) struct ImportJobs {
    /// The account's jobs before the first of this sync; none before Klaviyo was asked.
    baseline: Option<Baseline>,
    /// All jobs of this sync.
    pub(crate) own: BTreeSet<String>,
    /// A job that is older than those under way.
    anchor: Option<String>,
}

impl ImportJobs {
    pub(crate) fn new(saved: &SavedState) -> Self {
        let baseline = saved.baseline.clone();
        let anchor = baseline.as_ref().and_then(|baseline| baseline.after.clone());
        let own = saved.jobs().map(str::to_owned).collect();
        Self { baseline, own, anchor }
    }

    /// Asks for the jobs that the account has before the first of this sync, unless they are known.
    pub(crate) async fn look(&mut self, caller: &Caller) -> Result<Option<Baseline>, Error> {
        if self.baseline.is_some() {
            return Ok(None);
        }
        let jobs = caller.patiently(|tenant| async move { tenant.imports(None).await }).await?;
        // Klaviyo sorts them by the second: one of the same second as the newest may stand on either side of
        // it.
        let newest = jobs.first().and_then(|job| job.created.clone());
        let others: Vec<String> =
            jobs.iter().take_while(|job| job.created == newest).map(|job| job.id.clone()).collect();
        let after = jobs.get(others.len()).map(|job| job.id.clone());
        self.anchor.clone_from(&after);
        let baseline = Baseline { after, others };
        self.baseline = Some(baseline.clone());
        Ok(Some(baseline))
    }

    /// Adds the jobs of an import that was submitted.
    pub(crate) fn add(&mut self, sent: &Sent) {
        self.own.extend(sent.jobs.iter().map(|(id, _)| id.clone()));
    }

    /// A job that is older than all of this sync.
    pub(crate) fn before(&self) -> Option<&str> {
        self.baseline.as_ref()?.after.as_deref()
    }

    /// The jobs that may be the import of so many contacts, of those that are newer than
    /// [`ImportJobs::before`]: they are not known to be another.
    pub(crate) fn fitting(&self, jobs: Vec<Job>, count: usize, ignored: &BTreeSet<String>) -> Vec<String> {
        let others = self.baseline.as_ref().map(|baseline| baseline.others.as_slice()).unwrap_or_default();
        let fits = |job: &Job| {
            usize::try_from(job.total).is_ok_and(|total| total == count)
                && !others.contains(&job.id)
                && !self.own.contains(&job.id)
                && !ignored.contains(&job.id)
        };
        jobs.into_iter().filter(fits).map(|job| job.id).collect()
    }

    /// Looks for an import whose answer was lost: the jobs that may be it. They are newer than the sync, not
    /// known to be another, and have as many contacts.
    ///
    /// One job is the import: since batches have odd sizes, another program's hardly fits. If there is none,
    /// the import may be on its way, so the account is asked once more. Of several, nobody knows which is the
    /// import, if one is: the batch is submitted again, since writing the same values twice does no harm, and
    /// leaving a batch out does.
    pub(crate) async fn find(
        &self,
        caller: &Caller,
        count: usize,
        ignored: &BTreeSet<String>,
    ) -> Result<Vec<String>, Error> {
        let before = self.before();
        let list = || caller.patiently(|tenant| async move { tenant.imports(before).await });
        let found = self.fitting(list().await?, count, ignored);
        if !found.is_empty() {
            return Ok(found);
        }
        caller.interrupt.sleep(ON_ITS_WAY).await?;
        Ok(self.fitting(list().await?, count, ignored))
    }

    /// The account's newest jobs, of which those under way are `open`.
    pub(crate) async fn list(&mut self, caller: &Caller, open: &BTreeSet<String>) -> Result<Vec<Job>, Error> {
        let after = self.anchor.as_deref();
        let listed = caller.patiently(|tenant| async move { tenant.imports(after).await }).await?;
        // The next time it is enough to ask for what is newer than a job that is older than all that are
        // open.
        let of = |job: &&Job| open.contains(&job.id);
        let oldest = listed.iter().filter(of).map(|job| job.created.clone()).min().flatten();
        if let Some(oldest) = oldest
            && let Some(older) = listed.iter().find(|job| job.created.as_ref().is_some_and(|at| *at < oldest))
        {
            self.anchor = Some(older.id.clone());
        }
        Ok(listed)
    }
}

/// The state of one job; none if Klaviyo does not know it any more.
pub(crate) async fn status(caller: &Caller, id: &str) -> Result<Option<Job>, Error> {
    match caller.patiently(|tenant| async move { tenant.import(id).await }).await {
        Ok(job) => Ok(Some(job)),
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
