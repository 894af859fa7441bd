//! Opt-outs of a batch.

use super::{Batch, Ended, Item, Split, Stop, chunks, split};
use crate::opt_in_flow::{self, Failure, Granted};
use crate::opt_out::OptOut;
use crate::outcome::{OptOutReceipt, Reason};
use klaviyo_host::Disposition;
use klaviyo_host::types::Code;
use tracing::warn;

/// How many people leave in one request: `consent.revoke`.
const CHUNK: usize = 100;

impl Batch<'_> {
    /// Takes the consent of people back, and settles their opt-outs.
    pub(super) async fn leave(&mut self, items: Vec<Item<OptOut>>) -> Result<(), Stop> {
        // Who comes back after them has to find them done.
        self.settler.in_flight.go_first(&items.iter().map(|item| item.sequence).collect::<Vec<u64>>());
        let mut chunks = chunks(items, CHUNK);
        while let Some(chunk) = chunks.pop() {
            self.attempted = chunk.iter().map(|item| item.sequence).collect();
            let opt_outs: Vec<&OptOut> = chunk.iter().map(|item| &item.asked).collect();
            match opt_in_flow::revoke(self.tenant, &opt_outs).await {
                Ok(granted) => {
                    let ended = ended(chunk, &granted);
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

/// Whether it is not one of them that fails.
fn affects_all(failure: &Failure) -> bool {
    matches!(failure.disposition, Disposition::RetryLater | Disposition::StopAccount)
        || failure.reason.code == Code::Forbidden.as_str()
}

/// What came of it, for each.
fn ended(items: Vec<Item<OptOut>>, granted: &Granted) -> Vec<Ended<OptOut, OptOutReceipt>> {
    let result = |n: usize| match granted.refused.iter().find(|(position, _)| *position == n) {
        Some((_, reason)) => Err(Failure::final_for(reason.clone())),
        None => Ok(OptOutReceipt { warnings: granted.warnings.clone() }),
    };
    items.into_iter().enumerate().map(|(n, item)| (item, result(n))).collect()
}
