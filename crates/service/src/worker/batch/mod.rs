//! A batch of an account's queue, brought to Klaviyo and settled.
//!
//! A failing batch is split and retried until the failing item is alone. So each opt-in ends as if it had
//! been sent by itself, however many were waiting beside it.

mod admission;
mod attempt;
mod consent;
mod enroll;
mod events;
mod import;
mod item;
mod lookup;
mod opt_outs;
mod pending;
mod renamings;
mod resumes;

pub(super) use attempt::{Batch, Stop};

use super::plan::{self, Plan};
use crate::opt_in_flow;
use crate::outcome::Receipt;
use crate::queue::Delivery;
use admission::Admitted;
use attempt::chunks;
use item::Item;
use klaviyo_host::types::Audience;
use pending::AllPending;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{Instrument, debug_span};

impl Batch<'_> {
    /// Works on deliveries, given with how often each was tried, this attempt included. Those without an
    /// outcome when this returns, or is dropped, are still in flight.
    pub(super) async fn work(mut self, deliveries: Vec<(Arc<Delivery>, u32)>) -> Result<(), Stop> {
        let span = debug_span!("klaviyo.batch", account = %self.settler.account, messages = deliveries.len());
        deliveries.iter().for_each(|(delivery, _)| delivery.link(&span));
        let result = self.process(deliveries).instrument(span).await;
        if let Err(Stop::Wait(..)) = &result {
            self.settler.in_flight.failed(&self.attempted);
        }
        result
    }

    async fn process(&mut self, deliveries: Vec<(Arc<Delivery>, u32)>) -> Result<(), Stop> {
        let AllPending { opt_ins, opt_outs, resumes, events, renamings } =
            self.parse_and_dedupe(deliveries).await?;
        // Before the words that have the new ids.
        self.rename(renamings).await?;
        // First: people who have stopped marketing get none while others are brought to Klaviyo.
        self.opt_out(opt_outs).await?;
        self.resume(resumes).await?;
        let mut lists: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for item in opt_ins {
            lists.entry(item.request.list.clone()).or_default().push(item);
        }
        for (list, items) in lists {
            self.process_list(&list, items).await?;
        }
        self.track(events).await
    }

    /// The opt-ins to one list.
    async fn process_list(&mut self, list: &str, items: Vec<Item>) -> Result<(), Stop> {
        self.attempted = items.iter().map(|item| item.sequence).collect();
        let list = match opt_in_flow::find_list(self.tenant, list).await {
            Ok(list) => list,
            Err(failure) => {
                // That a list does not exist is the fault of the opt-ins; any other failure can be the
                // account's.
                let failed = items.into_iter().map(|item| (item, Err(failure.clone())));
                return self.end::<_, Receipt>(failed.collect()).await;
            }
        };
        let items = items.into_iter().map(|item| (item, ())).collect();
        let Admitted { members, superseded } = self.admit(items, &list.id).await?;
        self.take_back(superseded).await?;
        let mut by_limit: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
        for (item, ()) in members {
            // A message that was delivered often and never settled may be one that kills workers.
            by_limit.entry(plan::batch_limit(item.attempts.max(item.deliveries))).or_default().push(item);
        }
        for (limit, items) in by_limit.into_iter().rev() {
            for batch in chunks(items, limit) {
                self.attempted = batch.iter().map(|item| item.sequence).collect();
                self.process_batch(batch, &list).await?;
            }
        }
        Ok(())
    }

    /// The opt-ins to one list that are brought to Klaviyo together, in the way that takes the fewest
    /// requests.
    async fn process_batch(&self, items: Vec<Item>, list: &Audience) -> Result<(), Stop> {
        let (completing, mut others): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| item.request.completes);
        self.one_by_one(completing, list).await?;
        if others.is_empty() {
            return Ok(());
        }
        let plan = Plan::of(others.len());
        self.settler.status.planned(plan);
        if plan == Plan::LookedUp {
            others = self.import_absent(others, list).await?;
        }
        self.enroll(others, list).await
    }
}
