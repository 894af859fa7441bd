//! The consent of opt-ins that were imported, for many at once.

use super::admission::Admitted;
use super::attempt::{Batch, Split, Stop, chunks, split};
use super::item::Item;
use crate::opt_in::OptIn;
use crate::opt_in_flow;
use crate::outcome::Receipt;
use klaviyo_host::types::Audience;
use std::collections::BTreeMap;

/// How many people get consent in one call.
const CHUNK: usize = 1_000;

impl Batch<'_> {
    /// Gives members of the list the consent that they gave, and settles them.
    pub(super) async fn consent(&self, members: Vec<(Item, Receipt)>, list: &Audience) -> Result<(), Stop> {
        let (consenting, done): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(item, _)| !item.request.consent.is_empty());
        self.end(done.into_iter().map(|(item, receipt)| (item, Ok(receipt))).collect()).await?;
        // A call has one source for all of its people.
        let mut sources: BTreeMap<Option<String>, Vec<(Item, Receipt)>> = BTreeMap::new();
        for member in consenting {
            sources.entry(member.0.request.consent_source.clone()).or_default().push(member);
        }
        let mut chunks: Vec<_> = sources.into_values().flat_map(|members| chunks(members, CHUNK)).collect();
        while let Some(chunk) = chunks.pop() {
            let (pass, Admitted { members, superseded }) = self.pass(chunk, &list.id).await?;
            let (chunk, without): (Vec<_>, Vec<_>) =
                members.into_iter().partition(|(item, _)| !item.request.consent.is_empty());
            if chunk.is_empty() {
                drop(pass);
                self.end(without.into_iter().map(|(item, receipt)| (item, Ok(receipt))).collect()).await?;
                self.take_back(superseded).await?;
                continue;
            }
            let opt_ins: Vec<&OptIn> = chunk.iter().map(|(item, _)| &item.request).collect();
            let granted = opt_in_flow::grant(self.tenant, &opt_ins, &list.id).await;
            drop(pass);
            self.end(without.into_iter().map(|(item, receipt)| (item, Ok(receipt))).collect()).await?;
            self.take_back(superseded).await?;
            match granted {
                Ok(result) => {
                    let ended = chunk.into_iter().enumerate().map(|(n, (item, receipt))| {
                        let receipt = result.receipt(n, &item.request, list, receipt);
                        (item, receipt)
                    });
                    self.end(ended.collect()).await?;
                }
                Err(failure) => match split(&failure, chunk)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One((item, _)) => self.end::<_, Receipt>(vec![(item, Err(failure))]).await?,
                },
            }
        }
        Ok(())
    }
}
