//! The opt-outs of a batch, and the consent that people have withdrawn lately.
//!
//! A record of it keeps an older opt-in from giving that consent again: one that failed before, a dead letter
//! that is retried, or one that another worker has.

use super::attempt::{AT_ONCE, Batch, Split, Stop, chunks, split};
use super::item::{Ended, Item};
use crate::key::OptInKey;
use crate::opt_in::{Channel, OptIn};
use crate::opt_in_flow::{self, Failure};
use crate::opt_out::OptOut;
use crate::outcome::{OptOutReceipt, Reason};
use crate::queue::{QueueError, Record};
use futures_util::{StreamExt, TryStreamExt, stream};
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
                    let receipt = |n| result.of(n).map(|warnings| OptOutReceipt { warnings });
                    let ended: Vec<_> =
                        chunk.into_iter().enumerate().map(|(n, item)| (item, receipt(n))).collect();
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

impl Batch<'_> {
    /// Records the opt-outs that were done, each with the sequence of its message in the stream.
    pub(super) async fn record_withdrawals(
        &self,
        ended: &[Ended<OptOut, OptOutReceipt>],
    ) -> Result<(), Stop> {
        let done = ended.iter().filter(|(_, result)| result.is_ok());
        let recorded: Vec<_> = done.map(|(item, _)| self.record_withdrawal(item)).collect();
        stream::iter(recorded).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn record_withdrawal(&self, item: &Item<OptOut>) -> Result<(), Stop> {
        let sequence = item.first_sequence();
        for channel in &item.request.opt_out {
            let key = self.withdrawal_key(&item.request.phone_number, *channel);
            loop {
                let known = match self.settler.queue.find_record(&key).await {
                    // A newer version has recorded the same.
                    Err(QueueError::Unreadable(_)) => break,
                    known => known?,
                };
                let record = Record {
                    outcome: OptOutReceipt::default().into(),
                    sequences: vec![sequence],
                    revision: known.as_ref().map_or(0, |known| known.revision),
                };
                if known.is_some_and(|known| is_after(&known, sequence.saturating_sub(1)))
                    || self.settler.queue.settle(&key, &record).await?
                {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Opt-ins without the consent that their people have withdrawn since they were accepted.
    pub(super) async fn without_withdrawn(&self, opt_ins: Vec<Item>) -> Result<Vec<Item>, Stop> {
        let opt_ins = stream::iter(opt_ins).map(|item| self.without_withdrawn_channels(item));
        opt_ins.buffered(AT_ONCE).try_collect().await
    }

    async fn without_withdrawn_channels(&self, mut item: Item) -> Result<Item, Stop> {
        let (accepted, opt_in) = (item.first_sequence(), &mut item.request);
        for channel in opt_in.consent.clone() {
            if self.has_withdrawn(opt_in, channel, accepted).await? {
                opt_in.consent.retain(|other| *other != channel);
                opt_in.warn(format!(
                    "consent: the person has stopped {channel} marketing since, so none is given"
                ));
            }
        }
        if opt_in.consent.is_empty() {
            // A source without consent is invalid.
            opt_in.consent_source = None;
        }
        Ok(item)
    }

    async fn has_withdrawn(
        &self,
        opt_in: &OptIn,
        channel: Channel,
        accepted: u64,
    ) -> Result<bool, QueueError> {
        match (channel, &opt_in.phone_number) {
            // Opt-outs have no email.
            (Channel::Email, _) | (_, None) => Ok(false),
            (Channel::Sms | Channel::Whatsapp, Some(number)) => {
                match self.settler.queue.find_record(&self.withdrawal_key(number, channel)).await {
                    // A newer version has recorded when. That consent was withdrawn is certain.
                    Err(QueueError::Unreadable(_)) => Ok(true),
                    record => Ok(record?.is_some_and(|record| is_after(&record, accepted))),
                }
            }
        }
    }

    /// The key of a withdrawal in the bucket of outcomes, which keeps it as long as an outcome.
    fn withdrawal_key(&self, number: &str, channel: Channel) -> OptInKey {
        // The text is longer than the id of any opt-in, so that no opt-in has this key.
        OptInKey::new(self.settler.account, &format!("{number} has left {channel:0>200}"))
    }
}

fn is_after(withdrawal: &Record, sequence: u64) -> bool {
    withdrawal.sequences.iter().any(|at| *at > sequence)
}
