//! The resumes of a batch: they give back what opt-outs took, and nothing more.

use super::attempt::{AT_ONCE, Batch, Split, Stop, chunks, split};
use super::item::{Ended, Item};
use crate::moment::Moment;
use crate::opt_in_flow::Failure;
use crate::opt_out::Resume;
use crate::opt_out_flow::{self, Returned};
use crate::outcome::ResumeReceipt;
use crate::queue::{QueueError, Thing};
use crate::worker::in_flight::pause;
use crate::worker::settle::Settler;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use tracing::warn;

/// How many people get something back in one call.
const CHUNK: usize = 100;

impl Batch<'_> {
    /// Gives people back what the opt-outs before took, and settles their resumes.
    pub(super) async fn resume(&mut self, items: Vec<Item<Resume>>) -> Result<(), Stop> {
        self.attempted.extend(items.iter().map(|item| item.sequence));
        let noted = stream::iter(items).map(|item| self.note_resume(item));
        let noted: Vec<_> = noted.buffered(AT_ONCE).try_collect().await?;
        // A call gives the same to all of its people.
        let mut groups: BTreeMap<BTreeSet<Thing>, Vec<Item<Resume>>> = BTreeMap::new();
        for (things, item) in noted.into_iter().flatten() {
            groups.entry(things).or_default().push(item);
        }
        let nothing = groups.remove(&BTreeSet::new()).unwrap_or_default();
        self.end(nothing.into_iter().map(|item| (item, Ok(ResumeReceipt::default()))).collect()).await?;
        for (things, items) in groups {
            let mut chunks = chunks(items, CHUNK);
            while let Some(chunk) = chunks.pop() {
                let people: Vec<&Resume> = chunk.iter().map(|item| &item.request).collect();
                let pass = self.gate.enter().await;
                let returned = opt_out_flow::resume(self.tenant, &people, &things).await;
                drop(pass);
                match returned {
                    Ok(returned) => {
                        let ended = chunk
                            .into_iter()
                            .zip(returned)
                            .map(|(item, returned)| self.returned(item, returned));
                        let ended = stream::iter(ended.collect::<Vec<_>>()).buffered(AT_ONCE);
                        self.end(ended.try_collect().await?).await?;
                    }
                    Err(failure) => match split(&failure, chunk)? {
                        Split::Halves(halves) => chunks.extend(halves),
                        Split::One(item) => self.end::<_, ResumeReceipt>(vec![(item, Err(failure))]).await?,
                    },
                }
            }
        }
        Ok(())
    }

    /// Notes a resume as a word of its person, and says what it gives back. None: that cannot be done now, and the
    /// resume is back in the queue.
    async fn note_resume(
        &self,
        mut item: Item<Resume>,
    ) -> Result<Option<(BTreeSet<Thing>, Item<Resume>)>, Stop> {
        let at = item.request.at.unwrap_or(item.accepted);
        let Settler { queue, account, .. } = self.settler;
        let noted = async {
            if let Some(id) = &mut item.request.external_id {
                *id = queue.last_id(account, id).await?;
            }
            queue.change_person(account, &item.request.identifiers(), |person| person.resume(at)).await
        };
        match noted.await {
            Ok(things) => Ok(Some((things, item))),
            Err(error @ QueueError::Unreadable(_)) => {
                warn!(account = %self.settler.account, %error, "a resume is left for later");
                self.settler.in_flight.nak(item.sequence, pause(item.attempts)).await;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes what a person has again.
    async fn returned(
        &self,
        item: Item<Resume>,
        returned: Result<Returned, Failure>,
    ) -> Result<Ended<Resume, ResumeReceipt>, Stop> {
        let Returned { profile_id, things, warnings } = match returned {
            Ok(returned) => returned,
            Err(failure) => return Ok((item, Err(failure))),
        };
        let (at, now) = (item.request.at.unwrap_or(item.accepted), Moment::now());
        let identifiers = item.request.identifiers();
        let known = self.settler.queue.change_person(self.settler.account, &identifiers, |person| {
            person.gave_back(&things, at, now);
        });
        known.await?;
        let mut receipt = ResumeReceipt { profile_id, warnings, ..ResumeReceipt::default() };
        for thing in things {
            match thing {
                Thing::Channel(channel) => receipt.consent.push(channel),
                Thing::List(list) => receipt.lists.push(list),
            }
        }
        Ok((item, Ok(receipt)))
    }
}
