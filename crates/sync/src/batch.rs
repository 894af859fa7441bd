//! A batch: rows that are sent, resumed and reported together.

pub(crate) mod batches;
pub(crate) mod judge;
pub(crate) mod routing;

use crate::batch::routing::{Mode, Part, Routing};
use crate::contact::Contact;
use crate::decode::lookahead::Position;
use crate::input::rows::Row;
use crate::outcome::{Reason, RowOutcome};
use crate::state::steps::{Planned, Refused, Sent};
use klaviyo_host::types::{ConsentOptions, NewProfile, Subscription};
use std::collections::{BTreeMap, BTreeSet};

/// How many people one consent is given for at once.
const CHUNK: usize = 1_000;

/// Rows that are sent, resumed and reported together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) number: usize,
    /// All rows but blank ones, in the order of the input. The other fields name a row by its index here.
    pub(crate) rows: Vec<BatchRow>,
    /// The rows that were good when the batch was made. The state names a row by its position among them.
    pub(crate) good: Vec<usize>,
    /// The rows of the import.
    import: Vec<usize>,
    /// The rows of the import of those who do not consent, where others do. They are members of the list, and
    /// those who consent become members by their consent.
    members: Vec<usize>,
    /// The calls that will give consent.
    pub(crate) chunks: Vec<Chunk>,
    /// The imports that Klaviyo is working on.
    pub(crate) jobs: Vec<Job>,
    /// Whether all consents were given.
    pub(crate) granted: bool,
    /// Whether an earlier run planned the batch, and may have submitted it.
    pub(crate) may_be_taken: bool,
    /// Whether this run may have sent a part of it.
    pub(crate) is_tried: bool,
    /// The number of rows of the input up to its last.
    pub(crate) end: u64,
    /// The position of the input after its last row.
    pub(crate) position: Position,
}

/// A row of a batch.
#[derive(Debug)]
pub(crate) struct BatchRow {
    pub(crate) line: u64,
    /// The contact, as long as something of it is to be sent or said. It is boxed, as the outcome is, because
    /// most rows of a batch under way have neither: a sync has some 300,000 rows under way.
    contact: Option<Box<Contact>>,
    /// Its outcome, once it has ended.
    fate: Option<Box<RowOutcome>>,
}

/// Consents that one call gives: those from one source.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) rows: Vec<usize>,
    /// The source; none is the source that the settings name.
    pub(crate) source: Option<String>,
}

/// An import under way.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) rows: Vec<usize>,
}

impl Chunk {
    /// The options of its call, by those of the sync.
    pub(crate) fn options(&self, of_sync: &ConsentOptions) -> ConsentOptions {
        let custom_source = self.source.clone().or_else(|| of_sync.custom_source.clone());
        ConsentOptions { custom_source, ..of_sync.clone() }
    }
}

impl BatchRow {
    fn new(row: Row<Box<Contact>>) -> Self {
        match row.record {
            Ok(contact) => Self { line: row.line, contact: Some(contact), fate: None },
            Err(reason) => {
                Self { line: row.line, contact: None, fate: Some(Box::new(RowOutcome::Refused(reason))) }
            }
        }
    }

    /// Takes the profile to send it. The addresses stay if a consent is given to them afterwards.
    pub(crate) fn take_profile(&mut self) -> Option<NewProfile> {
        let contact = self.contact.as_mut()?;
        let profile = std::mem::take(&mut contact.profile);
        if contact.consent.is_some() {
            contact.profile.email.clone_from(&profile.email);
            contact.profile.phone_number.clone_from(&profile.phone_number);
        } else if contact.warnings.is_empty() {
            self.contact = None;
        }
        Some(profile)
    }

    /// Drops the consent: it was given, or will not be.
    fn drop_consent(&mut self) {
        if let Some(contact) = &mut self.contact {
            contact.consent = None;
            self.take_profile();
        }
    }

    /// The warning of a row that is done.
    pub(crate) fn warning(&self) -> Option<Reason> {
        self.contact.as_ref()?.warning()
    }

    /// Ends the row, unless it has ended.
    pub(crate) fn end(&mut self, outcome: RowOutcome) {
        if self.fate.is_none() {
            self.fate = Some(Box::new(outcome));
            self.contact = None;
        }
    }

    /// The outcome: done, if the row has not ended differently.
    pub(crate) fn outcome(self) -> RowOutcome {
        let warning = self.warning();
        self.fate.map_or_else(|| RowOutcome::Done(warning.unwrap_or_default()), |fate| *fate)
    }
}

