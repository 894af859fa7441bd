//! The opt-outs of a batch.

use super::attempt::{Batch, Stop};
use super::item::{Ended, Item};
use super::split::{Split, chunks, split};
use crate::opt_in_flow::{self, ConsentResult, Failure};
use crate::opt_out::OptOut;
use crate::outcome::{OptOutReceipt, Reason};
use klaviyo_host::Disposition;
use klaviyo_host::types::Code;
use tracing::warn;

/// How many people `consent.revoke` takes in one request.
const CHUNK: usize = 100;

impl Batch<'_> {
    /// Revokes the consent of people, and settles their opt-outs.
    pub(super) async fn opt_out(&mut self, items: Vec<Item<OptOut>>) -> Result<(), Stop> {
        // An opt-in that the same person sends afterwards has to find the opt-out done.
        self.settler.in_flight.go_first(&items.iter().map(|item| item.sequence).collect::<Vec<u64>>());
        let mut chunks = chunks(items, CHUNK);
        while let Some(chunk) = chunks.pop() {
            self.attempted = chunk.iter().map(|item| item.sequence).collect();
            let opt_outs: Vec<&OptOut> = chunk.iter().map(|item| &item.request).collect();
            match opt_in_flow::revoke(self.tenant, &opt_outs).await {
                Ok(result) => {
                    let ended = ended(chunk, &result);
                    self.record_withdrawals(&ended).await?;
                    self.end(ended).await?;
                }
                Err(failure) if affects_all(&failure) => {
                    let Reason { code, message, .. } = &failure.reason;
                    warn!(account = %self.settler.account, code, reason = message, "opt-outs are not done yet");
                    let ended = chunk.into_iter().map(|item| (item, Err(failure.clone())));
                    self.end::<_, OptOutReceipt>(ended.collect()).await?;
                }
                Err(failure) => match split(&failure, chunk)? {
                    Split::Halves(halves) => chunks.extend(halves),
                    Split::One(item) => self.end::<_, OptOutReceipt>(vec![(item, Err(failure))]).await?,
                },
            }
        }
        Ok(())
    }
}

/// Whether smaller calls would fail in the same way.
fn affects_all(failure: &Failure) -> bool {
    matches!(failure.disposition, Disposition::RetryLater | Disposition::StopAccount)
        || failure.reason.code == Code::Forbidden.as_str()
}

/// What came of a call, for each opt-out.
fn ended(items: Vec<Item<OptOut>>, result: &ConsentResult) -> Vec<Ended<OptOut, OptOutReceipt>> {
    let ended = |n: usize| match result.refused.iter().find(|(position, _)| *position == n) {
        Some((_, reason)) => Err(Failure::final_for(reason.clone())),
        None => Ok(OptOutReceipt { warnings: result.warnings.clone() }),
    };
    items.into_iter().enumerate().map(|(n, item)| (item, ended(n))).collect()
}
