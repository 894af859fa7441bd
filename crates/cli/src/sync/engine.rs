//! Batch after batch, from the input to the report.
//!
//! Each step is journaled before it is taken, so that after any end of the program the next run knows what it may
//! have done. All but one can be taken twice without harm: reading, giving consent, opting in. An import that is
//! submitted twice is two jobs, so an import whose answer was lost is looked for among the account's jobs.

use super::batches::{Batch, Batches, Chunk};
use super::caller::Caller;
use super::input::Row;
use super::journal::{Baseline, Finished, Granted, Journal, Past, Refused, Sent, hex, noted, remembered};
use super::ledger::Ledger;
use super::outcome::{Outcome, Why};
use super::progress::Progress;
use super::settings::{Consent, Part, Settings, Way};
use crate::failure::Failure;
use klaviyo_host::types::{Code, Failure as ImportFailure, Job as Status, JobStatus, Refusal, Subscription};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How many batches may be under way at once: what is kept of each until it ends takes memory, and with consent it
/// takes more.
const UNDER_WAY: usize = 32;
const UNDER_WAY_WITH_CONSENT: usize = 8;
/// How long to wait before Klaviyo is asked about jobs: from the first to the last, each twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(15);
/// How long a request whose answer was lost may still be on its way to Klaviyo.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

pub(super) struct Engine {
    pub(super) caller: Caller,
    pub(super) batches: Batches,
    pub(super) journal: Journal,
    pub(super) ledger: Ledger,
    pub(super) progress: Progress,
    pub(super) settings: Settings,
    past: Past,
    under_way: VecDeque<Batch>,
    /// The account's jobs before ours; none before it was looked.
    baseline: Option<Baseline>,
    /// All jobs of this sync.
    jobs: BTreeSet<String>,
    /// A job that is older than those under way.
    anchor: Option<String>,
    /// When Klaviyo was asked about jobs last, and when it got the last one.
    asked: Instant,
    submitted: Instant,
    wait: Duration,
}

impl Engine {
    pub(super) fn new(
        caller: Caller,
        batches: Batches,
        journal: Journal,
        ledger: Ledger,
        settings: Settings,
        mut past: Past,
    ) -> Self {
        let baseline = past.baseline.take();
        Self {
            caller,
            journal,
            ledger,
            progress: Progress::new(batches.length()),
            batches,
            settings,
            under_way: VecDeque::new(),
            anchor: baseline.as_ref().and_then(|baseline| baseline.after.clone()),
            baseline,
            jobs: past.jobs().map(str::to_owned).collect(),
            past,
            asked: Instant::now(),
            submitted: Instant::now(),
            wait: FIRST_WAIT,
        }
    }

    /// How many imports are known.
    pub(super) fn sent(&self) -> usize {
        self.jobs.len()
    }

    /// Sends all rows, and waits until they have ended.
    pub(super) async fn run(&mut self) -> Result<(), Failure> {
        let interrupt = self.caller.interrupt().clone();
        if let Some(end) = self.past.finished.as_ref().map(|last| last.end) {
            tokio::select! {
                skipped = self.batches.skip(end) => skipped?,
                () = interrupt.asked() => return Err(Failure::interrupted()),
            }
        }
        if matches!(self.settings.way, Way::OneByOne) {
            self.one_by_one().await?;
        } else {
            self.in_bulk().await?;
        }
        self.journal.complete()
    }

    async fn in_bulk(&mut self) -> Result<(), Failure> {
        let interrupt = self.caller.interrupt().clone();
        let most = match self.settings.way {
            Way::Consent(_) => UNDER_WAY_WITH_CONSENT,
            _ => UNDER_WAY,
        };
        let mut more = true;
        loop {
            self.end_batches().await?;
            if interrupt.is_asked() {
                return Err(Failure::interrupted());
            }
            let is_asking_due = !self.under_way.is_empty() && self.asked.elapsed() >= LAST_WAIT;
            if more && self.under_way.len() < most && !is_asking_due {
                let batch = tokio::select! {
                    batch = self.batches.next() => batch?,
                    () = interrupt.asked() => return Err(Failure::interrupted()),
                };
                match batch {
                    None => more = false,
                    Some(batch) => self.begin(batch).await?,
                }
            } else if self.under_way.is_empty() {
                return Ok(());
            } else {
                let last = self.asked.max(self.submitted);
                if !is_asking_due {
                    interrupt.sleep(self.wait.saturating_sub(last.elapsed())).await?;
                }
                self.ask().await?;
            }
        }
    }

