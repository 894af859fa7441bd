//! The ids of people that have changed, and words that come late under an old one. Changes have no outcomes: nobody asks
//! for them, and one that is done again does no harm.

use super::attempt::{Batch, Stop};
use super::item::Item;
use crate::opt_in::OptIn;
use crate::queue::QueueError;
use crate::renaming::{self, Renaming};
use crate::worker::in_flight::pause;
use crate::worker::settle::Settler;
use klaviyo_host::types::Identifier;
use tracing::warn;

impl Batch<'_> {
    /// Lets the words of people, and their profiles, follow to their new ids, and takes the messages off the queue.
    pub(super) async fn rename(&mut self, items: Vec<Item<Renaming>>) -> Result<(), Stop> {
        for item in items {
            self.attempted = vec![item.sequence];
            let ids = match self.follow(&item).await {
                Ok(ids) => ids,
                Err(error @ QueueError::Unreadable(_)) => {
                    warn!(account = %self.settler.account, %error, "a change of an id is left for later");
                    self.settler.in_flight.nak(item.sequence, pause(item.attempts)).await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            // Opt-ins under the old id that are under way look again.
            self.gate.opted_out();
            let pass = self.gate.enter().await;
            let renamed = renaming::rename(self.tenant, &ids).await;
            drop(pass);
            match renamed {
                Ok(()) => {
                    self.settler.ended("done", item.sequence);
                    self.settler.in_flight.ack(item.sequence).await?;
                }
                Err(failure) => match Stop::by(&failure) {
                    Some(stop) => return Err(stop),
                    None => self.failed::<Renaming>(item, failure).await?,
                },
            }
        }
        Ok(())
    }

    /// Lets an opt-in that came late, under an id that has changed since, be about the profile with the last id.
    pub(super) async fn follow_id(&self, opt_in: &mut OptIn) -> Result<(), QueueError> {
        let Some(id) = &mut opt_in.external_id else { return Ok(()) };
        let last = self.settler.queue.last_id(self.settler.account, id).await?;
        if last == *id {
            return Ok(());
        }
        if let Some(properties) = &mut opt_in.properties
            && let Some(renamed) = renaming::renamed(properties, id, &last)
        {
            *properties = renamed;
        }
        *id = last;
        Ok(())
    }

    /// The identifiers of somebody who has said something, with the ids that WhatsApp's has become since: a profile has one
    /// of them.
    pub(super) async fn all_ids(&self, identifiers: Vec<Identifier>) -> Result<Vec<Identifier>, QueueError> {
        let mut all = Vec::with_capacity(identifiers.len());
        for identifier in identifiers {
            match identifier {
                Identifier::ExternalId(id) => {
                    let ids = self.settler.queue.ids_since(self.settler.account, &id).await?;
                    all.extend(ids.into_iter().map(Identifier::ExternalId));
                }
                other => all.push(other),
            }
        }
        Ok(all)
    }

    /// Lets the words of a person follow to the last of the person's ids, and returns these. Before the profile follows: what
    /// comes with the new id is held against the words of the old one.
    async fn follow(&self, item: &Item<Renaming>) -> Result<Vec<Identifier>, QueueError> {
        let Settler { queue, account, .. } = self.settler;
        let ids = queue.note_renaming(&item.request, item.request.at.unwrap_or(item.accepted)).await?;
        let ids: Vec<Identifier> = ids.into_iter().map(Identifier::ExternalId).collect();
        queue.change_person(account, &ids, |_| ()).await?;
        Ok(ids)
    }
}
