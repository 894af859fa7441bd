//! Tracks the events of an input, batch after batch, from the input to the report.

use crate::engine::caller::Caller;
use crate::engine::submit::leave_out;
use crate::engine::verdict::is_about_contacts;
use crate::error::{Error, Stopped};
use crate::events::records::{EventRecord, Events};
use crate::events::{EventSettings, OpenEvents};
use crate::input::rows::{Row, Rows};
use crate::interrupt::{Interrupt, blocking};
use crate::outcome::{Counts, Reason, RowOutcome};
use crate::report::Report;
use crate::reporter::{Notice, Progress, Reporter};
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, NewEvent};
use std::collections::BTreeSet;

/// How many rows are sent and reported together, or how many bytes.
const ROWS: usize = 1_000;
const BYTES: usize = 4 << 20;

/// Tracks the events of an input, and waits until Klaviyo has accepted them. It works on them later.
///
/// `tenant` is the account, over a connector with [`EventSettings::limits`] at least. The same run again does no
/// harm: Klaviyo keeps one event for one unique id of a metric and a person.
///
/// # Errors
/// Why the run stopped. The rows that were left are reported as failed.
pub async fn track(
    input: OpenEvents,
    settings: &EventSettings,
    tenant: Tenant,
    interrupt: Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<Counts, Error> {
    let path = settings.report.clone();
    let report = blocking(move || Report::open(path.as_deref(), None, Counts::default()));
    let report = interrupt.unless_asked(report).await?;
    let caller = Caller { tenant, interrupt, patience: settings.patience };
    let mut tracking =
        Tracking { caller, rows: input.rows, report, reporter, batch: Vec::new(), read: 0, bytes: 0 };
    match tracking.run().await {
        Ok(()) => Ok(tracking.report.counts),
        Err(error) => Err(tracking.stop(error).await),
    }
}

/// A run.
struct Tracking<'a> {
    caller: Caller,
    rows: Rows<EventRecord>,
    report: Report,
    reporter: &'a mut dyn Reporter,
    /// The rows under way.
    batch: Vec<EventRow>,
    /// How many rows were read, and up to which byte of the input.
    read: u64,
    bytes: u64,
}

/// A row under way.
struct EventRow {
    line: u64,
    /// The event, until its outcome is known.
    event: Option<NewEvent>,
    /// What was left out of it.
    warnings: Vec<Reason>,
    /// Whether it may have been sent.
    is_tried: bool,
    /// Its outcome, unless it is done.
    fate: Option<RowOutcome>,
}

impl EventRow {
    fn new(row: Row<EventRecord>) -> Self {
        let line = row.line;
        match row.record {
            Ok(EventRecord { event, warnings }) => {
                Self { line, event: Some(event), warnings, is_tried: false, fate: None }
            }
            Err(reason) => Self {
                line,
                event: None,
                warnings: Vec::new(),
                is_tried: false,
                fate: Some(RowOutcome::Refused(reason)),
            },
        }
    }

    fn end(&mut self, outcome: RowOutcome) {
        self.event = None;
        self.fate.get_or_insert(outcome);
    }

    fn outcome(self) -> RowOutcome {
        let warning = if self.warnings.is_empty() { Reason::default() } else { Reason::all(&self.warnings) };
        self.fate.unwrap_or(RowOutcome::Done(warning))
    }
}

