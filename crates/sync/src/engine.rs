//! Runs a sync in bulk or one by one, batch after batch, from the input to the report.
//!
//! It writes each step to the state before it takes it. So after any end of the program the next run knows
//! which steps may have been taken.

pub(crate) mod caller;
mod grants;
mod jobs;
mod one_by_one;
mod settle;
pub(crate) mod submit;
pub(crate) mod verdict;

use crate::batch::Batch;
use crate::batch::batches::Batches;
use crate::batch::routing::{Mode, Part};
use crate::contact::Contact;
use crate::engine::caller::Caller;
use crate::engine::grants::give;
use crate::engine::jobs::{ImportJobs, status};
use crate::engine::settle::settle;
use crate::engine::submit::submit;
use crate::error::{Error, Stopped};
use crate::input::rows::Row;
use crate::outcome::{Counts, Reason, RowOutcome};
use crate::report::Report;
use crate::reporter::{Notice, Progress, Reporter};
use crate::state::journal::Journal;
use crate::state::saved::SavedState;
use crate::state::steps::{Finished, Line};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// The most batches under way at once. Each takes memory until it ends, and more with consent.
const UNDER_WAY: usize = 32;
const UNDER_WAY_WITH_CONSENT: usize = 8;
/// The first pause before Klaviyo is asked about jobs, and the longest; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(15);

