//! Opt-ins that the connector does together.

use super::admission::Admitted;
use super::attempt::{Batch, Split, Stop, chunks, split};
use super::item::Item;
use crate::opt_in_flow::{self, Failure};
use crate::outcome::Receipt;
use klaviyo_host::types::{Audience, Enrollment, NewProfile};
use std::collections::BTreeMap;

/// How many people are opted in by one call. Each can take a lookup and a creation, and the call may make as many
/// requests as the host allows.
const CHUNK: usize = 500;

impl Batch<'_> {
    /// Opts people in and settles them. Whom Klaviyo refuses is tried alone: the outcome then says why, as if nobody
    /// had been beside.
    pub(super) async fn enroll(&self, items: Vec<Item>, list: &Audience) -> Result<(), Stop> {
        // The people of a call give the same consent.
        let mut permissions: BTreeMap<_, Vec<Item>> = BTreeMap::new();
        for item in items {
            let key = (item.request.consent.clone(), item.request.consent_source.clone());
            permissions.entry(key).or_default().push(item);
        }
        let mut chunks: Vec<_> = permissions.into_values().flat_map(|items| chunks(items, CHUNK)).collect();
        while let Some(chunk) = chunks.pop() {
            let given = |item: &Item| (item.request.consent.clone(), item.request.consent_source.clone());
            let before = chunk.first().map(given);
            let chunk = chunk.into_iter().map(|item| (item, ())).collect();
            let (pass, Admitted { members, superseded }) = self.pass(chunk, &list.id).await?;
            let (chunk, others): (Vec<Item>, Vec<Item>) =
                members.into_iter().map(|(item, ())| item).partition(|item| Some(given(item)) == before);
            // Those who give less now are opted in with others who give the same.
            chunks.extend(others.into_iter().map(|item| vec![item]));
            if chunk.is_empty() {
                drop(pass);
                self.take_back(superseded).await?;
                continue;
            }
            let contacts: Vec<NewProfile> = chunk.iter().map(|item| item.request.contact()).collect();
            let permission = chunk.first().and_then(|item| item.request.permission());
            let answer = self.tenant.opt_in_many(&contacts, &list.id, permission.as_ref()).await;
            drop(pass);
            self.take_back(superseded).await?;
            let (outcomes, failure) = match answer {
                Ok(answer) => {
                    let stopped = answer.value.stopped.map(Failure::by_connector);
                    (answer.value.outcomes, stopped)
                }
                Err(error) => (Vec::new(), Some(Failure::from(&error))),
            };
            let (mut done, mut alone, mut pending) = (Vec::new(), Vec::new(), Vec::new());
            let mut outcomes = outcomes.into_iter();
            for item in chunk {
                match outcomes.next() {
                    Some(Enrollment::Enrolled(receipt)) => {
                        let receipt = opt_in_flow::receipt(&item.request, list, receipt);
                        done.push((item, receipt));
                    }
                    Some(Enrollment::Refused(_)) => alone.push(item),
                    Some(Enrollment::Pending) | None => pending.push(item),
                }
            }
            self.end(done).await?;
            match failure {
                // Whoever was tried too often is given up, and the others wait.
                Some(failure) if !pending.is_empty() && Stop::by(&failure).is_some() => {
                    let ended = pending.into_iter().map(|item| (item, Err(failure.clone())));
                    self.end::<_, Receipt>(ended.collect()).await?;
                }
                Some(failure) if !pending.is_empty() => match split(&failure, pending)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One(item) => alone.push(item),
                },
                _ => alone.extend(pending),
            }
            self.one_by_one(alone, list).await?;
        }
        Ok(())
    }
}