    /// Submits the imports of a batch, if it has any.
    async fn begin(&mut self, mut batch: Batch) -> Result<(), Failure> {
        let (number, was_planned) = (batch.number, batch.is_planned);
        let parts: Vec<Part> =
            Part::ALL.into_iter().filter(|part| !batch.part(*part).rows.is_empty()).collect();
        let plan = batch.plan();
        if self.under_way.is_empty() {
            self.asked = Instant::now();
        }
        // Whatever happens now, the batch is there to be told about.
        self.under_way.push_back(batch);
        if !parts.is_empty() && self.baseline.is_none() {
            let baseline = self.look().await?;
            self.journal.baseline(baseline.clone())?;
            self.anchor.clone_from(&baseline.after);
            self.baseline = Some(baseline);
        }
        // Whether an earlier run may have submitted it.
        let may_be_taken = was_planned && !self.past.untaken.remove(&number);
        if !may_be_taken {
            self.journal.planned(plan)?;
        }
        for part in parts {
            let sent = match self.past.sent.remove(&(number, part == Part::Members)) {
                Some(sent) => sent,
                None => {
                    let sent = self.submit(number, part, may_be_taken).await?;
                    self.journal.sent(sent.clone())?;
                    sent
                }
            };
            self.jobs.extend(sent.jobs.iter().map(|(id, _)| id.clone()));
            if let Some(batch) = self.under_way.back_mut() {
                batch.sent(part, &sent);
            }
            (self.submitted, self.wait) = (Instant::now(), FIRST_WAIT);
        }
        Ok(())
    }

    /// The jobs that the account has before the first of ours.
    async fn look(&mut self) -> Result<Baseline, Failure> {
        let jobs = self.caller.patiently(|tenant| async move { tenant.imports(None).await }).await?;
        // Klaviyo sorts them by the second: one of the same second as the newest may stand on either side of it.
        let newest = jobs.first().and_then(|job| job.created.clone());
        let others: Vec<String> =
            jobs.iter().take_while(|job| job.created == newest).map(|job| job.id.clone()).collect();
        let after = jobs.get(others.len()).map(|job| job.id.clone());
        Ok(Baseline { after, others })
    }