impl Tracking<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let interrupt = self.caller.interrupt.clone();
        loop {
            interrupt.unless_asked(self.fill()).await?;
            if self.batch.is_empty() {
                self.report.keep()?;
                return Ok(());
            }
            self.send_batch().await?;
            for row in std::mem::take(&mut self.batch) {
                self.end(row.line, &row.outcome())?;
            }
            self.reporter.progress(&Progress {
                read: self.read,
                counts: self.report.counts,
                bytes: self.bytes,
                jobs: 0,
            });
        }
    }

    /// Reads the next rows.
    async fn fill(&mut self) -> Result<(), Error> {
        let mut bytes = 0;
        while self.batch.len() < ROWS && bytes < BYTES {
            let Some(row) = self.rows.next().await? else { break };
            (self.read, self.bytes) = (self.read + 1, row.position.bytes);
            if !row.is_blank {
                bytes += row.record.as_ref().map_or(0, Events::bytes);
                self.batch.push(EventRow::new(row));
            }
        }
        Ok(())
    }

    /// Sends the events of the batch. Klaviyo takes no two with one unique id in one request, also when they are
    /// of different metrics or people: the second goes in a later call.
    async fn send_batch(&mut self) -> Result<(), Error> {
        loop {
            let mut ids = BTreeSet::new();
            let is_next = |row: &EventRow| {
                row.event.as_ref().is_some_and(|event| {
                    // Events without an id are refused, all at once.
                    event.unique_id.is_empty() || ids.insert(event.unique_id.clone())
                })
            };
            let next: Vec<bool> = self.batch.iter().map(is_next).collect();
            let rows: Vec<usize> = (0..).zip(next).filter(|(_, next)| *next).map(|(row, _)| row).collect();
            if rows.is_empty() {
                return Ok(());
            }
            self.send(rows).await?;
        }
    }

    /// Sends these rows, until each of them has its outcome.
    async fn send(&mut self, mut rows: Vec<usize>) -> Result<(), Error> {
        let mut backoff = self.caller.backoff();
        while !rows.is_empty() {
            let mut events = Vec::with_capacity(rows.len());
            for row in &rows {
                if let Some(row) = self.batch.get_mut(*row) {
                    row.is_tried = true;
                    events.extend(row.event.clone());
                }
            }
            let events = events.as_slice();
            let sent = self.caller.once(|tenant| async move { tenant.track_many(events).await }).await;
            let error = match sent {
                Ok(result) => {
                    for warning in result.warnings {
                        self.reporter.notice(&Notice::Warning(warning));
                    }
                    for refusal in &result.refused {
                        let row = usize::try_from(refusal.index).ok().and_then(|index| rows.get(index));
                        if let Some(row) = row.and_then(|row| self.batch.get_mut(*row)) {
                            row.end(RowOutcome::Refused(Reason::of(&refusal.reason)));
                        }
                    }
                    leave_out(&mut rows, &result.refused);
                    let Some(error) = result.stopped else { break };
                    // Klaviyo named so many one after the other; there may be more.
                    if error.code == Code::Rejected && !result.refused.is_empty() {
                        continue;
                    }
                    Error::from(Box::new(error))
                }
                Err(error) => error,
            };
            if is_about_contacts(error.code()) {
                let failed = RowOutcome::Failed(Reason::new("", error.error.message));
                self.each(&rows, |row| row.end(failed.clone()));
                return Ok(());
            }
            backoff.pause(error).await?;
        }
        self.each(&rows, |row| row.event = None);
        Ok(())
    }

    fn each(&mut self, rows: &[usize], mut work: impl FnMut(&mut EventRow)) {
        for row in rows {
            if let Some(row) = self.batch.get_mut(*row) {
                work(row);
            }
        }
    }

    fn end(&mut self, line: u64, outcome: &RowOutcome) -> Result<(), Error> {
        self.reporter.row(line, outcome);
        self.report.write(line, outcome)
    }

    /// Ends a run that stopped: its other rows are reported as failed.
    async fn stop(mut self, mut error: Error) -> Error {
        let reason = error.error.message.clone();
        let interrupt = self.caller.interrupt.clone();
        let given_up = tokio::select! {
            given_up = self.give_up(&reason) => given_up,
            // A pipe may never end.
            () = interrupt.insisted() => Ok(()),
        };
        let incomplete_report = given_up.err().map(|error| error.error.message);
        let counts = self.report.counts;
        error.error.done = u32::try_from(counts.done).unwrap_or(u32::MAX);
        error.stopped = Some(Stopped { counts, incomplete_report });
        error
    }

    async fn give_up(&mut self, reason: &str) -> Result<(), Error> {
        let failed = |is_tried: bool| {
            let how = if is_tried { "may have been sent" } else { "was not sent" };
            RowOutcome::Failed(Reason::new("", format!("it {how}: {reason}")))
        };
        loop {
            for mut row in std::mem::take(&mut self.batch) {
                if row.event.is_some() {
                    row.end(failed(row.is_tried));
                }
                self.end(row.line, &row.outcome())?;
            }
            self.fill().await?;
            if self.batch.is_empty() {
                self.report.keep()?;
                return Ok(());
            }
        }
    }
}
