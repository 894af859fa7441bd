//! Makes batches of the rows of an input: as many as Klaviyo takes in one request, and the same ones in every
//! run.

use crate::batch::Batch;
use crate::batch::routing::Routing;
use crate::contact::Contact;
use crate::decode::lookahead::Position;
use crate::error::Error;
use crate::input::rows::{Row, Rows};
use crate::state::saved::SavedState;
use crate::state::steps::Planned;
use std::collections::BTreeMap;

/// A batch with so many refused rows is full, since they are kept until it ends.
const REFUSED: usize = 20_000;

/// Makes batches of rows.
pub(crate) struct Batches {
    rows: Rows<Box<Contact>>,
    pub(crate) routing: Routing,
    /// Rows of the batch that is being made.
    pending: Vec<Row<Box<Contact>>>,
    /// How many rows were taken from the input.
    pub(crate) taken: u64,
    /// The number of the next batch.
    next: usize,
    /// The batches that an earlier run planned.
    planned: BTreeMap<usize, Planned>,
    /// The bytes and the SHA-256 of the input up to certain rows, by the number of the row.
    positions: BTreeMap<u64, (u64, String)>,
    last: Position,
}

impl Batches {
    pub(crate) fn new(rows: Rows<Box<Contact>>, routing: Routing, saved: &SavedState) -> Self {
        Self {
            rows,
            routing,
            pending: Vec::new(),
            taken: 0,
            next: saved.finished.as_ref().map_or(0, |last| last.batch + 1),
            planned: saved.planned.clone(),
            positions: saved.positions(),
            last: Position::default(),
        }
    }

    /// Skips rows that have ended.
    pub(crate) async fn skip(&mut self, end: u64) -> Result<(), Error> {
        while self.taken < end {
            if self.take().await?.is_none() {
                return Err(changed("it has fewer rows now"));
            }
        }
        Ok(())
    }

    /// Refuses an input that has rows after the end of a complete sync.
    pub(crate) async fn expect_end(&mut self) -> Result<(), Error> {
        match self.take().await? {
            None => Ok(()),
            Some(_) => Err(changed("it has more rows now")),
        }
    }

    /// Takes a row, and compares the input up to it with that of earlier runs.
    pub(crate) async fn take(&mut self) -> Result<Option<Row<Box<Contact>>>, Error> {
        let Some(row) = self.rows.next().await? else { return Ok(None) };
        self.taken += 1;
        self.last = row.position;
        if let Some((bytes, sha256)) = self.positions.get(&self.taken)
            && (*bytes != row.position.bytes || *sha256 != row.position.sha256())
        {
            return Err(changed("it has other contents now"));
        }
        Ok(Some(row))
    }

    /// Adds a row to the pending ones. Returns whether there was one.
    async fn add_pending(&mut self) -> Result<bool, Error> {
        let row = self.take().await?;
        let is_some = row.is_some();
        self.pending.extend(row);
        Ok(is_some)
    }

    /// The pending rows, when their batch will not be sent.
    pub(crate) fn take_pending(&mut self) -> Vec<Row<Box<Contact>>> {
        std::mem::take(&mut self.pending)
    }

    /// The next batch; none at the end of the input.
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, Error> {
        match self.planned.remove(&self.next) {
            Some(planned) => self.replay(&planned).await.map(Some),
            None => self.fill().await,
        }
    }

    /// A batch of the next rows, so many at most, without asking the connector; none at the end of the input.
    pub(crate) async fn next_unchecked(&mut self, most: usize) -> Result<Option<Batch>, Error> {
        while self.pending.len() < most && self.add_pending().await? {}
        Ok((!self.pending.is_empty()).then(|| self.batch()))
    }

    /// A batch that was planned by an earlier run: the same rows, and the same of them good.
    async fn replay(&mut self, planned: &Planned) -> Result<Batch, Error> {
        while self.taken < planned.end {
            if !self.add_pending().await? {
                return Err(changed("it has fewer rows now"));
            }
        }
        for row in &mut self.pending {
            self.routing.judge(row);
        }
        let mut batch = self.batch();
        batch.may_be_taken = true;
        let plan = batch.plan();
        if (plan.good, plan.import, plan.members) != (planned.good, planned.import, planned.members) {
            return Err(Error::invalid(
                "the connector takes other rows for good than it did when this sync began; finish it with the version \
                 that it was begun with, or begin anew with another --state",
            ));
        }
        Ok(batch)
    }

    /// A new batch: as many good rows as one request can have.
    async fn fill(&mut self) -> Result<Option<Batch>, Error> {
        let room = self.routing.room();
        let (mut size, mut good, mut refused, mut bytes) = (0, 0, 0, 0);
        while let Some(mut row) = self.take().await? {
            self.routing.judge(&mut row);
            if self.pending.is_empty() {
                size = self.routing.size(&row.position);
            }
            bytes += self.bytes(&row);
            if bytes > room && !self.pending.is_empty() {
                self.taken -= 1;
                self.rows.give_back(row);
                break;
            }
            good += usize::from(row.record.is_ok());
            refused += usize::from(row.record.is_err());
            self.pending.push(row);
            if good >= size || refused >= REFUSED {
                break;
            }
        }
        Ok((!self.pending.is_empty()).then(|| self.batch()))
    }

    /// The bytes that a row takes in an import.
    fn bytes(&self, row: &Row<Box<Contact>>) -> usize {
        let imported = row.record.as_ref().ok().filter(|contact| self.routing.part(contact).is_some());
        imported.map_or(0, |contact| contact.bytes)
    }

    /// The pending rows, as a batch.
    fn batch(&mut self) -> Batch {
        let rows = self.take_pending();
        let position = rows.last().map_or(self.last, |row| row.position);
        let number = self.next;
        self.next += 1;
        Batch::new(number, rows, &self.routing, self.taken, position)
    }
}

fn changed(how: &str) -> Error {
    Error::invalid(format!(
        "the input is not the one that this sync was begun with: {how}; give it the same input, or begin anew with another \
         --state"
    ))
}
