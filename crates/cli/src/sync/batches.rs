//! The rows of an input, in portions that Klaviyo takes at once.

use super::frame::Place;
use super::input::{Row, Rows};
use super::journal::{Past, Planned, Sent, hex, remembered};
use super::mapping::Contact;
use super::outcome::{Outcome, Why};
use super::rehearsal::Rehearsal;
use super::settings::{Part, Settings, Way};
use crate::failure::Failure;
use klaviyo_host::types::{NewProfile, Subscription};
use std::collections::BTreeMap;

/// Klaviyo's limit on a request, which the connector keeps to.
const REQUEST_BYTES: usize = 5_000_000;
/// So many refused rows are enough for a batch: they are kept until it ends.
const REFUSED: usize = 20_000;
/// How many people one consent is given for at once.
pub(super) const CHUNK: usize = 1_000;

/// Rows that are sent, resumed and reported together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) number: usize,
    /// All rows, in the order of the input: the line, and what has become of it.
    pub(super) rows: Vec<(u64, Option<Outcome>)>,
    /// The places of the good ones among them.
    pub(super) good: Vec<usize>,
    /// What there is to say of those that will be done, by place.
    pub(super) warnings: BTreeMap<usize, Why>,
    /// What goes into an import.
    pub(super) import: Import,
    /// The import of those that do not consent, where others do. They are members of the list, and those who consent
    /// become members by that.
    pub(super) members: Import,
    /// Who consents, by position in `good`, where that is what the sync is about.
    pub(super) subscriptions: BTreeMap<usize, Subscription>,
    /// The calls that give these consents.
    pub(super) chunks: Vec<Chunk>,
    /// The imports that Klaviyo has not ended.
    pub(super) jobs: Vec<Job>,
    /// Whether all consents were given.
    pub(super) granted: bool,
    /// Whether an earlier run planned it, and may have sent it.
    pub(super) is_planned: bool,
    /// Whether this run may have sent something of it.
    pub(super) is_tried: bool,
    /// The number of rows of the input up to its last, and what they are.
    pub(super) end: u64,
    pub(super) place: Place,
}

/// Contacts that are imported together.
#[derive(Debug, Default)]
pub(super) struct Import {
    /// Until they are submitted.
    pub(super) contacts: Vec<NewProfile>,
    /// Whose they are, by position in the good rows.
    pub(super) rows: Vec<usize>,
}

/// Consents that are given at once: those of one source.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Whose, by position in the good rows.
    pub(super) rows: Vec<usize>,
    /// Where they were given; none is that of all.
    pub(super) source: Option<String>,
}

/// An import under way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: String,
    /// Its rows, by position in `good`.
    pub(super) rows: Vec<usize>,
}

/// What makes batches of rows.
pub(super) struct Batches {
    rows: Rows,
    pub(super) rehearsal: Rehearsal,
    settings: Settings,
    /// Rows of the batch that is being made.
    hand: Vec<Row>,
    /// How many rows were taken from the input.
    taken: u64,
    next: usize,
    /// What was planned by an earlier run.
    planned: BTreeMap<usize, Planned>,
    places: BTreeMap<u64, (u64, String)>,
    last: Place,
}

impl Batches {
    pub(super) fn new(rows: Rows, rehearsal: Rehearsal, settings: Settings, past: &Past) -> Self {
        Self {
            rows,
            rehearsal,
            settings,
            hand: Vec::new(),
            taken: 0,
            next: past.finished.as_ref().map_or(0, |last| last.batch + 1),
            planned: past.planned.clone(),
            places: past.places(),
            last: Place::default(),
        }
    }

    /// How long the input is.
    pub(super) fn length(&self) -> Option<u64> {
        self.rows.length
    }

    /// How many rows were read.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Passes over rows that have ended.
    pub(super) async fn skip(&mut self, end: u64) -> Result<(), Failure> {
        while self.taken < end {
            if self.take().await?.is_none() {
                return Err(changed("it has fewer rows now"));
            }
        }
        Ok(())
    }

    /// The rest of a sync that has ended must be nothing.
    pub(super) async fn expect_end(&mut self) -> Result<(), Failure> {
        match self.take().await? {
            None => Ok(()),
            Some(_) => Err(changed("it has more rows now")),
        }
    }