/// A sync that runs.
pub(crate) struct Engine<'a> {
    caller: Caller,
    batches: Batches,
    journal: Journal,
    report: Report,
    reporter: &'a mut dyn Reporter,
    saved: SavedState,
    under_way: VecDeque<Batch>,
    jobs: ImportJobs,
    /// When Klaviyo was asked about jobs last, and when the last job was submitted.
    asked: Instant,
    submitted: Instant,
    wait: Duration,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        caller: Caller,
        batches: Batches,
        journal: Journal,
        report: Report,
        saved: SavedState,
        reporter: &'a mut dyn Reporter,
    ) -> Self {
        Self {
            caller,
            journal,
            report,
            reporter,
            batches,
            under_way: VecDeque::new(),
            jobs: ImportJobs::new(&saved),
            saved,
            asked: Instant::now(),
            submitted: Instant::now(),
            wait: FIRST_WAIT,
        }
    }

    /// Reports how far earlier runs came.
    pub(crate) fn tell_resumed(&mut self) {
        let (rows, imports) = (self.report.counts.rows(), self.jobs.own.len());
        self.reporter.notice(&Notice::Resumed { rows, imports });
    }

    /// Sends all rows, and waits until they have ended.
    pub(crate) async fn run(&mut self) -> Result<Counts, Error> {
        let interrupt = self.caller.interrupt.clone();
        if let Some(end) = self.saved.finished.as_ref().map(|last| last.end) {
            interrupt.unless_asked(self.batches.skip(end)).await?;
        }
        match self.batches.routing.mode {
            Mode::OneByOne => self.one_by_one().await?,
            Mode::Members | Mode::Consent(_) => self.in_bulk().await?,
        }
        self.journal.write(&Line::Complete)?;
        Ok(self.report.counts)
    }

    async fn in_bulk(&mut self) -> Result<(), Error> {
        let interrupt = self.caller.interrupt.clone();
        let most = match self.batches.routing.mode {
            Mode::Consent(_) => UNDER_WAY_WITH_CONSENT,
            _ => UNDER_WAY,
        };
        let mut more = true;
        loop {
            self.end_batches().await?;
            if interrupt.is_asked() {
                return Err(Error::interrupted());
            }
            let is_asking_due = !self.under_way.is_empty() && self.asked.elapsed() >= LAST_WAIT;
            if more && self.under_way.len() < most && !is_asking_due {
                match interrupt.unless_asked(self.batches.next()).await? {
                    None => more = false,
                    Some(batch) => self.begin(batch).await?,
                }
            } else if self.under_way.is_empty() {
                return Ok(());
            } else {
                // As long as there is more to send, the oldest jobs count, and not the last one.
                let last = if more { self.asked } else { self.asked.max(self.submitted) };
                if !is_asking_due {
                    interrupt.sleep(self.wait.saturating_sub(last.elapsed())).await?;
                }
                self.ask().await?;
            }
        }
    }

    async fn one_by_one(&mut self) -> Result<(), Error> {
        let interrupt = self.caller.interrupt.clone();
        let list = self.batches.routing.list.clone().unwrap_or_default();
        while let Some(mut batch) =
            interrupt.unless_asked(self.batches.next_unchecked(one_by_one::ROWS)).await?
        {
            if let Err(error) = one_by_one::opt_in(&self.caller, &mut batch, &list).await {
                self.under_way.push_back(batch);
                return Err(error);
            }
            self.finish(batch)?;
            self.tell();
        }
        Ok(())
    }

    /// Submits the imports of a batch, if it has any.
    async fn begin(&mut self, mut batch: Batch) -> Result<(), Error> {
        let number = batch.number;
        batch.may_be_taken &= !self.saved.untaken.remove(&number);
        let may_be_taken = batch.may_be_taken;
        let parts: Vec<Part> = Part::ALL.into_iter().filter(|part| !batch.part(*part).is_empty()).collect();
        let plan = batch.plan();
        if self.under_way.is_empty() {
            self.asked = Instant::now();
        }
        // From here on the batch is among those that are reported, however the sync ends.
        self.under_way.push_back(batch);
        if !parts.is_empty()
            && let Some(baseline) = self.jobs.look(&self.caller).await?
        {
            self.journal.write(&Line::Baseline(baseline))?;
        }
        if !may_be_taken {
            self.journal.write(&Line::Planned(plan))?;
        }
        for part in parts {
            let Some(batch) = self.under_way.back_mut() else { break };
            let sent = match self.saved.sent.remove(&(number, part == Part::Members)) {
                Some(sent) => sent,
                None => {
                    let (journal, reporter) = (&mut self.journal, &mut *self.reporter);
                    let list = self.batches.routing.import_list(part);
                    let sent = submit(&self.caller, journal, &self.jobs, reporter, list, batch, part).await?;
                    self.journal.write(&Line::Sent(sent.clone()))?;
                    sent
                }
            };
            self.jobs.add(&sent);
            batch.sent(part, &sent);
            (self.submitted, self.wait) = (Instant::now(), FIRST_WAIT);
        }
        Ok(())
    }

    /// Asks Klaviyo about all jobs under way.
    async fn ask(&mut self) -> Result<(), Error> {
        let open: BTreeSet<String> =
            self.under_way.iter().flat_map(|batch| &batch.jobs).map(|job| job.id.clone()).collect();
        let listed = self.jobs.list(&self.caller, &open).await?;
        (self.asked, self.wait) = (Instant::now(), (self.wait * 2).min(LAST_WAIT));
        for id in &open {
            let job = match listed.iter().find(|job| job.id == *id) {
                Some(job) => Some(job.clone()),
                // It is not among the newest, after many jobs of others.
                None => status(&self.caller, id).await?,
            };
            settle(&self.caller, &mut self.under_way, id, job.as_ref()).await?;
        }
        Ok(())
    }

    /// Gives the consents of batches whose imports have ended, and reports those that have ended whole.
    async fn end_batches(&mut self) -> Result<(), Error> {
        let mut consents = false;
        if let Mode::Consent(options) = &self.batches.routing.mode {
            consents = true;
            let is_ready = |batch: &&mut Batch| batch.jobs.is_empty() && !batch.granted;
            for batch in self.under_way.iter_mut().filter(is_ready) {
                let list = self.batches.routing.list.as_deref();
                let (journal, reporter) = (&mut self.journal, &mut *self.reporter);
                give(&self.caller, journal, &self.saved, reporter, options, list, batch).await?;
            }
        }
        while let Some(batch) =
            self.under_way.pop_front_if(|batch| batch.jobs.is_empty() && (batch.granted || !consents))
        {
            self.finish(batch)?;
        }
        self.tell();
        Ok(())
    }

    /// Reports how far the sync is.
    fn tell(&mut self) {
        self.reporter.progress(&Progress {
            read: self.batches.taken,
            counts: self.report.counts,
            bytes: self.saved.finished.as_ref().map_or(0, |last| last.bytes),
            jobs: self.under_way.iter().map(|batch| batch.jobs.len()).sum(),
        });
    }

    fn end(&mut self, line: u64, outcome: &RowOutcome) -> Result<(), Error> {
        self.reporter.row(line, outcome);
        self.report.write(line, outcome)
    }

    /// Reports the rows of a batch that has ended, and writes that to the state.
    fn finish(&mut self, batch: Batch) -> Result<(), Error> {
        let before = self.report.counts;
        let Batch { number, end, position, rows, .. } = batch;
        for row in rows {
            self.end(row.line, &row.outcome())?;
        }
        let counts = self.report.counts;
        let finished = Finished {
            batch: number,
            end,
            bytes: position.bytes,
            sha256: position.sha256(),
            report: self.report.keep()?,
            done: counts.done - before.done,
            refused: counts.refused - before.refused,
            failed: counts.failed - before.failed,
            warned: counts.warned - before.warned,
        };
        self.journal.write(&Line::Finished(finished.clone()))?;
        self.saved.finished = Some(finished);
        Ok(())
    }

    /// Ends a sync that stopped. Without a state nothing more will happen to its other rows, so they are
    /// reported as failed.
    pub(crate) async fn stop(mut self, mut error: Error) -> Error {
        let mut incomplete_report = None;
        if self.journal.file.is_none() {
            let reason = error.error.message.clone();
            let interrupt = self.caller.interrupt.clone();
            let given_up = tokio::select! {
                given_up = self.give_up(&reason) => given_up,
                // A pipe may never end.
                () = interrupt.insisted() => Ok(()),
            };
            incomplete_report = given_up.err().map(|error| error.error.message);
        }
        let counts = self.report.counts;
        error.error.done = u32::try_from(counts.done).unwrap_or(u32::MAX);
        error.stopped = Some(Stopped { counts, incomplete_report });
        error
    }

    async fn give_up(&mut self, reason: &str) -> Result<(), Error> {
        let failed = |how: &str| RowOutcome::Failed(Reason::new("", format!("it {how}: {reason}")));
        let not_sent = || failed("was not sent");
        while let Some(batch) = self.under_way.pop_front() {
            let is_tried = batch.is_tried;
            for mut row in batch.rows {
                row.end(if is_tried { failed("may have been sent") } else { not_sent() });
                self.end(row.line, &row.outcome())?;
            }
        }
        for row in self.batches.take_pending() {
            self.leave(row, not_sent())?;
        }
        while let Some(row) = self.batches.take().await? {
            self.leave(row, not_sent())?;
        }
        self.report.keep()?;
        Ok(())
    }

    fn leave(&mut self, row: Row<Box<Contact>>, outcome: RowOutcome) -> Result<(), Error> {
        if row.is_blank {
            return Ok(());
        }
        let outcome = row.record.err().map_or(outcome, RowOutcome::Refused);
        self.end(row.line, &outcome)
    }
}
