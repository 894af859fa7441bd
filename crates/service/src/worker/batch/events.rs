//! The delivery events of a batch. They have no outcomes: Klaviyo keeps one event for each id, so that one that is
//! sent again does no harm, and nobody asks for them.

use super::attempt::{AT_ONCE, Batch, Split, Stop, chunks, split};
use super::item::{Item, dead_letter};
use crate::delivery_event::{self, DeliveryEvent};
use crate::opt_in_flow::Failure;
use crate::outcome::Reason;
use crate::queue::QueueError;
use crate::worker::in_flight::pause;
use crate::worker::settle::Settler;
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_host::Disposition;
use serde::Serialize;

/// How many events Klaviyo takes in one request.
const CHUNK: usize = 1_000;

impl Batch<'_> {
    /// Tracks events, and takes them off the queue.
    pub(super) async fn track(&mut self, items: Vec<Item<DeliveryEvent>>) -> Result<(), Stop> {
        let items = stream::iter(items).map(|item| self.of_last_id(item)).buffered(AT_ONCE);
        let items: Vec<_> = items.try_collect().await?;
        let mut chunks = chunks(items, CHUNK);
        while let Some(chunk) = chunks.pop() {
            self.attempted = chunk.iter().map(|item| item.sequence).collect();
            let events: Vec<&DeliveryEvent> = chunk.iter().map(|item| &item.request).collect();
            match delivery_event::track(self.tenant, &events).await {
                Ok(mut refused) => {
                    for (n, item) in chunk.into_iter().enumerate() {
                        match refused.remove(&n) {
                            Some(reason) => self.give_up(item, reason).await?,
                            None => {
                                self.settler.ended("done", item.sequence);
                                self.settler.in_flight.ack(item.sequence).await?;
                            }
                        }
                    }
                }
                Err(failure) => match split(&failure, chunk)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One(item) => self.failed(item, failure).await?,
                },
            }
        }
        Ok(())
    }

    /// The event of the profile that the person has by now: WhatsApp's id may have changed since the message was sent.
    async fn of_last_id(&self, mut item: Item<DeliveryEvent>) -> Result<Item<DeliveryEvent>, Stop> {
        let Settler { queue, account, .. } = self.settler;
        if let Some(id) = &mut item.request.external_id {
            match queue.last_id(account, id).await {
                Ok(last) => *id = last,
                // Then the event is of the id that WhatsApp has told.
                Err(QueueError::Unreadable(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(item)
    }

    /// An item that has no outcome has failed by itself.
    pub(super) async fn failed<T: Serialize>(&self, item: Item<T>, failure: Failure) -> Result<(), Stop> {
        let is_last = item.attempts >= self.max_attempts.get();
        if failure.disposition == Disposition::GiveUp || is_last {
            return self.give_up(item, failure.reason).await;
        }
        self.settler.in_flight.failed(&[item.sequence]);
        self.settler.in_flight.nak(item.sequence, pause(item.attempts)).await;
        Ok(())
    }

    async fn give_up<T: Serialize>(&self, item: Item<T>, reason: Reason) -> Result<(), Stop> {
        let Item { sequence, key, request, sequences, attempts, .. } = item;
        // It was parsed from JSON and always can be written.
        let message = serde_json::to_vec(&request).unwrap_or_default();
        let body = dead_letter(&message, self.settler.lane, reason, attempts, sequences);
        Ok(self.settler.write_dead_letter(sequence, &key, &body).await?)
    }
}