    /// Takes a row, and looks whether it is the one that it was.
    async fn take(&mut self) -> Result<Option<Row>, Failure> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        self.taken += 1;
        self.last = row.place;
        if let Some((bytes, sha256)) = self.places.get(&self.taken)
            && (*bytes != row.place.bytes || *sha256 != hex(&row.place))
        {
            return Err(changed("it has other contents now"));
        }
        Ok(Some(row))
    }

    async fn take_in_hand(&mut self) -> Result<bool, Failure> {
        let row = self.take().await?;
        let is_some = row.is_some();
        self.hand.extend(row);
        Ok(is_some)
    }

    /// A row that has not ended, when nothing more is sent.
    pub(super) async fn leftover(&mut self) -> Result<Option<Row>, Failure> {
        if self.hand.is_empty() { self.take().await } else { Ok(Some(self.hand.remove(0))) }
    }

    /// Gives the rest up by portions.
    pub(super) fn in_hand(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.hand)
    }

    /// The next batch; none at the end of the input.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        let batch = match self.planned.remove(&self.next) {
            Some(planned) => Some(self.again(&planned).await?),
            None => self.fill().await?,
        };
        self.next += usize::from(batch.is_some());
        Ok(batch)
    }

    /// The next rows, not judged, so many at most; none at the end of the input.
    pub(super) async fn some(&mut self, most: usize) -> Result<Option<(Batch, Vec<Row>)>, Failure> {
        while self.hand.len() < most && self.take_in_hand().await? {}
        if self.hand.is_empty() {
            return Ok(None);
        }
        let rows: Vec<Row> = self.in_hand().into_iter().filter(|row| !row.is_blank).collect();
        let ended = |row: &Row| (row.line, row.contact.clone().err().map(Outcome::Refused));
        let batch = Batch {
            number: self.next,
            rows: rows.iter().map(ended).collect(),
            warnings: (0..)
                .zip(&rows)
                .filter_map(|(place, row)| Some((place, row.contact.as_ref().ok()?.warning()?)))
                .collect(),
            end: self.taken,
            place: self.last,
            ..Batch::default()
        };
        self.next += 1;
        Ok(Some((batch, rows)))
    }

    /// A batch that was planned by an earlier run: the same rows, and the same of them good.
    async fn again(&mut self, planned: &Planned) -> Result<Batch, Failure> {
        while self.taken < planned.end {
            if !self.take_in_hand().await? {
                return Err(changed("it has fewer rows now"));
            }
        }
        let mut rows = self.in_hand();
        self.judge(&mut rows).await?;
        let batch = Batch { is_planned: true, ..self.batch(rows) };
        if (batch.good.len(), batch.import.rows.len(), batch.members.rows.len())
            != (planned.good, planned.import, planned.members)
        {
            return Err(Failure::invalid(
                None,
                "the connector takes other rows for good than it did when this sync began; finish it with the version \
                 that it was begun with, or begin anew with another --state",
            ));
        }
        Ok(batch)
    }

    /// A new batch: as many good rows as one request can have.
    async fn fill(&mut self) -> Result<Option<Batch>, Failure> {
        if self.hand.is_empty() && !self.take_in_hand().await? {
            return Ok(None);
        }
        let size = self.hand.first().map_or(0, |row| self.settings.size(&row.place));
        // The first row in hand is not judged yet.
        let mut judged = 0;
        let mut body = 0;
        loop {
            let good = count(self.hand.get(..judged).unwrap_or_default());
            let refused = judged - good;
            let mut bytes: usize = self.hand.iter().map(bytes).sum();
            let mut candidates = count(self.hand.get(judged..).unwrap_or_default());
            while good + candidates < size
                && bytes < REQUEST_BYTES
                && self.hand.len() - good < refused + REFUSED
            {
                if !self.take_in_hand().await? {
                    break;
                }
                if let Some(row) = self.hand.last() {
                    bytes += self::bytes(row);
                    candidates += usize::from(row.contact.is_ok());
                }
            }
            if self.hand.len() == judged {
                break;
            }
            // Out of the hands while they are looked at, and back however that ends.
            let mut new = self.hand.split_off(judged);
            let result = self.judge(&mut new).await;
            self.hand.append(&mut new);
            body += result?;
            judged = self.hand.len();
            if body > REQUEST_BYTES {
                // Together they may be too large for one request.
                if let Some(place) = self.overflow().await? {
                    let back = self.hand.split_off(place);
                    self.taken -= back.len() as u64;
                    self.rows.give_back(back);
                    break;
                }
                break;
            }
            let good = count(&self.hand);
            if good >= size || self.hand.len() - good >= REFUSED {
                break;
            }
        }
        let rows = self.in_hand();
        Ok(Some(self.batch(rows)))
    }

    /// Lets the connector judge rows: those that are not good are refused. Returns how many bytes of imports the
    /// others take at most.
    async fn judge(&mut self, rows: &mut [Row]) -> Result<usize, Failure> {
        if let Way::Consent(consent) = &self.settings.way {
            let (places, subscriptions): (Vec<usize>, Vec<Subscription>) = (0..)
                .zip(rows.iter())
                .filter_map(|(place, row)| Some((place, consent.subscription(row.contact.as_ref().ok()?)?)))
                .unzip();
            if !places.is_empty() {
                let list = self.settings.list.as_deref();
                let outcome = self.rehearsal.grant(&subscriptions, list, &consent.options).await?;
                self.rehearsal.take();
                refuse(rows, &places, &outcome.refused);
            }
        }
        for part in Part::ALL {
            let places = self.imported(rows, part);
            if !places.is_empty() {
                let submission = self.rehearse(rows, &places, part).await?;
                refuse(rows, &places, &submission.refused);
            }
        }
        Ok(self.rehearsal.take().iter().map(|unsent| unsent.body.len()).sum())
    }

    /// Where among the rows in hand a second request of an import would begin.
    async fn overflow(&mut self) -> Result<Option<usize>, Failure> {
        let mut rows = self.in_hand();
        let mut first: Option<usize> = None;
        let mut result = Ok(());
        for part in Part::ALL {
            let places = self.imported(&rows, part);
            if places.is_empty() {
                continue;
            }
            match self.rehearse(&mut rows, &places, part).await {
                Ok(submission) => {
                    let second = submission.jobs.get(1).and_then(|job| job.rows.first().copied());
                    let place = second.and_then(|row| places.get(row as usize).copied());
                    first = [first, place].into_iter().flatten().min();
                }
                Err(failure) => result = Err(failure),
            }
        }
        self.hand = rows;
        self.rehearsal.take();
        result.map(|()| first)
    }

    async fn rehearse(
        &self,
        rows: &mut [Row],
        places: &[usize],
        part: Part,
    ) -> Result<klaviyo_host::types::Submission, Failure> {
        // Lent, not copied.
        let mut lent: Vec<NewProfile> = Vec::with_capacity(places.len());
        for place in places {
            if let Some(Row { contact: Ok(contact), .. }) = rows.get_mut(*place) {
                lent.push(std::mem::take(&mut contact.profile));
            }
        }
        let result = self.rehearsal.import(&lent, self.settings.import_list(part)).await;
        for (place, profile) in places.iter().zip(lent) {
            if let Some(Row { contact: Ok(contact), .. }) = rows.get_mut(*place) {
                contact.profile = profile;
            }
        }
        result
    }

    /// The places of the rows that go into an import.
    fn imported(&self, rows: &[Row], part: Part) -> Vec<usize> {
        let wanted =
            |row: &Row| row.contact.as_ref().is_ok_and(|contact| self.settings.part(contact) == Some(part));
        (0..).zip(rows).filter(|(_, row)| wanted(row)).map(|(place, _)| place).collect()
    }

    fn batch(&self, rows: Vec<Row>) -> Batch {
        let place = rows.last().map_or(self.last, |row| row.place);
        let mut batch = Batch { number: self.next, end: self.taken, place, ..Batch::default() };
        let mut sources = Vec::new();
        for row in rows.into_iter().filter(|row| !row.is_blank) {
            let outcome = match row.contact {
                Err(why) => Some(Outcome::Refused(why)),
                Ok(mut contact) => {
                    let (position, part) = (batch.good.len(), self.settings.part(&contact));
                    batch.good.push(batch.rows.len());
                    if let Some(warning) = contact.warning() {
                        batch.warnings.insert(batch.rows.len(), warning);
                    }
                    if let Way::Consent(consent) = &self.settings.way
                        && let Some(subscription) = consent.subscription(&contact)
                    {
                        batch.subscriptions.insert(position, subscription);
                        let source = contact.consent.take().and_then(|given| given.source);
                        sources.push((position, source));
                    }
                    if let Some(import) = part.map(|part| batch.part(part)) {
                        import.contacts.push(contact.profile);
                        import.rows.push(position);
                    }
                    None
                }
            };
            batch.rows.push((row.line, outcome));
        }
        batch.chunks = chunks(sources);
        batch
    }
}