    /// Submits an import of the last batch under way.
    async fn submit(&mut self, number: usize, part: Part, may_be_taken: bool) -> Result<Sent, Failure> {
        let mut unknown = may_be_taken;
        let mut ignored = BTreeSet::new();
        let mut patience = self.caller.patience();
        let mut sent = Sent { batch: number, members: part == Part::Members, ..Sent::default() };
        // Whose the contacts are that are left to submit.
        let import = self.under_way.back_mut().map(|batch| batch.part(part));
        let mut rows = import.map(|import| import.rows.clone()).unwrap_or_default();
        loop {
            if unknown && let Some(job) = self.find(rows.len(), &mut ignored).await? {
                sent.jobs.push((job, rows.len()));
                return Ok(sent);
            }
            let Some(batch) = self.under_way.back_mut() else { return Ok(sent) };
            batch.is_tried = true;
            let list = self.settings.import_list(part);
            let contacts = &batch.part(part).contacts;
            let submitted =
                self.caller.once(|tenant| async move { tenant.submit_import(contacts, list).await }).await;
            let failure = match submitted {
                Ok(submission) => {
                    let warnings = submission.warnings.iter().map(|warning| format!("! {warning}"));
                    warnings.for_each(|warning| self.progress.say(&warning));
                    let jobs = submission.jobs.into_iter();
                    sent.jobs.extend(jobs.map(|submitted| (submitted.job, submitted.rows.len())));
                    sent.refused.extend(refused(&rows, &submission.refused));
                    let Some(error) = submission.stopped else { return Ok(sent) };
                    leave_out(&mut batch.part(part).contacts, &submission.refused);
                    leave_out(&mut rows, &submission.refused);
                    // Klaviyo named so many one after the other; there may be more.
                    if error.code == Code::Rejected && !submission.refused.is_empty() && !rows.is_empty() {
                        unknown = false;
                        continue;
                    }
                    Failure::stopped(Box::new(error))
                }
                Err(failure) => failure,
            };
            match failure.error.code {
                // It was not taken.
                Code::RateLimited => unknown = false,
                // These rows, not the others.
                Code::Rejected | Code::Conflict | Code::InvalidInput => {
                    sent.rejected = Some(failure.error.message);
                    return Ok(sent);
                }
                // It may have been taken, or a gateway answered for a Klaviyo that still will.
                Code::Unavailable
                | Code::Timeout
                | Code::Connection
                | Code::TooLarge
                | Code::Malformed
                | Code::Other => unknown = true,
                _ => return Err(failure),
            }
            let Err(failure) = self.caller.pause(&mut patience, failure).await else { continue };
            // The end of this run. Where Klaviyo says that it has nothing, the next run need not look for something that
            // may be somebody else's by then.
            if unknown && !failure.is_interruption() {
                let after = self.before_ours();
                let jobs = self.caller.once(|tenant| async move { tenant.imports(after).await }).await;
                match jobs.map(|jobs| self.fitting(jobs, rows.len(), &ignored)).as_deref() {
                    Ok([]) => self.journal.untaken(number)?,
                    Ok([id]) => {
                        sent.jobs.push((id.clone(), rows.len()));
                        return Ok(sent);
                    }
                    _ => {}
                }
            }
            return Err(failure);
        }
    }

    /// A job that is older than all of this sync.
    fn before_ours(&self) -> Option<&str> {
        self.baseline.as_ref()?.after.as_deref()
    }

    /// The jobs that may be the import of so many contacts: newer than the sync, and not known to be another.
    fn fitting(&self, jobs: Vec<Status>, count: usize, ignored: &BTreeSet<String>) -> Vec<String> {
        let others = self.baseline.as_ref().map(|baseline| baseline.others.as_slice()).unwrap_or_default();
        let fits = |job: &Status| {
            usize::try_from(job.total).is_ok_and(|total| total == count)
                && !others.contains(&job.id)
                && !self.jobs.contains(&job.id)
                && !ignored.contains(&job.id)
        };
        jobs.into_iter().filter(fits).map(|job| job.id).collect()
    }

