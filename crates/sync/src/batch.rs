//! Rows that are sent, resumed and reported together.

use crate::contact::Contact;
use crate::lookahead::Position;
use crate::outcome::{Reason, RowOutcome};
use crate::routing::{Mode, Part, Routing, Terms};
use crate::rows::Row;
use crate::steps::{Planned, Refused, Sent};
use klaviyo_host::types::{NewProfile, Subscription};
use std::collections::BTreeMap;

/// How many people one consent is given for at once.
const CHUNK: usize = 1_000;

/// Rows that are sent, resumed and reported together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) number: usize,
    /// All rows but blank ones, in the order of the input. Elsewhere in the batch a row is known by its index
    /// here.
    pub(crate) rows: Vec<BatchRow>,
    /// The rows that were good when the batch was made. The state knows a row by its position among them.
    pub(crate) good: Vec<usize>,
    /// The rows of the import.
    import: Vec<usize>,
    /// The rows of the import of those who do not consent, where others do. They are members of the list, and
    /// those who consent become members by their consent.
    members: Vec<usize>,
    /// The calls that give consent.
    pub(crate) chunks: Vec<Chunk>,
    /// The imports that Klaviyo has not ended.
    pub(crate) jobs: Vec<Job>,
    /// Whether all consents were given.
    pub(crate) granted: bool,
    /// Whether an earlier run planned it, and may have sent it.
    pub(crate) is_planned: bool,
    /// Whether this run may have sent something of it.
    pub(crate) is_tried: bool,
    /// The number of rows of the input up to its last.
    pub(crate) end: u64,
    /// What the input is up to there.
    pub(crate) position: Position,
}

/// A row of a batch.
#[derive(Debug)]
pub(crate) struct BatchRow {
    line: u64,
    /// What is still to be sent of it, or to be said when it is done. A box, since most rows wait without
    /// one.
    contact: Option<Box<Contact>>,
    /// How it has ended.
    fate: Option<RowOutcome>,
}

/// Consents that are given at once: those of one source.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) rows: Vec<usize>,
    /// Where they were given; none is that of all.
    pub(crate) source: Option<String>,
}

/// An import under way.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) rows: Vec<usize>,
}

impl BatchRow {
    fn new(row: Row) -> Self {
        match row.contact {
            Ok(contact) => Self { line: row.line, contact: Some(Box::new(contact)), fate: None },
            Err(reason) => Self { line: row.line, contact: None, fate: Some(RowOutcome::Refused(reason)) },
        }
    }

    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The profile, to send it. The addresses are kept where a consent is given to them afterwards.
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

    /// The consent was given, or will not be.
    fn drop_consent(&mut self) {
        if let Some(contact) = &mut self.contact {
            contact.consent = None;
            self.take_profile();
        }
    }

    /// What there is to say of it if it is done.
    pub(crate) fn warning(&self) -> Option<Reason> {
        self.contact.as_ref()?.warning()
    }

    /// It ends; the first outcome counts.
    pub(crate) fn end(&mut self, outcome: RowOutcome) {
        if self.fate.is_none() {
            self.fate = Some(outcome);
            self.contact = None;
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.fate.is_some()
    }

    /// How it has ended. It is done if it has not ended differently.
    pub(crate) fn outcome(self) -> RowOutcome {
        let warning = self.warning();
        self.fate.unwrap_or_else(|| RowOutcome::Done(warning.unwrap_or_default()))
    }
}

impl Batch {
    /// Of rows as they come, blank ones among them: the calls are those of the mode.
    pub(crate) fn new(
        number: usize,
        rows: Vec<Row>,
        routing: &Routing,
        end: u64,
        position: Position,
    ) -> Self {
        let mut batch = Self { number, end, position, ..Self::default() };
        let mut sources = Vec::new();
        for mut row in rows.into_iter().filter(|row| !row.is_blank) {
            let index = batch.rows.len();
            if let Ok(contact) = &mut row.contact {
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

    /// What is journaled before it is sent.
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

    /// The rows of one of its imports, and what to send of them.
    pub(crate) fn take_profiles(&mut self, part: Part) -> (Vec<usize>, Vec<NewProfile>) {
        let rows = self.part(part).to_vec();
        let profile = |row: usize| Some((row, self.rows.get_mut(row)?.take_profile()?));
        rows.into_iter().filter_map(profile).unzip()
    }

    /// What is sent of a row that consents.
    pub(crate) fn subscription(&self, row: usize, terms: &Terms) -> Option<Subscription> {
        terms.subscription(self.rows.get(row)?.contact.as_ref()?)
    }

    /// All consents were given, or will not be.
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
        self.rows.get(row).is_some_and(BatchRow::has_ended)
    }

    /// An import was submitted, by this run or an earlier one.
    pub(crate) fn sent(&mut self, part: Part, sent: &Sent) {
        // Nothing is submitted twice.
        let rows = self.part(part).to_vec();
        drop(self.take_profiles(part));
        let refused: BTreeMap<usize, Reason> =
            sent.refused.iter().filter_map(|refused| self.remembered(refused)).collect();
        let mut rows = rows.into_iter().filter(|row| !refused.contains_key(row));
        let jobs = sent
            .jobs
            .iter()
            .map(|(id, count)| Job { id: id.clone(), rows: rows.by_ref().take(*count).collect() });
        self.jobs.extend(jobs);
        // What was submitted before the rest was rejected is in the jobs.
        let rest: Vec<usize> = rows.collect();
        for (row, reason) in refused {
            self.end_row(row, RowOutcome::Refused(reason));
        }
        if let Some(reason) = &sent.rejected {
            for row in rest {
                self.end_row(row, RowOutcome::Failed(Reason::new("", reason.clone())));
            }
        }
    }

    /// A refusal for the state.
    pub(crate) fn noted(&self, row: usize, reason: Reason) -> Option<Refused> {
        Some((self.good.binary_search(&row).ok()?, reason.field, reason.reason))
    }

    /// A refusal from the state.
    pub(crate) fn remembered(&self, (position, field, reason): &Refused) -> Option<(usize, Reason)> {
        Some((*self.good.get(*position)?, Reason::new(field, reason.clone())))
    }
}

/// By source, in the order in which these come, so many at once.
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