/// By source, in the order in which these come, so many at once.
fn chunks(people: Vec<(usize, Option<String>)>) -> Vec<Chunk> {
    let mut sources: Vec<Chunk> = Vec::new();
    let mut places: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for (position, source) in people {
        let place = *places.entry(source.clone()).or_insert_with(|| {
            sources.push(Chunk { rows: Vec::new(), source });
            sources.len() - 1
        });
        if let Some(chunk) = sources.get_mut(place) {
            chunk.rows.push(position);
        }
    }
    let portions = |chunk: Chunk| -> Vec<Chunk> {
        let portion = |rows: &[usize]| Chunk { rows: rows.to_vec(), source: chunk.source.clone() };
        chunk.rows.chunks(CHUNK).map(portion).collect()
    };
    sources.into_iter().flat_map(portions).collect()
}

impl Batch {
    /// What is journaled before it is sent.
    pub(super) fn plan(&self) -> Planned {
        Planned {
            batch: self.number,
            end: self.end,
            bytes: self.place.bytes,
            sha256: hex(&self.place),
            good: self.good.len(),
            import: self.import.rows.len(),
            members: self.members.rows.len(),
        }
    }

    /// What has become of a good row; the first word counts.
    pub(super) fn end_row(&mut self, good: usize, outcome: Outcome) {
        let row = self.good.get(good).and_then(|place| self.rows.get_mut(*place));
        if let Some((_, ended @ None)) = row {
            *ended = Some(outcome);
        }
    }