impl Batch {
    /// Makes a batch of rows, blank ones among them, with the calls of the mode.
    pub(crate) fn new(
        number: usize,
        rows: Vec<Row<Box<Contact>>>,
        routing: &Routing,
        end: u64,
        position: Position,
    ) -> Self {
        let mut batch = Self { number, end, position, ..Self::default() };
        // Exact, since the batch is under way for long.
        batch.rows.reserve_exact(rows.iter().filter(|row| !row.is_blank).count());
        batch.good.reserve_exact(rows.iter().filter(|row| row.record.is_ok()).count());
        let mut sources = Vec::new();
        for mut row in rows.into_iter().filter(|row| !row.is_blank) {
            let index = batch.rows.len();
            if let Ok(contact) = &mut row.record {
                batch.good.push(index);
                match routing.part(contact) {
                    Some(Part::Contacts) => batch.import.push(index),
                    Some(Part::Members) => batch.members.push(index),
                    None => {}
                }
                if let (Mode::Consent(_), Some(given)) = (&routing.mode, &mut contact.consent) {
                    sources.push((index, given.source.take()));
                }
            }
            batch.rows.push(BatchRow::new(row));
        }
        batch.chunks = chunks(sources);
        batch
    }

    /// The batch for the state, before it is sent.
    pub(crate) fn plan(&self) -> Planned {
        Planned {
            batch: self.number,
            end: self.end,
            bytes: self.position.bytes,
            sha256: self.position.sha256(),
            good: self.good.len(),
            import: self.import.len(),
            members: self.members.len(),
        }
    }

    /// The rows of one of its imports.
    pub(crate) fn part(&self, part: Part) -> &[usize] {
        match part {
            Part::Contacts => &self.import,
            Part::Members => &self.members,
        }
    }

    /// Takes the profiles of one of its imports, with their rows.
    pub(crate) fn take_profiles(&mut self, part: Part) -> (Vec<usize>, Vec<NewProfile>) {
        let (mut rows, mut profiles) = (Vec::new(), Vec::new());
        let all = self.part(part).to_vec();
        // Exact, since a profile is large.
        profiles.reserve_exact(all.len());
        for row in all {
            if let Some(profile) = self.rows.get_mut(row).and_then(BatchRow::take_profile) {
                rows.push(row);
                profiles.push(profile);
            }
        }
        (rows, profiles)
    }

    /// The subscription of a row; none if the person does not consent.
    pub(crate) fn subscription(&self, row: usize) -> Option<Subscription> {
        self.rows.get(row)?.contact.as_ref()?.subscription()
    }

    /// Ends the consents of the batch: all were given, or will not be.
    pub(crate) fn end_grants(&mut self) {
        self.granted = true;
        self.rows.iter_mut().for_each(BatchRow::drop_consent);
    }

    pub(crate) fn end_row(&mut self, row: usize, outcome: RowOutcome) {
        if let Some(row) = self.rows.get_mut(row) {
            row.end(outcome);
        }
    }

    pub(crate) fn has_ended(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|row| row.fate.is_some())
    }

    /// Takes Klaviyo's answer to an import, from this run or an earlier one.
    pub(crate) fn sent(&mut self, part: Part, sent: &Sent) {
        let mut rows = std::mem::take(match part {
            Part::Contacts => &mut self.import,
            Part::Members => &mut self.members,
        });
        for row in &rows {
            // The profiles are not needed any more.
            self.rows.get_mut(*row).map(BatchRow::take_profile);
        }
        let refused = sent.refused.iter().filter_map(|(position, ..)| self.good.get(*position).copied());
        let refused: BTreeSet<usize> = refused.collect();
        rows.retain(|row| !refused.contains(row));
        for (id, count) in &sent.jobs {
            let of_job = rows.drain(..rows.len().min(*count)).collect();
            self.jobs.push(Job { id: id.clone(), rows: of_job });
        }
        // The jobs have the rows that Klaviyo took before it rejected the rest.
        self.end_answered(&rows, &sent.refused, sent.rejected.as_deref());
    }

    /// Ends the rows that Klaviyo refused and, if it rejected the rest of them, the others.
    pub(crate) fn end_answered(&mut self, rows: &[usize], refused: &[Refused], rejected: Option<&str>) {
        for (position, field, reason) in refused {
            if let Some(row) = self.good.get(*position).copied() {
                self.end_row(row, RowOutcome::Refused(Reason::new(field, reason)));
            }
        }
        if let Some(reason) = rejected {
            rows.iter().for_each(|row| self.end_row(*row, RowOutcome::Failed(Reason::new("", reason))));
        }
    }

    /// A refusal for the state.
    pub(crate) fn noted(&self, row: usize, reason: Reason) -> Option<Refused> {
        Some((self.good.binary_search(&row).ok()?, reason.field, reason.reason))
    }
}

/// Groups people by source, in the order in which the sources come, and splits large groups.
fn chunks(people: Vec<(usize, Option<String>)>) -> Vec<Chunk> {
    let mut sources: Vec<Chunk> = Vec::new();
    let mut indexes: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for (row, source) in people {
        let index = *indexes.entry(source.clone()).or_insert_with(|| {
            sources.push(Chunk { rows: Vec::new(), source });
            sources.len() - 1
        });
        if let Some(chunk) = sources.get_mut(index) {
            chunk.rows.push(row);
        }
    }
    let portions = |chunk: Chunk| -> Vec<Chunk> {
        let portion = |rows: &[usize]| Chunk { rows: rows.to_vec(), source: chunk.source.clone() };
        chunk.rows.chunks(CHUNK).map(portion).collect()
    };
    sources.into_iter().flat_map(portions).collect()
}