    /// Looks for an import whose answer was lost: a job that is newer than the sync, none of ours, and has as many
    /// contacts. None: it has to be submitted again.
    ///
    /// One job that fits is taken for it; since batches have odd sizes, somebody else's hardly fits. None that fits may
    /// be on its way, so that it is looked for once more. Of several, one may be ours, and nobody knows which: the
    /// batch is submitted again, since writing the same values twice does no harm, and leaving a batch out does.
    async fn find(&self, count: usize, ignored: &mut BTreeSet<String>) -> Result<Option<String>, Failure> {
        for is_last in [false, true] {
            let after = self.before_ours();
            let jobs = self.caller.patiently(|tenant| async move { tenant.imports(after).await }).await?;
            let found = self.fitting(jobs, count, ignored);
            match found.as_slice() {
                [id] => return Ok(Some(id.clone())),
                [] if !is_last => self.caller.interrupt().sleep(ON_ITS_WAY).await?,
                [] => {}
                several => {
                    self.progress.say(&format!(
                        "one of {} jobs may be the import of {count} contacts that got no answer; it is submitted again, \
                         and the same values are written twice",
                        several.len()
                    ));
                    ignored.extend(found);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Asks Klaviyo about all jobs under way.
    async fn ask(&mut self) -> Result<(), Failure> {
        let after = self.anchor.as_deref();
        let listed = self.caller.patiently(|tenant| async move { tenant.imports(after).await }).await?;
        (self.asked, self.wait) = (Instant::now(), (self.wait * 2).min(LAST_WAIT));
        let open: BTreeSet<String> =
            self.under_way.iter().flat_map(|batch| &batch.jobs).map(|job| job.id.clone()).collect();
        // The next time it is enough to ask for what is newer than a job that is older than all that are open.
        let of = |job: &&Status| open.contains(&job.id);
        let oldest = listed.iter().filter(of).map(|job| job.created.clone()).min().flatten();
        if let Some(oldest) = oldest
            && let Some(older) = listed.iter().find(|job| job.created.as_ref().is_some_and(|at| *at < oldest))
        {
            self.anchor = Some(older.id.clone());
        }
        for id in open {
            let status = match listed.iter().find(|job| job.id == id) {
                Some(status) => Some(status.clone()),
                // So many others were made since that it is not among the newest.
                None => self.status(&id).await?,
            };
            self.heard(&id, status).await?;
        }
        Ok(())
    }

    /// What Klaviyo says about one job; none when it does not know it any more.
    async fn status(&self, id: &str) -> Result<Option<Status>, Failure> {
        match self.caller.patiently(|tenant| async move { tenant.import(id).await }).await {
            Ok(status) => Ok(Some(status)),
            Err(failure) if failure.error.code == Code::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Ends the rows of a job that has ended.
    async fn heard(&mut self, id: &str, status: Option<Status>) -> Result<(), Failure> {
        let (failures, rest) = match &status {
            None => {
                let reason = "Klaviyo does not know its import any more, which it keeps for seven days; it may or may \
                              not have been imported";
                (Vec::new(), Some(Why::new("", reason)))
            }
            Some(status) => {
                let all = status.completed.saturating_add(status.failed) >= status.total;
                let rest = match &status.status {
                    JobStatus::Complete => None,
                    JobStatus::Cancelled => {
                        Some(Why::new("", "its import was stopped in Klaviyo; it may not have been imported"))
                    }
                    // A word for the end that is not known here.
                    JobStatus::Other(_) if all && status.finished.is_some() => None,
                    JobStatus::Queued | JobStatus::Processing | JobStatus::Other(_) => return Ok(()),
                };
                let failures = if status.failed > 0 {
                    self.caller.patiently(|tenant| async move { tenant.import_failures(id).await }).await?
                } else {
                    Vec::new()
                };
                let told = u32::try_from(failures.len()).unwrap_or(u32::MAX);
                (failures, rest.or_else(|| untold(status.failed, told)))
            }
        };
        for batch in &mut self.under_way {
            if let Some(place) = batch.jobs.iter().position(|job| job.id == id) {
                let job = batch.jobs.swap_remove(place);
                end_job(batch, &job.rows, &failures, rest);
                break;
            }
        }
        Ok(())
    }

    /// Gives the consents of batches whose imports have ended, and reports those that have ended whole.
    async fn end_batches(&mut self) -> Result<(), Failure> {
        if let Way::Consent(consent) = self.settings.way.clone() {
            for place in 0..self.under_way.len() {
                let is_ready = |batch: &&mut Batch| batch.jobs.is_empty() && !batch.granted;
                if let Some(batch) = self.under_way.get_mut(place).filter(is_ready) {
                    let grants = Grants {
                        caller: &self.caller,
                        journal: &mut self.journal,
                        past: &self.past,
                        progress: &self.progress,
                        consent: &consent,
                        list: self.settings.list.as_deref(),
                    };
                    grants.give(batch).await?;
                }
            }
        }
        let consents = matches!(self.settings.way, Way::Consent(_));
        while let Some(batch) =
            self.under_way.pop_front_if(|batch| batch.jobs.is_empty() && (batch.granted || !consents))
        {
            self.finish(batch)?;
        }
        let jobs = self.under_way.iter().map(|batch| batch.jobs.len()).sum();
        self.tell(jobs);
        Ok(())
    }

    /// Shows how far it is, with so many jobs under way.
    pub(super) fn tell(&mut self, jobs: usize) {
        let bytes = self.past.finished.as_ref().map_or(0, |last| last.bytes);
        self.progress.update(self.batches.taken(), self.ledger.counts, bytes, jobs);
    }

    /// Writes a batch to the report. What has not ended otherwise is done.
    pub(super) fn finish(&mut self, mut batch: Batch) -> Result<(), Failure> {
        let before = self.ledger.counts;
        for (place, (line, outcome)) in std::mem::take(&mut batch.rows).into_iter().enumerate() {
            self.ledger.write(line, &outcome.unwrap_or_else(|| batch.done(place)))?;
        }
        let counts = self.ledger.counts;
        let finished = Finished {
            batch: batch.number,
            end: batch.end,
            bytes: batch.place.bytes,
            sha256: hex(&batch.place),
            report: self.ledger.keep()?,
            done: counts.done - before.done,
            refused: counts.refused - before.refused,
            failed: counts.failed - before.failed,
            warned: counts.warned - before.warned,
        };
        self.journal.finished(finished.clone())?;
        self.past.finished = Some(finished);
        Ok(())
    }

    /// Reports all rows that have not ended as failed, since nothing more will happen to them.
    pub(super) async fn give_up(&mut self, reason: &str) -> Result<(), Failure> {
        let failed = |how: &str| Outcome::Failed(Why::new("", format!("it {how}: {reason}")));
        let not_sent = || failed("was not sent");
        while let Some(batch) = self.under_way.pop_front() {
            let is_tried = batch.is_tried;
            for (line, outcome) in batch.rows {
                let left = || if is_tried { failed("may have been sent") } else { not_sent() };
                self.ledger.write(line, &outcome.unwrap_or_else(left))?;
            }
        }
        let in_hand = self.batches.in_hand();
        for row in in_hand {
            self.leave(row, not_sent())?;
        }
        while let Some(row) = self.batches.leftover().await? {
            self.leave(row, not_sent())?;
        }
        self.ledger.keep()?;
        Ok(())
    }

    fn leave(&mut self, row: Row, outcome: Outcome) -> Result<(), Failure> {
        if row.is_blank {
            return Ok(());
        }
        let outcome = row.contact.err().map_or(outcome, Outcome::Refused);
        self.ledger.write(row.line, &outcome)
    }

    /// Keeps a batch so that it is told about if the sync stops.
    pub(super) fn keep(&mut self, batch: Batch) {
        self.under_way.push_back(batch);
    }
}

/// Gives the consents of one batch.
struct Grants<'a> {
    caller: &'a Caller,
    journal: &'a mut Journal,
    past: &'a Past,
    progress: &'a Progress,
    consent: &'a Consent,
    list: Option<&'a str>,
}

impl Grants<'_> {
    async fn give(self, batch: &mut Batch) -> Result<(), Failure> {
        let Self { caller, journal, past, progress, consent, list } = self;
        for (chunk, Chunk { rows, source }) in std::mem::take(&mut batch.chunks).into_iter().enumerate() {
            let options = consent.options(source.as_deref());
            let options = &options;
            let rows: Vec<usize> = rows.into_iter().filter(|row| !batch.has_ended(*row)).collect();
            if rows.is_empty() {
                continue;
            }
            if let Some(granted) = past.granted.get(&(batch.number, chunk)) {
                end_chunk(batch, &rows, granted);
                continue;
            }
            batch.is_tried = true;
            let mut granted = Granted { batch: batch.number, chunk, refused: Vec::new(), rejected: None };
            // Whose consent is left to give.
            let mut asked = rows.clone();
            let mut patience = caller.patience();
            while !asked.is_empty() {
                let people: Vec<Subscription> =
                    asked.iter().filter_map(|row| batch.subscriptions.get(row).cloned()).collect();
                let people = people.as_slice();
                let given = caller
                    .once(|tenant| async move { tenant.grant_consent(people, list, options).await })
                    .await;
                let failure = match given {
                    Ok(outcome) => {
                        for warning in &outcome.warnings {
                            progress.say(&format!("! {warning}"));
                        }
                        granted.refused.extend(refused(&asked, &outcome.refused));
                        let Some(error) = outcome.stopped else { break };
                        leave_out(&mut asked, &outcome.refused);
                        // Klaviyo named so many one after the other; there may be more.
                        if error.code == Code::Rejected && !outcome.refused.is_empty() {
                            continue;
                        }
                        Failure::stopped(Box::new(error))
                    }
                    Err(failure) => failure,
                };
                if matches!(failure.error.code, Code::Rejected | Code::Conflict | Code::InvalidInput) {
                    granted.rejected = Some(failure.error.message);
                    break;
                }
                if let Err(failure) = caller.pause(&mut patience, failure).await {
                    // Who was refused is known, whatever becomes of the others.
                    end_chunk(batch, &rows, &granted);
                    return Err(failure);
                }
            }
            journal.granted(granted.clone())?;
            end_chunk(batch, &rows, &granted);
        }
        batch.granted = true;
        batch.subscriptions.clear();
        Ok(())
    }
}

fn end_chunk(batch: &mut Batch, rows: &[usize], granted: &Granted) {
    for (row, why) in granted.refused.iter().map(remembered) {
        batch.end_row(row, Outcome::Refused(why));
    }
    if let Some(reason) = &granted.rejected {
        for row in rows {
            batch.end_row(*row, Outcome::Failed(Why::new("", reason.clone())));
        }
    }
}

/// What is journaled of refusals; `rows` are those that they are about, by position in `good`.
fn refused(rows: &[usize], refused: &[Refusal]) -> Vec<Refused> {
    let of = |refusal: &Refusal| {
        let row = rows.get(usize::try_from(refusal.index).ok()?)?;
        Some(noted(&(*row, Why::of(&refusal.reason))))
    };
    refused.iter().filter_map(of).collect()
}

/// Leaves the refused out of what a call was about.
fn leave_out<T>(items: &mut Vec<T>, refused: &[Refusal]) {
    let refused: BTreeSet<u32> = refused.iter().map(|refusal| refusal.index).collect();
    let mut index = 0..u32::MAX;
    items.retain(|_| index.next().is_none_or(|index| !refused.contains(&index)));
}

/// When Klaviyo counts more failures than it tells of.
fn untold(failed: u32, told: u32) -> Option<Why> {
    let reason = "Klaviyo could not import all contacts of its import, and does not say of each whether it is one of \
                  them; sync it again";
    (told < failed).then(|| Why::new("", reason))
}

/// Ends the rows of a job. What failed by no known row may be any of them.
fn end_job(batch: &mut Batch, rows: &[usize], failures: &[ImportFailure], mut rest: Option<Why>) {
    for failure in failures {
        let why = Why::of(&failure.reason);
        match failure.row.and_then(|row| rows.get(usize::try_from(row).ok()?)) {
            Some(row) => batch.end_row(*row, Outcome::Failed(why)),
            None => {
                rest.get_or_insert_with(|| {
                    let reason = format!(
                        "Klaviyo could not import a contact of its import, and does not say which: {}; sync it again",
                        why.reason
                    );
                    Why::new("", reason)
                });
            }
        }
    }
    if let Some(why) = rest {
        for row in rows {
            batch.end_row(*row, Outcome::Failed(why.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn failed(failures: &[ImportFailure], rest: Option<Why>) -> Vec<usize> {
        let rows = (0..5).map(|line| (line, (line == 0).then(|| Outcome::Refused(Why::default())))).collect();
        let mut batch = Batch { rows, good: vec![1, 2, 3, 4], ..Batch::default() };
        end_job(&mut batch, &[1, 2, 3], failures, rest);
        (0..4).filter(|good| batch.has_ended(*good)).collect()
    }

    #[test]
    fn what_failed_is_told_and_what_may_have_failed_is_not_done() {
        assert!(failed(&[], None).is_empty());
        assert_eq!(failed(&[failure(Some(1))], None), [2]);
        assert_eq!(failed(&[failure(Some(0)), failure(Some(2))], None), [1, 3]);
        assert_eq!(failed(&[failure(None)], None), [1, 2, 3]);
        assert_eq!(failed(&[failure(Some(3))], None), [1, 2, 3]);
        assert_eq!(failed(&[], Some(Why::default())), [1, 2, 3]);
        assert!(failed(&[], untold(2, 2)).is_empty());
        assert_eq!(failed(&[failure(Some(1))], untold(2, 1)), [1, 2, 3]);
    }
}