    /// Whether a good row has ended.
    pub(super) fn has_ended(&self, good: usize) -> bool {
        self.good.get(good).and_then(|place| self.rows.get(*place)).is_some_and(|(_, ended)| ended.is_some())
    }

    /// One of its imports.
    pub(super) fn part(&mut self, part: Part) -> &mut Import {
        match part {
            Part::Contacts => &mut self.import,
            Part::Members => &mut self.members,
        }
    }

    /// What becomes of a row that has not ended differently.
    pub(super) fn done(&mut self, place: usize) -> Outcome {
        Outcome::Done(self.warnings.remove(&place).unwrap_or_default())
    }

    /// An import was submitted.
    pub(super) fn sent(&mut self, part: Part, sent: &Sent) {
        let import = self.part(part);
        import.contacts = Vec::new();
        let rows = import.rows.clone();
        let refused: BTreeMap<usize, Why> = sent.refused.iter().map(remembered).collect();
        let mut rows = rows.into_iter().filter(|row| !refused.contains_key(row));
        let jobs = sent
            .jobs
            .iter()
            .map(|(id, count)| Job { id: id.clone(), rows: rows.by_ref().take(*count).collect() });
        self.jobs.extend(jobs);
        // What was submitted before the rest was rejected is in the jobs.
        let rest: Vec<usize> = rows.collect();
        for (row, why) in refused {
            self.end_row(row, Outcome::Refused(why));
        }
        if let Some(reason) = &sent.rejected {
            for row in rest {
                self.end_row(row, Outcome::Failed(Why::new("", reason.clone())));
            }
        }
    }
}

fn count(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.contact.is_ok()).count()
}

fn bytes(row: &Row) -> usize {
    row.contact.as_ref().map_or(0, Contact::bytes)
}

/// Marks rows that the connector refuses.
fn refuse(rows: &mut [Row], places: &[usize], refused: &[klaviyo_host::types::Refusal]) {
    for refusal in refused {
        let row = places.get(refusal.index as usize).and_then(|place| rows.get_mut(*place));
        if let Some(row) = row {
            row.contact = Err(Why::of(&refusal.reason));
        }
    }
}

fn changed(how: &str) -> Failure {
    Failure::invalid(
        None,
        &format!(
            "the input is not the one that this sync was begun with: {how}; give it the same input, or begin anew with \
             another --state"
        ),
    )
}
